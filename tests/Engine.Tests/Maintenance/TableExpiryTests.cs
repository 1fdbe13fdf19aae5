using System.Collections.Immutable;
using Matih.Engine.Tests.Iceberg;
using Matih.Engine.Tests.Storage;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;
using Matih.Maintenance;
using Matih.Storage;

namespace Matih.Engine.Tests.Maintenance;

/// <summary>What stays of a table and of its files. What other engines read afterwards is tested in Interop.Tests.</summary>
public sealed class TableExpiryTests : IDisposable
{
    private static readonly TableIdentifier Name = TableIdentifier.Parse("ns.t");
    private readonly TemporaryFolder _folder = new();
    private readonly SeededIdSource _ids = new(5);
    private readonly MovableClock _clock = new();
    private readonly FaultyStore _store;
    private readonly FileCatalog _catalog;

    public TableExpiryTests()
    {
        _store = new FaultyStore(new LocalStore(_ids));
        _catalog = new FileCatalog(_store, _folder.Path, _ids, _clock);
    }

    public void Dispose() => _folder.Dispose();

    private sealed class MovableClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }

    [Fact]
    public async Task Old_snapshots_go_with_the_lists_and_manifests_that_only_they_need_and_every_row_stays()
    {
        var table = await CreateAsync(("commit.manifest.min-count-to-merge", "3"));
        for (var i = 0; i < 10; i++) table = await CommitAsync(table, [File($"f{i}")]);
        var (before, named, oldest) = (MetadataFiles(), await NamedAsync(table), table.Metadata.Snapshots[0].Id);

        _clock.Now += TimeSpan.FromDays(6);
        var dry = await ExpireAsync(isDryRun: true);
        Assert.Equal(before, MetadataFiles());
        var report = await ExpireAsync();

        table = (await _catalog.LoadAsync(Name, default))!;
        Assert.Equal((10, 9), (report.SnapshotCount, report.Expired.Length));
        Assert.Equal(oldest, report.Expired[0]);
        Assert.Equal(dry.Files.Select(file => file.Path).Order(), report.Files.Select(file => file.Path).Order());
        Assert.Equal(string.Join(' ', Enumerable.Range(0, 10).Select(number => $"f{number}")), await LiveAsync(table));
        Assert.Equal(before.Except(named.Except(await NamedAsync(table))), MetadataFiles());
        Assert.Contains(report.Files, file => file.Kind == TableFileKind.Manifest);
        Assert.Equal(9, report.Files.Count(file => file.Kind == TableFileKind.ManifestList));
        Assert.DoesNotContain(report.Files, file => file.Kind == TableFileKind.Data);
        Assert.Empty(report.Undeleted);
        Assert.Empty((await ExpireAsync()).Expired);
    }

    [Fact]
    public async Task A_data_file_goes_when_the_last_snapshot_with_it_goes()
    {
        var table = await CreateAsync();
        table = await CommitAsync(table, [File("kept"), File("taken"), File("tagged")]);
        var first = table.Metadata.CurrentSnapshotId!.Value;
        table = await CommitAsync(table, [File("new")], Removing("taken"));
        table = await CommitAsync(table, [File("newer")], Removing("tagged"));
        table = await ChangeAsync(table, new TableUpdate.SetSnapshotRef("audit", new(table.Metadata.Snapshots[1].Id, SnapshotRefKind.Tag)));

        _clock.Now += TimeSpan.FromDays(6);
        var report = await ExpireAsync();

        Assert.Equal([first], report.Expired);
        Assert.Equal(["taken"], report.Files.Where(file => file.Kind == TableFileKind.Data).Select(file => Path.GetFileName(file.Path)));
        Assert.Equal("kept new newer tagged", DataFiles());
        Assert.Equal("kept new newer", await LiveAsync((await _catalog.LoadAsync(Name, default))!));
    }

    [Fact]
    public async Task The_files_of_a_commit_that_was_rolled_back_go_once_it_is_old()
    {
        var table = await CreateAsync();
        table = await CommitAsync(table, [File("kept")]);
        var good = table.Metadata.CurrentSnapshotId!.Value;
        table = await CommitAsync(table, [File("wrong")]);
        table = await ChangeAsync(table, new TableUpdate.SetSnapshotRef("main", new(good, SnapshotRefKind.Branch)));
        table = await CommitAsync(table, [File("after")]);

        Assert.Empty((await ExpireAsync()).Expired);
        _clock.Now += TimeSpan.FromDays(6);
        await CommitAsync(table, [File("today")]);
        await ExpireAsync();

        Assert.Equal("after kept today", DataFiles());
    }

    [Fact]
    public async Task A_file_that_another_spelling_still_names_stays()
    {
        var table = await CreateAsync();
        table = await CommitAsync(table, [File("moved")]);
        var path = (await SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default)).Single().Path;
        table = await CommitAsync(table, [File("moved") with { Path = $"file://{path}" }], new FileRemoval([path], KeepsRows: true));

        _clock.Now += TimeSpan.FromDays(6);
        var report = await ExpireAsync();

        Assert.Single(report.Expired);
        Assert.Equal("moved", DataFiles());
    }

    [Fact]
    public async Task A_commit_that_comes_between_is_kept_and_the_expiry_is_made_again()
    {
        var table = await CreateAsync();
        for (var i = 0; i < 3; i++) table = await CommitAsync(table, [File($"f{i}")]);
        _clock.Now += TimeSpan.FromDays(6);
        _store.Before("v5.metadata.json", async () => await CommitAsync((await _catalog.LoadAsync(Name, default))!, [File("between")]));

        var report = await ExpireAsync();

        table = (await _catalog.LoadAsync(Name, default))!;
        // What was the head a moment ago stays for an hour.
        Assert.Equal(2, report.Expired.Length);
        Assert.Equal("between f0 f1 f2", await LiveAsync(table));
        Assert.Equal(MetadataFiles(), (await NamedAsync(table)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Where_a_file_that_the_table_needs_is_gone_nothing_is_deleted()
    {
        var table = await CreateAsync();
        for (var i = 0; i < 3; i++) table = await CommitAsync(table, [File($"f{i}")]);
        table = await ChangeAsync(table, new TableUpdate.SetSnapshotRef("audit", new(table.Metadata.Snapshots[1].Id, SnapshotRefKind.Tag)));
        System.IO.File.Delete(StoreLocation.Plain(table.Metadata.Snapshots[1].ManifestList!));
        var before = MetadataFiles();
        _clock.Now += TimeSpan.FromDays(6);

        await Assert.ThrowsAsync<InvalidTableException>(async () => await ExpireAsync());

        Assert.Empty(before.Except(MetadataFiles()));
    }

    [Fact]
    public async Task A_table_that_forbids_it_keeps_everything()
    {
        var table = await CreateAsync(("gc.enabled", "false"));
        for (var i = 0; i < 3; i++) table = await CommitAsync(table, [File($"f{i}")]);
        _clock.Now += TimeSpan.FromDays(6);

        var refusal = await Assert.ThrowsAsync<UnsupportedTableException>(async () => await ExpireAsync());

        Assert.Contains("gc.enabled=false", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(3, (await _catalog.LoadAsync(Name, default))!.Metadata.Snapshots.Length);
    }

    [Fact]
    public async Task Of_a_table_that_is_not_there_nothing_is_said() => Assert.Null(await new TableExpiry(_catalog, _clock).RunAsync(Name, isDryRun: false, default));

    private async Task<ExpiryReport> ExpireAsync(bool isDryRun = false) => (await new TableExpiry(_catalog, _clock).RunAsync(Name, isDryRun, default))!;

    private async Task<Table> CreateAsync(params (string, string)[] properties)
    {
        var schema = new Schema(0, [new(1, "id", false, new IcebergType.Long())]);
        return (await _catalog.CreateAsync(Name, new NewTable(schema, PartitionSpec.Unpartitioned, TableMetadataSamples.Properties(properties)), default)).Table;
    }

    private string DataFolder => Path.Combine(_folder.Path, "ns", "t", "data");

    /// <summary>A data file of that name, which exists.</summary>
    private DataFile File(string name)
    {
        var path = Path.Combine(DataFolder, name);
        Directory.CreateDirectory(DataFolder);
        System.IO.File.WriteAllText(path, name);
        return new DataFile { Path = path, SpecId = 0, Partition = [], RecordCount = 1, FileSizeBytes = name.Length };
    }

    private FileRemoval Removing(params string[] names) => new([.. names.Select(name => Path.Combine(DataFolder, name))], KeepsRows: false);

    private Task<Table> CommitAsync(Table table, IReadOnlyList<DataFile> files) => CommitAsync(table, files, FileRemoval.None);

    private async Task<Table> CommitAsync(Table table, IReadOnlyList<DataFile> files, FileRemoval removal)
    {
        var prepared = await PreparedChange.PrepareAsync(table, files, removal, _ids, default);
        var attempt = Assert.IsType<ChangeAttempt.Ready>(await prepared.AttemptAsync(table, table.Metadata.NextTimestampMillis(_clock.Now), ImmutableDictionary<string, string>.Empty, [], default));
        return Assert.IsType<CommitResult.Committed>(await _catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, default)).Table;
    }

    private async Task<Table> ChangeAsync(Table table, TableUpdate update) =>
        Assert.IsType<CommitResult.Committed>(await _catalog.CommitAsync(table, [], [update], default)).Table;

    /// <summary>Manifest lists and manifests in the table's folder.</summary>
    private string[] MetadataFiles() => [.. Directory.GetFiles(Path.Combine(_folder.Path, "ns", "t", "metadata"), "*.avro").Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    private string DataFiles() => string.Join(' ', Directory.GetFiles(DataFolder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));

    /// <summary>Manifest lists and manifests that some snapshot of the table leads to.</summary>
    private static async Task<IReadOnlySet<string>> NamedAsync(Table table)
    {
        var named = new HashSet<string>(StringComparer.Ordinal);
        foreach (var snapshot in table.Metadata.Snapshots)
        {
            named.Add(Path.GetFileName(snapshot.ManifestList!));
            foreach (var manifest in await SnapshotReader.ManifestsAsync(table, snapshot, default)) named.Add(Path.GetFileName(manifest.Path));
        }
        return named;
    }

    private static async Task<string> LiveAsync(Table table) =>
        string.Join(' ', (await SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default)).Select(file => Path.GetFileName(file.Path)).Order(StringComparer.Ordinal));
}
