using Matih.Fixtures;
using Matih.Iceberg;
using Matih.Iceberg.Manifests;

namespace Matih.Interop.Tests.Iceberg;

/// <summary>Commits that take data files out of a table, as independent engines see them.</summary>
public sealed class RemovalTests
{
    private const string Columns = "id long required, at timestamptz";

    [Theory]
    [InlineData(null, "100")]
    [InlineData("day(at)", "100")]
    [InlineData("bucket[4](id), day(at)", "2")]
    public async Task Every_reader_sees_the_new_files_in_place_of_the_removed_ones(string? partition, string mergeCount)
    {
        var data = new ForeignData();
        var path = data.PathOf("ours");
        var foreign = await data.CreateForeignAsync("java", Columns, partition, Rows(1, 12), "--table-prop", "write.distribution-mode=none");
        var other = await data.CreateForeignAsync("java2", Columns, partition, Rows(101, 4));
        var table = await data.CreateLikeAsync("ours", foreign, ("commit.manifest.min-count-to-merge", mergeCount));
        table = await data.AppendAsync(table, data.Copies(await ForeignData.FilesOfAsync(foreign), Path.Combine(path, "data")));
        await IcebergReference.AppendAsync(path, Rows(51, 6));
        table = await data.LoadAsync("ours");
        var old = await ForeignData.FilesOfAsync(table);
        var ours = old.Take(1 + old.Count / 3).ToArray();
        var removedRows = ours.Sum(file => file.RecordCount);

        table = await data.ReplaceAsync(
            table, new FileRemoval([.. ours.Select(file => file.Path)], KeepsRows: false), data.Copies(await ForeignData.FilesOfAsync(other), Path.Combine(path, "data")));
        table = await data.AppendAsync(table, []);
        await IcebergReference.AppendAsync(path, Rows(201, 2));

        await IcebergReference.CheckAsync(path, "--require-totals");
        var expected = 12 + 6 - removedRows + 4 + 2;
        table = await data.LoadAsync("ours");
        Assert.Equal(expected, await IcebergReference.CountAsync(path));
        Assert.Equal(expected, (await PyIceberg.ScanAsync(table.MetadataLocation)).Count);
        Assert.Equal(expected, Assert.Single(await DuckDb.QueryAsync($"select count(*)::int n from iceberg_scan('{path}')")).GetProperty("n").GetInt32());
        Assert.Equal(expected, Assert.Single(await DuckDb.QueryAsync($"select count(distinct id)::int n from iceberg_scan('{path}')")).GetProperty("n").GetInt32());
        Assert.Equal(4, await IcebergReference.CountAsync(path, "--where", "id > 100 and id < 200"));
    }

    [Fact]
    public async Task A_compaction_of_ours_is_a_replace_that_the_reference_s_own_commands_build_on()
    {
        var data = new ForeignData();
        var path = data.PathOf("ours");
        var foreign = await data.CreateForeignAsync("java", Columns, null, Rows(1, 4));
        var source = await ForeignData.FilesOfAsync(foreign);
        var table = await data.AppendAsync(await data.CreateLikeAsync("ours", foreign), data.Copies(source, Path.Combine(path, "data")));

        table = await data.ReplaceAsync(
            table, new FileRemoval([.. (await ForeignData.FilesOfAsync(table)).Select(file => file.Path)], KeepsRows: true), data.Copies(source, Path.Combine(path, "data")));
        await IcebergReference.CheckAsync(path, "--require-totals");
        await IcebergReference.WriteAsync("delete-where", path, "--where", "id = 1", "--mode", "position");
        await IcebergReference.WriteAsync("rewrite-data-files", path);
        await IcebergReference.WriteAsync("expire-snapshots", path, "--retain-last", "1");

        await IcebergReference.CheckAsync(path, "--allow-missing-parents");
        Assert.Equal("replace", table.Metadata.CurrentSnapshot!.Operation);
        Assert.Equal(3, await IcebergReference.CountAsync(path));
    }

    [Theory]
    [InlineData("position")]
    [InlineData("equality")]
    public async Task Delete_files_of_another_engine_stand_against_the_removal_of_the_files_that_they_reach(string mode)
    {
        var data = new ForeignData();
        var path = data.PathOf("java");
        await data.CreateForeignAsync("java", Columns, "day(at)", ["""{"id":1,"at":"2026-01-02T03:04:05+00:00"}""", """{"id":2,"at":"2026-01-03T03:04:05+00:00"}"""]);
        await IcebergReference.WriteAsync("delete-where", path, "--where", "id = 1", "--mode", mode);
        await IcebergReference.AppendAsync(path, ["""{"id":3,"at":"2026-01-02T09:00:00+00:00"}"""]);
        var table = await data.LoadAsync("java");
        var files = (await ForeignData.FilesOfAsync(table)).Where(file => file.Content == FileContent.Data).ToArray();
        var verdicts = new Dictionary<long, ChangeAttempt>();
        foreach (var file in files)
        {
            var prepared = await data.PrepareAsync(table, new FileRemoval([file.Path], KeepsRows: false), []);
            verdicts[BitConverter.ToInt64(file.LowerBounds!.Value.First(bound => bound.Key == 1).Value)] = await ForeignData.AttemptAsync(prepared, table);
        }

        var reached = Assert.IsType<ChangeAttempt.RowsDeleted>(verdicts[1]);

        Assert.Contains(files, file => file.Path == reached.Path);
        Assert.IsType<ChangeAttempt.Ready>(verdicts[3]); // Newer than the delete file, which therefore does not reach it.
        if (mode == "position") Assert.IsType<ChangeAttempt.Ready>(verdicts[2]); // In another partition.
    }

    private static IEnumerable<string> Rows(int first, int count) =>
        Enumerable.Range(first, count).Select(id => $$"""{"id":{{id}},"at":"2026-01-{{1 + id % 3:00}}T03:04:05+00:00"}""");
}
