using Matih.Fixtures;

namespace Matih.Interop.Tests.FixtureTests;

public sealed class IcebergReadersTests
{
    [Fact]
    public async Task Three_readers_agree_on_a_table_of_the_reference_implementation()
    {
        var table = Path.Combine(TemporaryDirectory.New(), "t");
        await IcebergReference.CreateAsync(table, "id long required, at timestamptz", "day(at)");
        await IcebergReference.AppendAsync(table, ["""{"id":1,"at":"2026-01-02T03:04:05+00:00"}""", """{"id":2,"at":null}"""]);

        await IcebergReference.CheckAsync(table);

        Assert.Equal(2, await IcebergReference.CountAsync(table));
        Assert.Empty(await IcebergReference.OrphansAsync(table));
        Assert.Equal(1, Assert.Single(await IcebergReference.ScanAsync(table, "--where", "id = 1")).GetProperty("id").GetInt64());
        Assert.Equal(2, (await IcebergReference.CountByAsync(table, "id")).Count);
        Assert.Equal(2, (await IcebergReference.FilesAsync(table)).Count);
        Assert.Equal(2, (await IcebergReference.InfoAsync(table)).GetProperty("format-version").GetInt32());
        Assert.Equal(2, Assert.Single(await DuckDb.QueryAsync($"select count(*)::int n from iceberg_scan('{table}')")).GetProperty("n").GetInt32());
        Assert.Equal(2, (await PyIceberg.ScanAsync(Path.Combine(table, "metadata", "v2.metadata.json"))).Count);
    }

    [Fact]
    public async Task A_damaged_table_is_refused()
    {
        var table = Path.Combine(TemporaryDirectory.New(), "t");
        await IcebergReference.CreateAsync(table, "id long");
        await IcebergReference.AppendAsync(table, ["""{"id":1}"""]);
        foreach (var file in Directory.GetFiles(Path.Combine(table, "data"))) File.Delete(file);

        var failure = await Record.ExceptionAsync(() => IcebergReference.CheckAsync(table));

        Assert.Contains("missing", failure!.Message, StringComparison.Ordinal);
    }

    [Fact, LongTest]
    public async Task A_rest_catalog_serves_tables_and_makes_faults()
    {
        await using var catalog = await RestCatalog.StartAsync(TemporaryDirectory.New());
        var table = IcebergTarget.Rest(catalog.Uri, "ns.t");
        await IcebergReference.CreateAsync(table, "id long");

        await catalog.AddFaultsAsync("commit-then-504=1");
        await IcebergReference.AppendAsync(table, ["""{"id":1}"""]);

        Assert.Equal(1, await IcebergReference.CountAsync(table));
        Assert.Contains("504", (await catalog.FaultsAsync()).GetRawText(), StringComparison.Ordinal);
    }
}
