using System.Globalization;
using System.Text;
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

/// <summary>Tables of each format version, which the reference implementation and we write by turns.</summary>
public sealed class FormatVersionTests
{
    private static readonly RowType Rows = new([new Field("id", new DataType.BigInt().NotNull()), new Field("s", DataType.String)]);

    [Theory]
    [InlineData(1, null)]
    [InlineData(1, "bucket[2](id)")]
    [InlineData(2, "bucket[2](id)")]
    [InlineData(3, null)]
    [InlineData(3, "bucket[2](id)")]
    public async Task Both_engines_append_by_turns(int version, string? partition)
    {
        var data = new ForeignData();
        var path = data.PathOf("t");
        await IcebergReference.CreateAsync(path, "id long required, s string", partition, "--format-version", $"{version}", "--table-prop", "commit.manifest.min-count-to-merge=3");
        for (var i = 0; i < 4; i++)
        {
            await IcebergReference.AppendAsync(path, [$$"""{"id":{{100 + i}},"s":"java"}"""]);
            await WriteAsync(data, [(i, "ours")]);
        }
        await data.AppendAsync(await data.LoadAsync("t"), []);

        await IcebergReference.CheckAsync(path, "--require-totals");
        Assert.Equal(8, await IcebergReference.CountAsync(path));
        Assert.Equal(4, await IcebergReference.CountAsync(path, "--where", "s = 'ours'"));
        Assert.Equal(8, await DuckCountAsync(path));
        Assert.Equal(8, (await PyIceberg.ScanAsync((await data.LoadAsync("t")).MetadataLocation)).Count);
        Assert.Equal(version, (await IcebergReference.InfoAsync(path)).GetProperty("format-version").GetInt32());
    }

    [Fact]
    public async Task Tables_that_we_create_as_version_3_are_carried_on_by_others()
    {
        var data = new ForeignData();
        var path = data.PathOf("t");
        var (created, _) = await data.Catalog.CreateAsync(ForeignData.Name("t"), new NewTable(Schema.FromRow(Rows), PartitionSpec.Unpartitioned, TableMetadata.EmptyProperties, 3), default);
        Assert.Equal((3, 0L), (created.Metadata.FormatVersion, created.Metadata.NextRowId));

        await WriteAsync(data, [(1, "a"), (2, "b")]);
        await IcebergReference.AppendAsync(path, ["""{"id":3,"s":"c"}"""]);
        await IcebergReference.WriteAsync("delete-where", path, "--where", "id = 2", "--mode", "dv");
        await WriteAsync(data, [(4, "d")]);

        await IcebergReference.CheckAsync(path, "--require-totals");
        Assert.Equal(3, await IcebergReference.CountAsync(path));
        Assert.Equal(3, await DuckCountAsync(path));
        Assert.Equal(4, (await data.LoadAsync("t")).Metadata.NextRowId);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("bucket[2](id)")]
    public async Task A_table_is_raised_from_version_1_to_3_between_our_commits(string? partition)
    {
        var data = new ForeignData();
        var path = data.PathOf("t");
        await IcebergReference.CreateAsync(path, "id long required, s string", partition, "--format-version", "1");
        await IcebergReference.AppendAsync(path, ["""{"id":1,"s":"java"}""", """{"id":2,"s":"java"}"""]);
        await WriteAsync(data, [(3, "ours"), (4, "ours")]);
        await IcebergReference.CheckAsync(path, "--require-totals");

        await IcebergReference.WriteAsync("set-props", path, "format-version=2");
        await IcebergReference.WriteAsync("delete-where", path, "--where", "id = 3", "--mode", "position");
        await WriteAsync(data, [(5, "ours")]);
        await IcebergReference.CheckAsync(path, "--require-totals");
        Assert.Equal(4, await DuckCountAsync(path));

        await IcebergReference.WriteAsync("set-props", path, "format-version=3");
        await WriteAsync(data, [(6, "ours")]);
        await IcebergReference.WriteAsync("delete-where", path, "--where", "id in (1, 5)", "--mode", "dv");
        await WriteAsync(data, [(7, "ours")]);

        await IcebergReference.CheckAsync(path, "--require-totals");
        Assert.Equal("2 4 6 7", await IdsAsync(path));
        Assert.Equal(4, await DuckCountAsync(path));
        var table = await data.LoadAsync("t");
        Assert.All((await ForeignData.FilesOfAsync(table)).Where(file => file.Content == FileContent.Data), file => Assert.NotNull(file.FirstRowId));
    }

