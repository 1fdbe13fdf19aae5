using System.Collections.Immutable;
using Matih.Connectors.Rest;
using Matih.Engine.Tests.Delivery;
using Matih.Engine.Tests.Storage;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Engine.Tests.Connectors.Rest;

/// <summary>A scripted catalog, a client of it, and a table.</summary>
internal sealed class RestSetting : IDisposable
{
    public static readonly TableIdentifier Orders = TableIdentifier.Parse("shop.web.orders");

    public static readonly NewTable Blank = new(
        new Schema(0, [new NestedField(1, "id", true, new IcebergType.Long())]), PartitionSpec.Unpartitioned, ImmutableSortedDictionary<string, string>.Empty);

    private readonly TemporaryFolder _folder = new();

    public RestSetting()
    {
        Store = new LocalStore(Ids);
        Server = new ScriptedCatalog(_folder.Path, Store);
        Catalog = Server.Open(Ids, Clock);
    }

    public SeededIdSource Ids { get; } = new(1);

    /// <summary>An answer is waited for for a minute; a server may ask for pauses of 20 s.</summary>
    public LeapingClock Clock { get; } = new() { LeapMax = TimeSpan.FromSeconds(25) };

    public string Folder => _folder.Path;

    public LocalStore Store { get; }

    public ScriptedCatalog Server { get; }

    public RestCatalog Catalog { get; set; }

    public async Task<Table> CreateAsync() => (await Catalog.CreateAsync(Orders, Blank, default)).Table;

    public async Task<Table> LoadAsync()
    {
        Server.Script = null;
        return (await Catalog.LoadAsync(Orders, default))!;
    }

    public async Task<CommitResult> AppendAsync(Table table, CancellationToken cancellationToken = default)
    {
        var (requirements, updates) = await PrepareAsync(table);
        return await Catalog.CommitAsync(table, requirements, updates, cancellationToken);
    }

    /// <summary>What another engine commits.</summary>
    public async Task ForeignAppendAsync()
    {
        var table = new Table(Orders, "", Server.MetadataOf(Orders), Store);
        var (_, updates) = await PrepareAsync(table);
        Server.Change(Orders, _ => updates);
    }

    /// <summary>A snapshot without files and the tag that pins it, as a flow commits them.</summary>
    public async Task<(IReadOnlyList<TableRequirement> Requirements, IReadOnlyList<TableUpdate> Updates)> PrepareAsync(Table table)
    {
        var change = await PreparedChange.PrepareAsync(table, [], Ids, default);
        var tag = new TableUpdate.SetSnapshotRef("matih-orders-lake", SnapshotRef.LastingTag(change.SnapshotId));
        var ready = Assert.IsType<ChangeAttempt.Ready>(await change.AttemptAsync(
            table, table.Metadata.NextTimestampMillis(Clock.GetUtcNow()), ImmutableDictionary<string, string>.Empty, [tag], default));
        return (ready.Requirements, ready.Updates);
    }

    public void Dispose()
    {
        Server.Dispose();
        _folder.Dispose();
    }
}
