using Matih.Fixtures;
using Matih.Iceberg.Manifests;

namespace Matih.Interop.Tests.Iceberg;

public sealed class AppendTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("b, i, id, f, d")]
    [InlineData("dec, big, dt, tm, ts, tz")]
    [InlineData("s, u, bin")]
    [InlineData("bucket[16](id), bucket[5](i), bucket[7](dec), bucket[7](big), bucket[3](dt), bucket[3](tm), bucket[3](ts), bucket[3](tz), bucket[9](s), bucket[9](u), bucket[9](fx), bucket[9](bin)")]
    [InlineData("truncate[10](id), truncate[10](i), truncate[50](dec), truncate[50](big), truncate[7](s), truncate[2](bin)")]
    [InlineData("year(dt), month(ts), day(tz)")]
    [InlineData("month(dt), hour(ts), year(tz)")]
    [InlineData("day(dt), hour(tz), day(ts)")]
    public async Task All_types_and_transforms_survive_our_manifests(string? partition)
    {
        var data = new ForeignData();
        var foreign = await data.CreateForeignAsync("java", ForeignData.AllTypes, partition, ForeignData.AllTypesRows);
        var table = await data.CreateLikeAsync("ours", foreign);

        table = await data.AppendAsync(table, await ForeignData.FilesOfAsync(foreign), ("matih.test", "1"));
        table = await data.AppendAsync(table, []);

        await IcebergReference.CheckAsync(data.PathOf("ours"), "--require-totals");
        Assert.Equal(await RowsAsync(data.PathOf("java")), await RowsAsync(data.PathOf("ours")));
        Assert.Equal(4, (await PyIceberg.ScanAsync(table.MetadataLocation)).Count);
        Assert.Equal(4, Assert.Single(await DuckDb.QueryAsync($"select count(*)::int n from iceberg_scan('{data.PathOf("ours")}')")).GetProperty("n").GetInt32());
        Assert.Equal(1, await IcebergReference.CountAsync(data.PathOf("ours"), "--where", "id = 34"));
    }

    [Fact]
    public async Task Compressed_metadata_is_read_and_carried_on_by_other_engines()
    {
        var data = new ForeignData();
        var foreign = await data.CreateForeignAsync("java", ForeignData.AllTypes, null, ForeignData.AllTypesRows);
        var table = await data.CreateLikeAsync("ours", foreign, ("write.metadata.compression-codec", "gzip"));
        // More than one part that is compressed by itself.
        for (var i = 0; i < 90; i++) table = await data.AppendAsync(table, i == 0 ? await ForeignData.FilesOfAsync(foreign) : [], ("matih.test", new string('x', 1000)));

        Assert.EndsWith("v91.gz.metadata.json", table.MetadataLocation, StringComparison.Ordinal);
        await IcebergReference.CheckAsync(data.PathOf("ours"), "--require-totals");
        Assert.Equal(4, (await PyIceberg.ScanAsync(table.MetadataLocation)).Count);
        Assert.Equal(4, Assert.Single(await DuckDb.QueryAsync($"select count(*)::int n from iceberg_scan('{table.MetadataLocation}', metadata_compression_codec='gzip')")).GetProperty("n").GetInt32());

        await IcebergReference.AppendAsync(data.PathOf("ours"), ForeignData.AllTypesRows);
        table = await data.AppendAsync(await data.LoadAsync("ours"), []);
        Assert.EndsWith("v93.gz.metadata.json", table.MetadataLocation, StringComparison.Ordinal);
        Assert.Equal(8, await IcebergReference.CountAsync(data.PathOf("ours")));
    }

    [Fact]
    public async Task Other_engines_may_write_between_our_commits()
    {
        var data = new ForeignData();
        var foreign = await data.CreateForeignAsync("java", ForeignData.AllTypes, "day(tz), bucket[4](id)", ForeignData.AllTypesRows);
        var source = await ForeignData.FilesOfAsync(foreign);
        var path = data.PathOf("ours");
        var table = await data.CreateLikeAsync("ours", foreign);
        await data.AppendAsync(table, New());

        await IcebergReference.AppendAsync(path, ForeignData.AllTypesRows);
        await data.AppendAsync(await data.LoadAsync("ours"), New());
        await IcebergReference.CheckAsync(path, "--require-totals");
        Assert.Equal(12, await IcebergReference.CountAsync(path));

        await IcebergReference.WriteAsync("delete-where", path, "--where", "id = 34", "--mode", "position");
        await IcebergReference.UpsertAsync(path, "id", [ForeignData.AllTypesRows[2]]);
        await data.AppendAsync(await data.LoadAsync("ours"), New());
        await IcebergReference.CheckAsync(path, "--require-totals");
        Assert.Equal(2 * 3 + 1 + 4, await IcebergReference.CountAsync(path));

        await IcebergReference.WriteAsync("rewrite-data-files", path);
        await IcebergReference.WriteAsync("rewrite-manifests", path);
        await data.AppendAsync(await data.LoadAsync("ours"), New());
        await IcebergReference.CheckAsync(path);
        Assert.Equal(2 * 3 + 1 + 8, await IcebergReference.CountAsync(path));

        await IcebergReference.WriteAsync("set-schema", path, "add", "more", "string");
        await IcebergReference.WriteAsync("set-spec", path, "add", "truncate[3](s)");
        await data.AppendAsync(await data.LoadAsync("ours"), New());
        await IcebergReference.WriteAsync("expire-snapshots", path, "--retain-last", "2");
        await data.AppendAsync(await data.LoadAsync("ours"), []);
        await IcebergReference.CheckAsync(path);
        Assert.Equal(2 * 3 + 1 + 12, await IcebergReference.CountAsync(path));

        IReadOnlyList<DataFile> New() => data.Copies(source, Path.Combine(path, "data"));
    }

    [Fact]
    public async Task Merged_manifests_keep_every_file_its_age_and_its_snapshot()
    {
        var data = new ForeignData();
        var foreign = await data.CreateForeignAsync("java", "id long required, at timestamptz", "day(at)", ["""{"id":1,"at":"2026-01-02T03:04:05+00:00"}"""]);
        var source = await ForeignData.FilesOfAsync(foreign);
        var path = data.PathOf("ours");
        await data.CreateLikeAsync("ours", foreign, ("commit.manifest.min-count-to-merge", "3"));

        for (var i = 0; i < 7; i++)
        {
            await data.AppendAsync(await data.LoadAsync("ours"), data.Copies(source, Path.Combine(path, "data")));
            if (i == 3) await IcebergReference.WriteAsync("delete-where", path, "--where", "id = 1", "--mode", "position");
        }

        await IcebergReference.CheckAsync(path, "--require-totals");
        Assert.Equal(3, await IcebergReference.CountAsync(path));
        var table = await data.LoadAsync("ours");
        var manifests = await SnapshotReader.ManifestsAsync(table, table.Metadata.CurrentSnapshot!, default);
        Assert.InRange(manifests.Count, 2, 4);
        Assert.Equal(7, manifests.Sum(manifest => manifest.Content == ManifestContent.Data ? manifest.AddedFilesCount + manifest.ExistingFilesCount : 0));
    }

    [Theory]
    [InlineData("")]
    [InlineData("file:")]
    [InlineData("file://")]
    public async Task Every_reader_takes_a_location_that_starts(string prefix)
    {
        var data = new ForeignData(prefix);
        var foreign = await data.CreateForeignAsync("java", "id long required, at timestamptz", "day(at)", ["""{"id":1,"at":"2026-01-02T03:04:05+00:00"}"""]);
        var table = await data.CreateLikeAsync("ours", foreign);

        table = await data.AppendAsync(table, [.. (await ForeignData.FilesOfAsync(foreign)).Select(file => file with { Path = prefix + file.Path })]);

        Assert.StartsWith(prefix + "/", table.Metadata.Location);
        await IcebergReference.CheckAsync(data.PathOf("ours"), "--require-totals");
        Assert.Single(await IcebergReference.ScanAsync(data.PathOf("ours")));
        Assert.Single(await PyIceberg.ScanAsync(table.MetadataLocation));
        Assert.Single(await DuckDb.QueryAsync($"select id from iceberg_scan('{data.PathOf("ours")}')"));
    }

    private static async Task<IEnumerable<string>> RowsAsync(string path) =>
        (await IcebergReference.ScanAsync(path, "--sorted")).Select(row => row.GetRawText());
}
