using System.Text.Json;
using Matih.Batches;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Iceberg.Manifests;
using Matih.Interop.Tests.Iceberg;
using Matih.Maintenance.Compaction;
using Matih.Storage;

namespace Matih.Interop.Tests.Maintenance.Compaction;

/// <summary>Compaction of tables that the reference implementation writes, deletes from and changes: it finds the same rows before and after.</summary>
public sealed class CompactionTests
{
    private const long TargetBytes = 1 << 20;

    private readonly ForeignData _data = new();

    private string Folder => _data.PathOf("t");

    [Theory]
    [InlineData(null)]
    [InlineData("bucket[3](id)")]
    [InlineData("day(tz), truncate[2](s)")]
    public async Task Every_type_is_the_same_in_fewer_files(string? partition)
    {
        await _data.CreateForeignAsync("t", ForeignData.AllTypes, partition, ForeignData.AllTypesRows);
        for (var i = 0; i < 5; i++) await IcebergReference.AppendAsync(Folder, ForeignData.AllTypesRows);
        var (before, filesBefore) = (await RowsAsync(), await FilesAsync());

        var report = await CompactAsync();

        Assert.Empty(report.Skipped);
        Assert.Equal(before, await RowsAsync());
        var files = await FilesAsync();
        Assert.Equal(files.Select(file => new PartitionIdentity(file)).Distinct().Count(), files.Count);
        Assert.True(files.Count < filesBefore.Count, $"{files.Count} files after, {filesBefore.Count} before.");
        Assert.Equal(filesBefore.Sum(file => file.RecordCount), files.Sum(file => file.RecordCount));
        await IcebergReference.CheckAsync(Folder, "--require-totals");
        Assert.Equal("replace", (await _data.LoadAsync("t")).Metadata.CurrentSnapshot!.Operation);
        Assert.Empty((await CompactAsync()).Rewritten);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("bucket[2](id)")]
    public async Task Rows_that_delete_files_took_out_stay_out_and_columns_that_changed_keep_their_values(string? partition)
    {
        await _data.CreateForeignAsync("t", "id long required, n int, x float, amount decimal(7,2), gone string, note string", partition, Rows(0, 6));
        await IcebergReference.AppendAsync(Folder, Rows(6, 6));
        await IcebergReference.WriteAsync("delete-where", Folder, "--where", "id in (2, 7)", "--mode", "position");
        await IcebergReference.WriteAsync("delete-where", Folder, "--where", "id = 9", "--mode", "equality", "--key", "id");
        await IcebergReference.WriteAsync("delete-where", Folder, "--where", "note = 'n4'", "--mode", "equality", "--key", "note,n");
        await IcebergReference.AppendAsync(Folder, Rows(9, 1));
        foreach (var change in (string[][])[["widen", "n", "long"], ["widen", "x", "double"], ["widen", "amount", "decimal(12,2)"], ["drop", "gone"], ["rename", "note", "remark"], ["add", "more", "string"]])
            await IcebergReference.WriteAsync("set-schema", Folder, change);
        for (var i = 12; i < 18; i++) await IcebergReference.AppendAsync(Folder, [$$"""{"id":{{i}},"n":{{10_000_000_000L + i}},"x":0.1,"amount":"{{i}}000000.25","remark":null,"more":"m{{i}}"}"""]);
        var before = await RowsAsync();

        var report = await CompactAsync();

        Assert.Empty(report.Skipped);
        Assert.Equal(15, before.Count);
        Assert.Equal(before, await RowsAsync());
        Assert.Equal(15, (await FilesAsync()).Where(file => file.Content == FileContent.Data).Sum(file => file.RecordCount));
        // Delete files that reach nothing any more are left out, and counted.
        Assert.DoesNotContain(await FilesAsync(), file => file.Content != FileContent.Data);
        var summary = (await _data.LoadAsync("t")).Metadata.CurrentSnapshot!.Summary;
        Assert.Equal(("0", "0", "0"), (summary["total-delete-files"], summary["total-position-deletes"], summary["total-equality-deletes"]));
        await IcebergReference.CheckAsync(Folder, "--require-totals");
        Assert.Equal(15, Assert.Single(await DuckDb.QueryAsync($"select count(*)::int n from iceberg_scan('{Folder}')")).GetProperty("n").GetInt32());
    }

