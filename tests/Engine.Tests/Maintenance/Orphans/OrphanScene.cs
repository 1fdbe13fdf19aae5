using System.Collections.Immutable;
using System.Text;
using Matih.Engine.Tests.Iceberg;
using Matih.Engine.Tests.Storage;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Maintenance.Orphans;

namespace Matih.Engine.Tests.Maintenance.Orphans;

/// <summary>A table whose folder holds files that nothing names. What is written is written now; the clock is the test's.</summary>
internal sealed class OrphanScene : ICatalog
{
    public const string Location = "s3://b/wh/ns/t";
    public static readonly TableIdentifier Name = TableIdentifier.Parse("ns.t");

    public OrphanScene()
    {
        Store = new DatedStore(() => StoreNow);
        Files = new FileCatalog(Store, "s3://b/wh", Ids, new Clock(this));
    }

    public DateTimeOffset Now { get; set; } = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>How far the store's clock is ahead of the machine's.</summary>
    public TimeSpan StoreAhead { get; set; }

    private DateTimeOffset StoreNow => Now + StoreAhead;

    public SeededIdSource Ids { get; } = new(8);

    public DatedStore Store { get; }

    public FileCatalog Files { get; }

    /// <summary>What the catalog makes of a table that is loaded.</summary>
    public Func<Table, Table> Shown { get; set; } = table => table;

    string ICatalog.Name => Files.Name;

    public async ValueTask<Table?> LoadAsync(TableIdentifier identifier, CancellationToken cancellationToken) =>
        await Files.LoadAsync(identifier, cancellationToken) is { } table ? Shown(table) : null;

    public ValueTask<(Table Table, bool IsCreated)> CreateAsync(TableIdentifier identifier, NewTable table, CancellationToken cancellationToken) => Files.CreateAsync(identifier, table, cancellationToken);

    public ValueTask<CommitResult> CommitAsync(Table baseTable, IReadOnlyList<TableRequirement> requirements, IReadOnlyList<TableUpdate> updates, CancellationToken cancellationToken) =>
        Files.CommitAsync(baseTable, requirements, updates, cancellationToken);

    public async Task<Table> CreateTableAsync(params (string, string)[] properties) =>
        (await Files.CreateAsync(Name, new NewTable(new Schema(0, [new(1, "id", false, new IcebergType.Long())]), PartitionSpec.Unpartitioned, TableMetadataSamples.Properties(properties)), default)).Table;

    /// <summary>Writes a file, by its path below the table's folder or its whole location.</summary>
    public string Write(string name, string content = "content", DateTimeOffset? at = null)
    {
        var location = name.Contains("://", StringComparison.Ordinal) ? name : $"{Location}/{name}";
        Store.Write(location, Encoding.UTF8.GetBytes(content), at);
        return location;
    }

    /// <summary>A data file, which is written.</summary>
    public DataFile Data(string name) => Described(Write(name));

    /// <summary>A data file under this location, which is there already, or is not.</summary>
    public static DataFile Described(string location) => new() { Path = location, SpecId = 0, Partition = [], RecordCount = 1, FileSizeBytes = 7 };

    public Task<Table> CommitAsync(params DataFile[] files) => CommitAsync(files, FileRemoval.None);

    public async Task<Table> CommitAsync(IReadOnlyList<DataFile> files, FileRemoval removal, params (string Key, string Value)[] summary)
    {
        var table = (await Files.LoadAsync(Name, default))!;
        var prepared = await PreparedChange.PrepareAsync(table, files, removal, Ids, default);
        var said = summary.ToImmutableDictionary(pair => pair.Key, pair => pair.Value);
        var attempt = Assert.IsType<ChangeAttempt.Ready>(await prepared.AttemptAsync(table, table.Metadata.NextTimestampMillis(Now), said, [], default));
        return Assert.IsType<CommitResult.Committed>(await Files.CommitAsync(table, attempt.Requirements, attempt.Updates, default)).Table;
    }

    public async Task<Table> ChangeAsync(params TableUpdate[] updates) =>
        Assert.IsType<CommitResult.Committed>(await Files.CommitAsync((await Files.LoadAsync(Name, default))!, [], updates, default)).Table;

    public static FileRemoval Removing(params string[] locations) => new([.. locations], KeepsRows: false);

    /// <summary>So many days pass.</summary>
    public void Wait(double days) => Now += TimeSpan.FromDays(days);

    public async Task<OrphanReport> RemoveAsync(bool isDryRun = false, bool looksOutside = false, double olderThanDays = 3) =>
        (await new OrphanRemoval(this, Ids, new Clock(this)).RunAsync(Name, new OrphanOptions(TimeSpan.FromDays(olderThanDays), isDryRun, looksOutside), default))!;

    /// <summary>Every snapshot can be read, and each file that it leads to is there.</summary>
    public async Task RequireWholeAsync()
    {
        var table = (await LoadAsync(Name, default))!;
        foreach (var snapshot in table.Metadata.Snapshots)
            foreach (var file in await SnapshotReader.LiveFilesAsync(table, snapshot, default)) Assert.True(Store.Holds(file.Path), $"{file.Path} of snapshot {snapshot.Id} is gone.");
    }

    private sealed class Clock(OrphanScene scene) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => scene.Now;
    }
}
