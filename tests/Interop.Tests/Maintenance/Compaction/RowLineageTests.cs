using System.Text.Json;
using Matih.Batches;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Iceberg.Manifests;
using Matih.Interop.Tests.Iceberg;
using Matih.Maintenance.Compaction;
using Matih.Storage;

namespace Matih.Interop.Tests.Maintenance.Compaction;

/// <summary>
/// Compaction of tables of format version 3: rows keep their ids and ages, as DuckDB reads them, and deletion vectors are applied
/// and go.
/// </summary>
public sealed class RowLineageTests
{
    private const long TargetBytes = 1 << 20;

    private readonly ForeignData _data = new();

    private string Folder => _data.PathOf("t");

    [Theory]
    [InlineData(null)]
    [InlineData("bucket[2](id)")]
    public async Task Rows_keep_their_ids_and_ages_in_fewer_files_also_the_second_time(string? partition)
    {
        await IcebergReference.CreateAsync(Folder, "id long required, s string", partition, "--format-version", "3");
        for (var i = 0; i < 4; i++) await IcebergReference.AppendAsync(Folder, Rows(10 * i, 5));
        await IcebergReference.WriteAsync("delete-where", Folder, "--where", "id in (1, 12, 13)", "--mode", "dv");
        await IcebergReference.WriteAsync("delete-where", Folder, "--where", "id = 2", "--mode", "dv");
        await FormatVersionTests.WriteAsync(_data, [(100, "ours")]);
        var before = await LineageAsync();
        Assert.Equal(17, before.Count);
        Assert.Equal(17, before.Select(row => row.GetProperty("_row_id").GetInt64()).Distinct().Count());

        Assert.Empty((await CompactAsync()).Skipped);

        Assert.Equal(Texts(before), Texts(await LineageAsync()));
        await IcebergReference.CheckAsync(Folder, "--require-totals");
        Assert.DoesNotContain(await FilesAsync(), file => file.IsDeletionVector);
        Assert.Equal(partition is null ? 1 : 2, (await FilesAsync()).Count);

        for (var i = 20; i < 23; i++) await IcebergReference.AppendAsync(Folder, Rows(10 * i, 4));
        await IcebergReference.WriteAsync("delete-where", Folder, "--where", "id in (3, 100, 200)", "--mode", "dv");
        before = await LineageAsync();
        Assert.Empty((await CompactAsync()).Skipped);

        Assert.Equal(26, before.Count);
        Assert.Equal(Texts(before), Texts(await LineageAsync()));
        await IcebergReference.CheckAsync(Folder, "--require-totals");
        Assert.Equal(26, Assert.Single(await DuckDb.QueryAsync($"select count(*)::int n from iceberg_scan('{Folder}')")).GetProperty("n").GetInt32());
        Assert.Equal(26, (await PyIceberg.ScanAsync((await _data.LoadAsync("t")).MetadataLocation)).Count);
    }

    [Fact]
    public async Task Vectors_of_many_files_in_one_Puffin_file_go_one_by_one()
    {
        await IcebergReference.CreateAsync(Folder, "id long required, s string", "bucket[4](id)", "--format-version", "3", "--table-prop", "write.delete.granularity=partition");
        for (var i = 0; i < 3; i++) await IcebergReference.AppendAsync(Folder, Rows(100 * i, 40));
        await IcebergReference.WriteAsync("delete-where", Folder, "--where", "id in (1, 2, 3, 4, 5, 6, 7, 8, 9, 101, 102, 103, 104, 105, 106)", "--mode", "dv");
        var before = await LineageAsync();
        var vectors = (await FilesAsync()).Where(file => file.IsDeletionVector).ToList();
        Assert.True(vectors.Select(vector => vector.Path).Distinct().Count() < vectors.Count, "One Puffin file should hold several vectors.");
        var isDone = false;

        // Another engine changes one partition meanwhile: its files and vectors stay.
        var report = await CompactAsync(async () =>
        {
            if (isDone) return;
            isDone = true;
            await IcebergReference.WriteAsync("delete-where", Folder, "--where", "id = 201", "--mode", "dv");
        });

        Assert.Single(report.Skipped);
        Assert.Equal(3, report.Rewritten.Length);
        Assert.Equal(Texts(before.Where(row => row.GetProperty("id").GetInt64() != 201)), Texts(await LineageAsync()));
        await IcebergReference.CheckAsync(Folder, "--require-totals");
        Assert.Empty(await IcebergReference.OrphansAsync(Folder));
    }

    [Fact]
    public async Task A_vector_of_thousands_of_rows_in_every_kind_of_container_is_applied()
    {
        await IcebergReference.CreateAsync(Folder, "id long required, s string", null, "--format-version", "3");
        await IcebergReference.AppendAsync(Folder, Enumerable.Range(0, 140_000).Select(i => $$"""{"id":{{i}},"s":"{{(i % 3 == 0 ? "third" : i % 1000 == 1 ? "rare" : "x")}}"}"""));
        await IcebergReference.WriteAsync("delete-where", Folder, "--where", "id < 60000 and s = 'third'", "--mode", "dv");
        await IcebergReference.WriteAsync("delete-where", Folder, "--where", "id >= 70000 and id < 90000", "--mode", "dv");
        await IcebergReference.WriteAsync("delete-where", Folder, "--where", "id > 131072 and s = 'rare'", "--mode", "dv");
        var left = await IcebergReference.CountAsync(Folder);

        Assert.Equal(left, Assert.Single((await CompactAsync()).Rewritten).AddedRowCount);

        Assert.Equal(left, await IcebergReference.CountAsync(Folder));
        Assert.Equal(0, await IcebergReference.CountAsync(Folder, "--where", "id < 60000 and s = 'third'"));
        Assert.Equal(0, await IcebergReference.CountAsync(Folder, "--where", "id >= 70000 and id < 90000"));
        await IcebergReference.CheckAsync(Folder, "--require-totals");
    }