    [Fact]
    public async Task Delete_files_that_reach_nothing_go_by_themselves_and_those_that_reach_something_stay()
    {
        await _data.CreateForeignAsync("t", "id long required, p string, note string", "p", Parts("a", 0, 5));
        await IcebergReference.AppendAsync(Folder, Parts("b", 100, 5));
        await IcebergReference.WriteAsync("delete-where", Folder, "--where", "p = 'b' and id = 101", "--mode", "equality", "--key", "id");
        // The file that it reached goes; as the table has an older one, the reference implementation keeps the delete file.
        await IcebergReference.WriteAsync("rewrite-data-files", Folder, "--where", "p = 'b'", "--all");
        await IcebergReference.WriteAsync("delete-where", Folder, "--where", "p = 'a' and id = 1", "--mode", "position");
        var (before, deletes) = (await RowsAsync(), (await FilesAsync()).Count(file => file.Content != FileContent.Data));

        var report = await CompactAsync();

        Assert.Equal(2, deletes);
        Assert.Equal(before, await RowsAsync());
        await IcebergReference.CheckAsync(Folder, "--require-totals");
        Assert.True(report.IsOnlyManifests || !report.Rewritten.IsEmpty);
        var metadata = (await _data.LoadAsync("t")).Metadata;
        Assert.DoesNotContain(await FilesAsync(), file => file.Content != FileContent.Data && file.PartitionIn(metadata) == "p=b");
        Assert.False((await CompactAsync()).IsOnlyManifests);
    }

    [Fact]
    public async Task Nested_columns_are_the_same_in_one_file_though_their_fields_have_changed()
    {
        await _data.CreateForeignAsync("t", "id long required, s struct<a:int,b:string,c:struct<x:float>>, l list<struct<q:int,r:string>>, m map<string,int>", null, Nested(0, 4));
        await IcebergReference.AppendAsync(Folder, Nested(4, 4));
        await IcebergReference.AppendAsync(Folder, ["""{"id":100}""", """{"id":101,"s":null,"l":[],"m":[]}"""]);
        foreach (var change in (string[][])[["widen", "s.a", "long"], ["rename", "s.b", "renamed"], ["add", "s.c.y", "string"], ["drop", "l.element.r"], ["add", "l.element.z", "int"], ["widen", "m.value", "long"]])
            await IcebergReference.WriteAsync("set-schema", Folder, change);
        for (var i = 0; i < 3; i++)
            await IcebergReference.AppendAsync(Folder, [$$"""{"id":{{200 + i}},"s":{"a":{{10_000_000_000L + i}},"renamed":"n","c":{"x":0.5,"y":"why"} },"l":[{"q":1,"z":2},null],"m":[{"key":"k","value":5}]}"""]);
        var before = await RowsAsync();

        var report = await CompactAsync();

        Assert.Empty(report.Skipped);
        Assert.Equal(13, before.Count);
        Assert.Equal(before, await RowsAsync());
        Assert.Single(await FilesAsync());
        await IcebergReference.CheckAsync(Folder, "--current");
        Assert.Equal(13, Assert.Single(await DuckDb.QueryAsync($"select count(*)::int n from iceberg_scan('{Folder}')")).GetProperty("n").GetInt32());
    }

    [Theory]
    [InlineData("position")]
    [InlineData("equality")]
    [InlineData("copy")]
    [InlineData("rewrite")]
    public async Task What_another_engine_deletes_or_rewrites_meanwhile_costs_only_its_partition(string mode)
    {
        await _data.CreateForeignAsync("t", "id long required, p string, note string", "p", Parts("a", 0, 5));
        await IcebergReference.AppendAsync(Folder, Parts("b", 100, 5));
        for (var i = 1; i < 6; i++)
        {
            await IcebergReference.AppendAsync(Folder, Parts("a", 5 * i, 5));
            await IcebergReference.AppendAsync(Folder, Parts("b", 100 + 5 * i, 5));
        }
        var isDone = false;
        var report = await CompactAsync(async () =>
        {
            if (isDone) return;
            isDone = true;
            if (mode == "rewrite") await IcebergReference.WriteAsync("rewrite-data-files", Folder, "--where", "p = 'a'");
            else await IcebergReference.WriteAsync("delete-where", Folder, ["--where", "p = 'a' and id = 12", "--mode", mode, .. mode == "equality" ? (string[])["--key", "id"] : []]);
        });

        Assert.Equal("p=a", Assert.Single(report.Skipped).Partition);
        Assert.Equal("p=b", Assert.Single(report.Rewritten).Partition);
        Assert.Equal(mode == "rewrite" ? 60 : 59, await IcebergReference.CountAsync(Folder));
        Assert.Equal(mode == "rewrite" ? 1 : 0, await IcebergReference.CountAsync(Folder, "--where", "id = 12"));
        await IcebergReference.CheckAsync(Folder, "--require-totals");
        Assert.Empty(await IcebergReference.OrphansAsync(Folder));
        await CompactAsync();
        Assert.Equal(mode == "rewrite" ? 60 : 59, await IcebergReference.CountAsync(Folder));
        Assert.Equal(2, (await FilesAsync()).Count(file => file.Content == FileContent.Data));
    }

