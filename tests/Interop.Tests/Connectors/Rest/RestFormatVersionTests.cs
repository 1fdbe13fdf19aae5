using Matih.Fixtures;
using Matih.Iceberg.Catalogs;

namespace Matih.Interop.Tests.Connectors.Rest;

/// <summary>Tables of other format versions in Iceberg's own REST server, which checks sequence numbers and row ids itself.</summary>
public sealed class RestFormatVersionTests(SharedRestCatalog shared)
{
    private readonly TableIdentifier _orders = RestTables.NewName();

    [Fact]
    public async Task A_version_3_table_is_created_and_gets_row_ids()
    {
        var server = await shared.ServerAsync();
        var catalog = RestTables.Client(server);
        var target = IcebergTarget.Rest(server.Uri, $"{_orders}");

        var (table, _) = await catalog.CreateAsync(_orders, RestTables.Blank() with { FormatVersion = 3 }, default);
        Assert.IsType<CommitResult.Committed>(await RestTables.AppendAsync(catalog, table));
        await IcebergReference.AppendAsync(target, ["""{"id":1,"s":"java"}""", """{"id":2,"s":"java"}"""]);
        var committed = Assert.IsType<CommitResult.Committed>(await RestTables.AppendAsync(catalog, (await catalog.LoadAsync(_orders, default))!)).Table;

        Assert.Equal((3, 2L), (committed.Metadata.FormatVersion, committed.Metadata.NextRowId));
        await IcebergReference.CheckAsync(target);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(1, 3)]
    [InlineData(2, 3)]
    public async Task A_commit_that_comes_after_the_table_was_raised_has_lost_a_race(int from, int to)
    {
        var server = await shared.ServerAsync();
        var catalog = RestTables.Client(server);
        var target = IcebergTarget.Rest(server.Uri, $"{_orders}");
        await IcebergReference.CreateAsync(target, "id long required, s string", null, "--format-version", $"{from}");
        await IcebergReference.AppendAsync(target, ["""{"id":1,"s":"java"}"""]);
        var table = (await catalog.LoadAsync(_orders, default))!;
        var (requirements, updates, change) = await RestTables.PrepareAsync(table);

        await IcebergReference.WriteAsync("set-props", target, $"format-version={to}");
        var lost = Assert.IsType<CommitResult.Conflict>(await catalog.CommitAsync(table, requirements, updates, default));
        table = (await catalog.LoadAsync(_orders, default))!;
        (requirements, updates, _) = await RestTables.PrepareAsync(table, change);
        var committed = Assert.IsType<CommitResult.Committed>(await catalog.CommitAsync(table, requirements, updates, default)).Table;

        Assert.Equal($"the table was raised to format version {to}", lost.Reason);
        Assert.Equal(change.SnapshotId, committed.Metadata.CurrentSnapshotId);
        Assert.Equal(1, await IcebergReference.CountAsync(target));
        await IcebergReference.CheckAsync(target);
    }
}