    [Fact]
    public async Task Rows_of_a_table_that_was_raised_get_ids_with_the_compaction_or_keep_those_of_the_commit_before()
    {
        await IcebergReference.CreateAsync(Folder, "id long required, s string", "s", "--format-version", "2");
        for (var i = 0; i < 4; i++) await IcebergReference.AppendAsync(Folder, Rows(10 * i, 5));
        await IcebergReference.WriteAsync("delete-where", Folder, "--where", "id in (1, 12)", "--mode", "position");
        await IcebergReference.WriteAsync("set-props", Folder, "format-version=3");
        await CompactAsync();
        var first = await LineageAsync();
        Assert.Equal(18, first.Select(row => row.GetProperty("_row_id").GetInt64()).Distinct().Count());
        await IcebergReference.CheckAsync(Folder, "--require-totals");

        await IcebergReference.AppendAsync(Folder, Rows(100, 5));
        var before = await LineageAsync();
        await CompactAsync();

        Assert.Equal(23, before.Count);
        Assert.Equal(Texts(before), Texts(await LineageAsync()));
        await IcebergReference.CheckAsync(Folder, "--require-totals");
    }

    [Fact]
    public async Task Rows_that_get_ids_while_they_are_rewritten_are_left_for_the_next_round()
    {
        await IcebergReference.CreateAsync(Folder, "id long required, s string", null, "--format-version", "2");
        for (var i = 0; i < 4; i++) await IcebergReference.AppendAsync(Folder, Rows(10 * i, 5));
        await IcebergReference.WriteAsync("set-props", Folder, "format-version=3");
        var isDone = false;

        var report = await CompactAsync(async () =>
        {
            if (isDone) return;
            isDone = true;
            await IcebergReference.AppendAsync(Folder, Rows(100, 5));
        });

        Assert.Empty(report.Rewritten);
        Assert.Single(report.Skipped);
        var before = await LineageAsync();
        Assert.Single((await CompactAsync()).Rewritten);
        Assert.Equal(Texts(before), Texts(await LineageAsync()));
        await IcebergReference.CheckAsync(Folder, "--require-totals");
    }

    [Fact]
    public async Task Initial_defaults_become_values()
    {
        await IcebergReference.CreateAsync(Folder, "id long required, s string", null, "--format-version", "3");
        for (var i = 0; i < 3; i++) await IcebergReference.AppendAsync(Folder, Rows(10 * i, 2));
        await FormatVersionTests.AddColumnsAsync(_data,
            new Matih.Iceberg.Metadata.NestedField(10, "n", true, new Matih.Iceberg.Metadata.IcebergType.Int()) { InitialDefault = "7", WriteDefault = "8" },
            new Matih.Iceberg.Metadata.NestedField(11, "t", false, new Matih.Iceberg.Metadata.IcebergType.String()) { InitialDefault = "\"old\"" });
        await FormatVersionTests.WriteAsync(_data, [(100, "new")]);
        var before = Texts(await IcebergReference.ScanAsync(Folder));

        Assert.Empty((await CompactAsync()).Skipped);

        Assert.Equal(before, Texts(await IcebergReference.ScanAsync(Folder)));
        Assert.Equal(6, await IcebergReference.CountAsync(Folder, "--where", "n = 7 and t = 'old'"));
        await IcebergReference.CheckAsync(Folder, "--require-totals");
    }

    private static IEnumerable<string> Rows(int first, int count) => Enumerable.Range(first, count).Select(id => $$"""{"id":{{id}},"s":"s{{id % 2}}"}""");

    private static IEnumerable<string> Texts(IEnumerable<JsonElement> rows) => rows.Select(row => row.GetRawText()).Order(StringComparer.Ordinal);

    private Task<IReadOnlyList<JsonElement>> LineageAsync() => DuckDb.QueryAsync($"select id::int id, s, _row_id::int _row_id, _last_updated_sequence_number::int _age from iceberg_scan('{Folder}')");

    private async Task<IReadOnlyList<DataFile>> FilesAsync() => await ForeignData.FilesOfAsync(await _data.LoadAsync("t"));

    private Task<CompactionReport> CompactAsync(Func<Task>? betweenAsync = null) => CompactAsync(_data, betweenAsync);

    internal static async Task<CompactionReport> CompactAsync(ForeignData data, Func<Task>? betweenAsync = null)
    {
        var ids = new SystemIdSource();
        var environment = new EngineEnvironment(TimeProvider.System, ids, new Random(1), new SystemTaskStarter(), new LocalScratch(TemporaryDirectory.New(), ids));
        var compaction = new TableCompaction(data.Catalog, environment, MemoryAccount.Unlimited()) { PaceAsync = async _ => await (betweenAsync?.Invoke() ?? Task.CompletedTask) };
        return (await compaction.RunAsync(ForeignData.Name("t"), new CompactionTerms(TargetBytes, long.MaxValue) { ColdAge = TimeSpan.Zero }, isDryRun: false, default))!;
    }
}