    [Fact]
    public async Task A_table_that_was_rolled_back_past_a_deletion_meanwhile_gets_its_row_back()
    {
        await _data.CreateForeignAsync("t", "id long required, p string, note string", null, Parts("a", 0, 5));
        for (var i = 1; i < 6; i++) await IcebergReference.AppendAsync(Folder, Parts("a", 5 * i, 5));
        var earlier = (await _data.LoadAsync("t")).Metadata.CurrentSnapshotId!.Value;
        await IcebergReference.WriteAsync("delete-where", Folder, "--where", "id = 12", "--mode", "position");
        var isDone = false;

        var report = await CompactAsync(async () =>
        {
            if (isDone) return;
            isDone = true;
            await IcebergReference.WriteAsync("rollback", Folder, "--to", earlier.ToString());
        });

        Assert.Single(report.Skipped);
        Assert.Equal(30, await IcebergReference.CountAsync(Folder));
        await IcebergReference.CheckAsync(Folder);
    }

    [Fact]
    public async Task Files_are_in_the_table_s_sort_order()
    {
        await IcebergReference.CreateAsync(Folder, "id long required, p string, note string", null, "--sort", "note desc, id");
        for (var i = 0; i < 6; i++) await IcebergReference.AppendAsync(Folder, Parts("a", 5 * i, 5));

        await CompactAsync();

        var file = Assert.Single(await FilesAsync());
        Assert.Equal((await _data.LoadAsync("t")).Metadata.DefaultSortOrderId, file.SortOrderId);
        var ids = (await DuckDb.QueryAsync($"select note, id::int id from read_parquet('{file.Path}')")).Select(row => (Note: row.GetProperty("note").GetString()!, Id: row.GetProperty("id").GetInt32())).ToList();
        Assert.Equal(ids.OrderByDescending(row => row.Note, StringComparer.Ordinal).ThenBy(row => row.Id), ids);
        await IcebergReference.CheckAsync(Folder);
    }

    private async Task<CompactionReport> CompactAsync(Func<Task>? meanwhile = null)
    {
        var ids = new SystemIdSource();
        var environment = new EngineEnvironment(TimeProvider.System, ids, new Random(1), new SystemTaskStarter(), new LocalScratch(_data.Folder, ids));
        var compaction = new TableCompaction(_data.Catalog, environment, new MemoryAccount(64 << 20)) { PaceAsync = async _ => await (meanwhile?.Invoke() ?? Task.CompletedTask) };
        return (await compaction.RunAsync(ForeignData.Name("t"), new CompactionTerms(TargetBytes, long.MaxValue) { ColdAge = TimeSpan.Zero }, isDryRun: false, default))!;
    }

    private async Task<IReadOnlyList<DataFile>> FilesAsync() => await ForeignData.FilesOfAsync(await _data.LoadAsync("t"));

    private async Task<List<string>> RowsAsync() => [.. (await IcebergReference.ScanAsync(Folder)).Select(row => JsonSerializer.Serialize(row)).Order(StringComparer.Ordinal)];

    private static IEnumerable<string> Rows(int from, int count) => Enumerable.Range(from, count).Select(i => $$"""{"id":{{i}},"n":{{i * 7}},"x":{{i}}.5,"amount":"{{i}}.25","gone":"g","note":"n{{i}}"}""");

    private static IEnumerable<string> Nested(int from, int count) => Enumerable.Range(from, count).Select(i =>
        $$"""{"id":{{i}},"s":{"a":{{i}},"b":"b{{i}}","c":{{(i % 2 == 0 ? "null" : """{"x":1.5}""")}} },"l":[{"q":{{i}},"r":"r"},{"q":null,"r":null}],"m":[{"key":"k{{i}}","value":{{i}} },{"key":"n","value":null}]}""");

    private static IEnumerable<string> Parts(string partition, int from, int count) => Enumerable.Range(from, count).Select(i => $$"""{"id":{{i}},"p":"{{partition}}","note":"n{{i % 3}}"}""");
}