    [Fact]
    public async Task A_prepared_commit_survives_that_the_table_is_raised_and_rows_are_deleted()
    {
        var data = new ForeignData();
        var path = data.PathOf("t");
        await IcebergReference.CreateAsync(path, "id long required, s string", null, "--format-version", "1");
        var table = await data.LoadAsync("t");
        var prepared = await data.PrepareAsync(table, Matih.Iceberg.FileRemoval.None, await FilesAsync(table, [(1, "ours")]));

        await IcebergReference.WriteAsync("set-props", path, "format-version=2");
        await IcebergReference.UpsertAsync(path, "id", ["""{"id":1,"s":"java"}"""]);
        table = await data.LoadAsync("t");
        var ready = Assert.IsType<Matih.Iceberg.ChangeAttempt.Ready>(await ForeignData.AttemptAsync(prepared, table));
        Assert.IsType<CommitResult.Committed>(await data.Catalog.CommitAsync(table, ready.Requirements, ready.Updates, default));

        // The deletion is older than our row, which it must not reach.
        await IcebergReference.CheckAsync(path, "--require-totals");
        Assert.Equal(2, await IcebergReference.CountAsync(path));
        Assert.Equal(2, await DuckCountAsync(path));
    }

    [Fact]
    public async Task A_dropped_partition_field_of_version_1_stays_as_void()
    {
        var data = new ForeignData();
        var path = data.PathOf("t");
        await IcebergReference.CreateAsync(path, "id long required, s string", "bucket[2](id), s", "--format-version", "1");
        await IcebergReference.AppendAsync(path, ["""{"id":1,"s":"java"}"""]);
        await IcebergReference.WriteAsync("set-spec", path, "drop", "bucket[2](id)");
        Assert.Contains((await data.LoadAsync("t")).Metadata.DefaultSpec.Fields, field => field.Transform is Transform.Void);

        await WriteAsync(data, [(2, "ours"), (3, "theirs")]);
        await IcebergReference.AppendAsync(path, ["""{"id":4,"s":"java"}"""]);

        await IcebergReference.CheckAsync(path, "--require-totals");
        Assert.Equal("1 2 3 4", await IdsAsync(path));
    }

    [Fact]
    public async Task Defaults_are_written_where_the_query_gives_no_value()
    {
        var data = new ForeignData();
        var path = data.PathOf("t");
        await IcebergReference.CreateAsync(path, "id long required, s string", null, "--format-version", "3");
        await WriteAsync(data, [(1, "old")]);
        await AddColumnsAsync(data,
            new NestedField(10, "n", true, new IcebergType.Int()) { InitialDefault = "7", WriteDefault = "8" },
            new NestedField(11, "at", false, new IcebergType.TimestampTz()) { InitialDefault = "\"2026-01-02T03:04:05+00:00\"" },
            new NestedField(12, "amount", false, new IcebergType.Decimal(9, 2)) { WriteDefault = "\"14.20\"" },
            new NestedField(13, "v", false, new IcebergType.Other("variant")));

        await WriteAsync(data, [(2, "new"), (3, null)]);

        await IcebergReference.CheckAsync(path, "--require-totals");
        var rows = (await IcebergReference.ScanAsync(path, "--sorted", "--columns", "id,s,n,at,amount")).Select(row => row.GetRawText());
        Assert.Equal(
            [
                """{"id":1,"s":"old","n":7,"at":"2026-01-02T03:04:05.000000+00:00","amount":null}""",
                """{"id":2,"s":"new","n":8,"at":null,"amount":"14.20"}""",
                """{"id":3,"s":null,"n":8,"at":null,"amount":"14.20"}""",
            ], rows);
    }

