using System.Collections.Immutable;
using Matih.Batches;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Writing;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Parquet;
using Matih.Planning;
using Matih.Storage;

namespace Matih.Interop.Tests.Iceberg;

/// <summary>Files that lanes wrote in common: put together from several encoders' row groups, from rows that waited, and from sorted runs.</summary>
public sealed class SharedFilesTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Other_programs_read_what_lanes_wrote_in_common(bool isSorted)
    {
        var data = new ForeignData();
        var schema = Schema.FromRow(PartitionedWriteTests.Row);
        var partitioning = PartitionSpec.Create(schema, [("id", new Transform.Bucket(30), null)]);
        var (table, _) = await data.Catalog.CreateAsync(ForeignData.Name("t"), new NewTable(schema, partitioning, new Dictionary<string, string>()), default);
        if (isSorted)
        {
            using var json = System.Text.Json.JsonDocument.Parse("""{"order-id":1,"fields":[{"transform":"identity","source-id":1,"direction":"desc","null-order":"nulls-last"}]}""");
            var update = new TableUpdate[] { new TableUpdate.AddSortOrder(SchemaJson.ReadSortOrder(json.RootElement)), new TableUpdate.SetDefaultSortOrder(1) };
            table = Assert.IsType<CommitResult.Committed>(await data.Catalog.CommitAsync(table, [], update, default)).Table;
        }

        var files = await WriteAsync(table);
        await data.AppendAsync(table, files);

        Assert.Equal(30, files.Length);
        Assert.All(files, file => Assert.Equal(isSorted ? 1 : 0, file.SortOrderId));
        await IcebergReference.CheckAsync(data.PathOf("t"), "--require-totals");
        var all = $"read_parquet('{data.PathOf("t")}/data/**/*.parquet', filename = true, file_row_number = true, hive_partitioning = false)";
        var row = Assert.Single(await DuckDb.QueryAsync($"SELECT count(*)::INT AS n, count(DISTINCT id)::INT AS ids, sum(id)::INT AS total FROM {all}"));
        // Ids begin at -700.
        Assert.Equal((6000, 6000, 6000 * 5999 / 2 - 6000 * 700), (row.GetProperty("n").GetInt32(), row.GetProperty("ids").GetInt32(), row.GetProperty("total").GetInt32()));
        if (!isSorted) return;
        var unsorted = $"SELECT count(*)::INT AS n FROM (SELECT id, lag(id) OVER (PARTITION BY filename ORDER BY file_row_number) AS earlier FROM {all}) WHERE earlier < id";
        Assert.Equal(0, Assert.Single(await DuckDb.QueryAsync(unsorted)).GetProperty("n").GetInt32());
    }

    private static async Task<ImmutableArray<DataFile>> WriteAsync(Table table)
    {
        var random = new Random(1);
        var ids = new SystemIdSource();
        var scratch = new LocalScratch(TemporaryDirectory.New(), ids);
        var plan = new TablePlan(TableIdentifier.Parse("db.t"), PartitionedWriteTests.Row, [], TableMetadata.EmptyProperties, true, null);
        var writing = new FileWriting(
            PartitionedWriteTests.Row, IcebergBinding.Bind(plan, table), ParquetWriterSettings.Default, long.MaxValue, new GatheringLimits(64 << 10) { BlockRows = 200 },
            table.Store, ids, MemoryAccount.Unlimited(), scratch);
        await using var sets = new FileSets(writing, 2, new SystemTaskStarter());
        await using var first = new SinkWriter(sets, isAlone: false);
        await using var second = new SinkWriter(sets, isAlone: false);
        for (var start = 0; start < 6000; start += 500) await (start % 1000 == 0 ? first : second).WriteAsync(PartitionedWriteTests.Batch(start, 500, random), default);
        await first.FinishAsync(default);
        await second.FinishAsync(default);
        return [.. (await sets.CompleteAsync(default)).Select(file => ((IcebergFile)file).File)];
    }
}