    [Fact]
    public async Task A_query_that_gives_a_column_of_an_unknown_type_is_refused_with_the_reason()
    {
        var data = new ForeignData();
        await IcebergReference.CreateAsync(data.PathOf("t"), "id long required, v string", null, "--format-version", "3");
        var table = await data.LoadAsync("t");
        var schema = table.Metadata.CurrentSchema;
        table = table with { Metadata = table.Metadata with { Schemas = [new Schema(0, [schema.Fields[0], schema.Fields[1] with { Type = new IcebergType.Other("variant") }])] } };

        var exception = Assert.Throws<Matih.Delivery.PipelineException>(() => IcebergBinding.Bind(
            new TablePlan(ForeignData.Name("t"), new RowType([Rows.Fields[0], new Field("v", DataType.String)]), [], TableMetadata.EmptyProperties, true, null), table));

        Assert.Contains("'v' has the type variant, which this build does not write", exception.Message);
    }

    /// <summary>As another engine adds columns, with defaults.</summary>
    internal static async Task AddColumnsAsync(ForeignData data, params NestedField[] columns)
    {
        var table = await data.LoadAsync("t");
        var schema = table.Metadata.CurrentSchema;
        TableUpdate[] updates = [new TableUpdate.AddSchema(new Schema(schema.SchemaId + 1, schema.Fields.AddRange(columns))), new TableUpdate.SetCurrentSchema(TableUpdate.LastAdded)];
        Assert.IsType<CommitResult.Committed>(await data.Catalog.CommitAsync(table, [], updates, default));
    }

    /// <summary>Appends rows as a lane of a pipeline writes them.</summary>
    internal static async Task WriteAsync(ForeignData data, IReadOnlyList<(long Id, string? Text)> rows)
    {
        var table = await data.LoadAsync("t");
        await data.AppendAsync(table, await FilesAsync(table, rows));
    }

    internal static async Task<IReadOnlyList<DataFile>> FilesAsync(Table table, IReadOnlyList<(long Id, string? Text)> rows)
    {
        var ids = new SystemIdSource();
        var memory = MemoryAccount.Unlimited();
        var plan = new TablePlan(table.Identifier, Rows, [], TableMetadata.EmptyProperties, true, null);
        var writing = new FileWriting(
            Rows, IcebergBinding.Bind(plan, table), ParquetWriterSettings.Default, long.MaxValue, new GatheringLimits(64 << 10), table.Store, ids, memory, new LocalScratch(TemporaryDirectory.New(), ids));
        await using var writer = new SinkWriter(new FileSets(writing, 1, new SystemTaskStarter()), isAlone: true);
        using var id = new FixedColumn<long>(new DataType.BigInt().NotNull(), memory);
        using var text = new BytesColumn(DataType.String, memory);
        foreach (var row in rows)
        {
            id.Append(row.Id);
            if (row.Text is null) text.AppendNull();
            else text.Append(Encoding.UTF8.GetBytes(row.Text));
        }
        await writer.WriteAsync(new ColumnBatch(Rows, [id, text], rows.Count), default);
        return [.. (await writer.FinishAsync(default)).Select(file => ((IcebergFile)file).File)];
    }

    private static async Task<string> IdsAsync(string path) =>
        string.Join(' ', (await IcebergReference.ScanAsync(path, "--columns", "id")).Select(row => row.GetProperty("id").GetInt64()).Order().Select(id => id.ToString(CultureInfo.InvariantCulture)));

    private static async Task<int> DuckCountAsync(string path) =>
        Assert.Single(await DuckDb.QueryAsync($"select count(*)::int n from iceberg_scan('{path}')")).GetProperty("n").GetInt32();
}
