using System.Collections.Immutable;
using Matih.Engine.Tests.Storage;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;
using Matih.Storage;

namespace Matih.Engine.Tests.Iceberg;

/// <summary>What independent readers think of the results is tested in Interop.Tests; here: totals, races and damage.</summary>
public sealed class PreparedChangeTests : IDisposable
{
    private static readonly TableIdentifier Name = TableIdentifier.Parse("ns.t");
    private readonly TemporaryFolder _folder = new();
    private readonly SeededIdSource _ids = new(3);
    private readonly FileCatalog _catalog;

    public PreparedChangeTests() => _catalog = new FileCatalog(new LocalStore(_ids), _folder.Path, _ids, TimeProvider.System);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Totals_go_on_from_the_parent_s()
    {
        var table = await CommitAsync(await CreateAsync(), [File("a", 10), File("b", 5, 2)]);
        table = await CommitAsync(table, []);
        table = await CommitAsync(table, [File("c", 1)]);

        var summary = table.Metadata.CurrentSnapshot!.Summary;
        Assert.Equal(("1", "1", "100", "1"), (summary["added-data-files"], summary["added-records"], summary["added-files-size"], summary["changed-partition-count"]));
        Assert.Equal(("3", "16", "300", "0"), (summary["total-data-files"], summary["total-records"], summary["total-files-size"], summary["total-delete-files"]));
        Assert.Equal(3, (await SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot, default)).Count);
        Assert.Equal(3, table.Metadata.LastSequenceNumber);
    }

    [Fact]
    public async Task Totals_that_the_parent_does_not_tell_are_counted()
    {
        var table = await CommitAsync(await CreateAsync(), [File("a", 10), File("b", 5)]);
        var silent = new Snapshot(
            new(99), table.Metadata.CurrentSnapshotId, 2, table.Metadata.LastUpdatedMillis + 1, table.Metadata.CurrentSnapshot!.ManifestList!, new Dictionary<string, string> { ["operation"] = "append" }, 0);
        var result = await _catalog.CommitAsync(table, [], [new TableUpdate.AddSnapshot(silent), new TableUpdate.SetSnapshotRef("main", new(new(99), SnapshotRefKind.Branch))], default);
        table = Assert.IsType<CommitResult.Committed>(result).Table;

        table = await CommitAsync(table, [File("c", 1)]);

        Assert.Equal("16", table.Metadata.CurrentSnapshot!.Summary["total-records"]);
        Assert.Equal("3", table.Metadata.CurrentSnapshot.Summary["total-data-files"]);
    }

    [Fact]
    public async Task After_a_lost_race_the_next_attempt_has_the_same_snapshot_id_and_every_file_once()
    {
        var table = await CreateAsync(("commit.manifest.min-count-to-merge", "2"));
        table = await CommitAsync(table, [File("first", 1)]);
        var prepared = await PreparedChange.PrepareAsync(table, [File("ours", 1)], _ids, default);
        var lost = await AttemptAsync(prepared, table);
        var winner = await CommitAsync(table, [File("theirs", 1)]);

        Assert.IsType<CommitResult.Conflict>(await _catalog.CommitAsync(table, lost.Requirements, lost.Updates, default));
        var second = await AttemptAsync(prepared, winner);
        var committed = Assert.IsType<CommitResult.Committed>(await _catalog.CommitAsync(winner, second.Requirements, second.Updates, default)).Table;

        Assert.Equal(lost.Snapshot.Id, second.Snapshot.Id);
        Assert.Empty(lost.WrittenLocations.Intersect(second.WrittenLocations));
        var files = await SnapshotReader.LiveFilesAsync(committed, committed.Metadata.CurrentSnapshot!, default);
        Assert.Equal(["first", "ours", "theirs"], files.Select(file => file.Path).Order());
        Assert.Equal("3", committed.Metadata.CurrentSnapshot!.Summary["total-data-files"]);
    }

    [Theory]
    [InlineData(100, 8L << 20)]
    [InlineData(10, 24_000)]
    public async Task After_a_thousand_commits_the_manifests_are_as_few_as_the_table_s_settings_say(int mergeCountMin, long targetBytes)
    {
        const int Commits = 1000;
        var table = await CreateAsync(
            ("commit.manifest.min-count-to-merge", $"{mergeCountMin}"), ("commit.manifest.target-size-bytes", $"{targetBytes}"), ("write.metadata.previous-versions-max", "1"));
        var manifestsMax = 0;
        for (var i = 0; i < Commits; i++)
        {
            table = await CommitAsync(table, [File($"f{i}", 1)]);
            var manifests = await SnapshotReader.ManifestsAsync(table, table.Metadata.CurrentSnapshot!, default);
            // Two full ones side by side have more than the target together; the rest waits to be merged.
            var fullMax = 2 * manifests.Sum(manifest => manifest.LengthBytes) / targetBytes + 1;
            Assert.InRange(manifests.Count, 1, mergeCountMin + fullMax);
            manifestsMax = Math.Max(manifestsMax, manifests.Count);
        }

        var head = table.Metadata.CurrentSnapshot!;
        Assert.Equal(Commits, (await SnapshotReader.LiveFilesAsync(table, head, default)).Count);
        Assert.Equal($"{Commits}", head.Summary["total-data-files"]);
        Assert.InRange(manifestsMax, 5, Commits / 4);
    }

    [Fact]
    public async Task Merged_entries_keep_the_age_and_the_snapshot_they_had()
    {
        var table = await CreateAsync(("commit.manifest.min-count-to-merge", "3"));
        var snapshots = new List<SnapshotId>();
        for (var i = 0; i < 3; i++)
        {
            table = await CommitAsync(table, [File($"f{i}", 1)]);
            snapshots.Add(table.Metadata.CurrentSnapshotId!.Value);
        }

        var manifest = Assert.Single(await SnapshotReader.ManifestsAsync(table, table.Metadata.CurrentSnapshot!, default));
        var entries = (await SnapshotReader.EntriesAsync(table, manifest, default)).OrderBy(entry => entry.File.Path).ToArray();
        Assert.Equal(snapshots, entries.Select(entry => entry.SnapshotId));
        Assert.Equal([1L, 2L, 3L], entries.Select(entry => entry.SequenceNumber));
        Assert.Equal([EntryStatus.Existing, EntryStatus.Existing, EntryStatus.Added], entries.Select(entry => entry.Status));
        Assert.Equal((3, 1), (manifest.SequenceNumber, manifest.MinSequenceNumber));
        Assert.Equal(("1", "0", "2"), (Summary("manifests-created"), Summary("manifests-kept"), Summary("manifests-replaced")));

        string Summary(string name) => table.Metadata.CurrentSnapshot!.Summary[name];
    }

    [Fact]
    public async Task Removed_files_are_marked_where_they_were_listed_and_all_others_keep_their_age()
    {
        var table = await CommitAsync(await CreateAsync(), [File("a", 10), File("b", 5)]);
        var first = table.Metadata.CurrentSnapshotId!.Value;
        table = await CommitAsync(table, [File("c", 1)]);
        var untouched = (await SnapshotReader.ManifestsAsync(table, table.Metadata.CurrentSnapshot!, default))[0];

        table = await CommitAsync(table, [File("new", 4)], Removing("a"));

        var ours = table.Metadata.CurrentSnapshotId!.Value;
        Assert.Equal("b c new", await LiveAsync(table));
        var manifests = await SnapshotReader.ManifestsAsync(table, table.Metadata.CurrentSnapshot!, default);
        Assert.Contains(manifests, manifest => manifest.Path == untouched.Path);
        var rewritten = Assert.Single(manifests, manifest => manifest.DeletedFilesCount == 1);
        Assert.Equal((0L, 1L, 5L, 10L, 1L), (rewritten.AddedFilesCount, rewritten.ExistingFilesCount, rewritten.ExistingRowsCount, rewritten.DeletedRowsCount, rewritten.MinSequenceNumber));
        var entries = (await SnapshotReader.EntriesAsync(table, rewritten, default)).OrderBy(entry => entry.File.Path).ToArray();
        Assert.Equal([(EntryStatus.Deleted, ours, 1L, 1L), (EntryStatus.Existing, first, 1L, 1L)], entries.Select(entry => (entry.Status, entry.SnapshotId, entry.SequenceNumber!.Value, entry.FileSequenceNumber!.Value)));
        var summary = table.Metadata.CurrentSnapshot!.Summary;
        Assert.Equal(("overwrite", "1", "10", "100"), (summary["operation"], summary["deleted-data-files"], summary["deleted-records"], summary["removed-files-size"]));
        Assert.Equal(("3", "10", "300"), (summary["total-data-files"], summary["total-records"], summary["total-files-size"]));
        Assert.Equal(("2", "1", "1"), (summary["manifests-created"], summary["manifests-kept"], summary["manifests-replaced"]));
    }

    [Theory]
    [InlineData(true, true, "replace")]
    [InlineData(false, true, "overwrite")]
    [InlineData(false, false, "delete")]
    public async Task The_operation_tells_what_happened_to_the_rows(bool keepsRows, bool adds, string operation)
    {
        var table = await CommitAsync(await CreateAsync(), [File("a", 10)]);

        table = await CommitAsync(table, adds ? [File("b", 10)] : [], new FileRemoval(["a"], keepsRows));

        Assert.Equal(operation, table.Metadata.CurrentSnapshot!.Operation);
        Assert.Equal(adds ? "b" : "", await LiveAsync(table));
    }

    [Theory]
    [InlineData("2")]
    [InlineData("100")]
    public async Task A_manifest_without_live_files_is_told_once_and_dropped_by_the_next_commit(string mergeCount)
    {
        var table = await CommitAsync(await CreateAsync(("commit.manifest.min-count-to-merge", mergeCount)), [File("a", 10)]);
        table = await CommitAsync(table, [], Removing("a"));
        Assert.Equal(1, (await SnapshotReader.ManifestsAsync(table, table.Metadata.CurrentSnapshot!, default)).Sum(manifest => manifest.DeletedFilesCount));

        table = await CommitAsync(table, [File("b", 1)]);

        var manifest = Assert.Single(await SnapshotReader.ManifestsAsync(table, table.Metadata.CurrentSnapshot!, default));
        Assert.Equal((1L, 0L), (manifest.AddedFilesCount, manifest.DeletedFilesCount));
        Assert.Equal(("1", "1"), (table.Metadata.CurrentSnapshot!.Summary["total-records"], table.Metadata.CurrentSnapshot.Summary["total-data-files"]));
    }

    [Theory]
    [InlineData("2")]
    [InlineData("100")]
    public async Task After_a_lost_race_only_manifests_that_hold_removed_files_are_written_again_from_the_new_base(string mergeCount)
    {
        var table = await CreateAsync(("commit.manifest.min-count-to-merge", mergeCount));
        table = await CommitAsync(table, [File("a", 1), File("b", 1)]);
        var prepared = await PreparedChange.PrepareAsync(table, [File("new", 1)], Removing("a"), _ids, default);
        var lost = await AttemptAsync(prepared, table);
        var winner = await CommitAsync(table, [File("theirs", 1)]);
        Assert.IsType<CommitResult.Conflict>(await _catalog.CommitAsync(table, lost.Requirements, lost.Updates, default));

        var second = await AttemptAsync(prepared, winner);
        var committed = Assert.IsType<CommitResult.Committed>(await _catalog.CommitAsync(winner, second.Requirements, second.Updates, default)).Table;

        Assert.Equal(lost.Snapshot.Id, second.Snapshot.Id);
        Assert.Empty(lost.WrittenLocations.Intersect(second.WrittenLocations));
        Assert.Equal("b new theirs", await LiveAsync(committed));
        Assert.Equal(("3", "3"), (committed.Metadata.CurrentSnapshot!.Summary["total-data-files"], committed.Metadata.CurrentSnapshot.Summary["total-records"]));
        var manifests = await SnapshotReader.ManifestsAsync(committed, committed.Metadata.CurrentSnapshot!, default);
        Assert.Equal(1, manifests.Sum(manifest => manifest.DeletedFilesCount));
    }

    [Fact]
    public async Task A_file_that_has_left_the_table_meanwhile_is_told_and_nothing_is_written()
    {
        var table = await CommitAsync(await CreateAsync(), [File("a", 1), File("b", 1)]);
        var prepared = await PreparedChange.PrepareAsync(table, [File("new", 1)], Removing("a", "b", "never"), _ids, default);
        table = await CommitAsync(table, [File("compacted", 1)], new FileRemoval(["a"], KeepsRows: true));
        var before = Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories);

        var gone = Assert.IsType<ChangeAttempt.FilesGone>(await TryAsync(prepared, table));

        Assert.Equal(["a", "never"], gone.Paths);
        Assert.Equal(before, Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Every_bit_of_a_manifest_comes_back_as_it_was_written()
    {
        var table = await CreateAsync();
        var file = File("x", 7, 3) with
        {
            ColumnSizes = [new(1, 10), new(2, -1)], ValueCounts = [new(1, 7)], NullValueCounts = [], NanValueCounts = null, LowerBounds = [new(1, [1, 2]), new(2, [])],
            UpperBounds = [new(1, [0xFF])], KeyMetadata = [9], SplitOffsets = [4, 1L << 40], EqualityIds = [1, 2], SortOrderId = 0, ReferencedDataFile = "y",
        };

        table = await CommitAsync(table, [file]);

        var read = Assert.Single(await SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default));
        Assert.Equal(Print(file), Print(read));
    }

    [Fact]
    public async Task A_damaged_manifest_is_told_and_never_taken_for_less()
    {
        var table = await CommitAsync(await CreateAsync(), [File("a", 10), File("b", 5)]);
        var manifest = Assert.Single(await SnapshotReader.ManifestsAsync(table, table.Metadata.CurrentSnapshot!, default));
        var bytes = await System.IO.File.ReadAllBytesAsync(manifest.Path);
        var random = new Random(5);
        for (var round = 0; round < 300; round++)
        {
            var damaged = round % 2 == 0 ? bytes[..random.Next(bytes.Length)] : (byte[])bytes.Clone();
            if (round % 2 == 1) damaged[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            await System.IO.File.WriteAllBytesAsync(manifest.Path, damaged);

            var exception = await Record.ExceptionAsync(async () => await SnapshotReader.EntriesAsync(table, manifest, default));

            if (round % 2 == 0) Assert.IsType<InvalidTableException>(exception);
            else Assert.True(exception is null or InvalidTableException or UnsupportedTableException, $"round {round}: {exception}");
        }
        System.IO.File.Delete(manifest.Path);
        Assert.Contains("is missing", (await Assert.ThrowsAsync<InvalidTableException>(async () => await SnapshotReader.EntriesAsync(table, manifest, default))).Message);
    }

    [Theory]
    [InlineData("write.location-provider.impl", "com.acme.X")]
    [InlineData("write.format.default", "orc")]
    [InlineData("encryption.key-id", "k")]
    [InlineData("commit.manifest-merge.enabled", "maybe")]
    public async Task A_property_that_cannot_be_honoured_is_refused_by_name(string name, string value)
    {
        var table = await CreateAsync((name, value));

        var exception = await Assert.ThrowsAsync<UnsupportedTableException>(async () => await CommitAsync(table, []));

        Assert.Contains(name, exception.Message);
    }

    [Fact]
    public async Task Expired_ancestors_are_found_in_older_metadata_files()
    {
        var table = await CommitAsync(await CreateAsync(), []);
        var first = table.Metadata.CurrentSnapshotId!.Value;
        table = await CommitAsync(table, []);
        var second = table.Metadata.CurrentSnapshotId!.Value;
        table = await CommitAsync(table, []);
        table = Assert.IsType<CommitResult.Committed>(await _catalog.CommitAsync(table, [], [new TableUpdate.RemoveSnapshots([first, second])], default)).Table;

        Assert.Equal([(table.Metadata.CurrentSnapshotId!.Value, false), (second, true), (first, true)], await WalkAsync(table));

        foreach (var entry in table.Metadata.MetadataLog) System.IO.File.Delete(entry.MetadataFile);
        Assert.Equal([(table.Metadata.CurrentSnapshotId.Value, false), (second, null)], await WalkAsync(table));
    }

    private static async Task<List<(SnapshotId, bool?)>> WalkAsync(Table table)
    {
        var steps = new List<(SnapshotId, bool?)>();
        await foreach (var step in LineageWalk.WalkAsync(table, default))
            steps.Add(step is LineageStep.Found found ? (found.Snapshot.Id, found.IsExpired) : (((LineageStep.Missing)step).SnapshotId, null));
        return steps;
    }

    private async Task<Table> CreateAsync(params (string, string)[] properties)
    {
        var schema = new Schema(0, [new(1, "id", false, new IcebergType.Long()), new(2, "dec", false, new IcebergType.Decimal(20, 2))]);
        var spec = PartitionSpec.Create(schema, [("id", new Transform.Bucket(4), null), ("dec", new Transform.Identity(), null)]);
        return (await _catalog.CreateAsync(Name, new NewTable(schema, spec, TableMetadataSamples.Properties(properties)), default)).Table;
    }

    private static DataFile File(string path, long records, int bucket = 1) => new()
    {
        Path = path, SpecId = 0, Partition = [PartitionValue.Of(bucket), PartitionValue.Of(-(Int128)long.MaxValue * 3)], RecordCount = records, FileSizeBytes = 100,
    };

    private Task<Table> CommitAsync(Table table, IReadOnlyList<DataFile> files) => CommitAsync(table, files, FileRemoval.None);

    private async Task<Table> CommitAsync(Table table, IReadOnlyList<DataFile> files, FileRemoval removal)
    {
        var attempt = await AttemptAsync(await PreparedChange.PrepareAsync(table, files, removal, _ids, default), table);
        return Assert.IsType<CommitResult.Committed>(await _catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, default)).Table;
    }

    private static async Task<ChangeAttempt.Ready> AttemptAsync(PreparedChange prepared, Table table) => Assert.IsType<ChangeAttempt.Ready>(await TryAsync(prepared, table));

    private static ValueTask<ChangeAttempt> TryAsync(PreparedChange prepared, Table table) =>
        prepared.AttemptAsync(table, table.Metadata.NextTimestampMillis(TimeProvider.System.GetUtcNow()), ImmutableDictionary<string, string>.Empty, [], default);

    private static FileRemoval Removing(params string[] paths) => new([.. paths], KeepsRows: false);

    private static async Task<string> LiveAsync(Table table) =>
        string.Join(' ', (await SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default)).Select(file => file.Path).Order(StringComparer.Ordinal));

    private static string Print(DataFile file) => string.Join(';', new object?[]
    {
        file.Content, file.Path, file.Format, file.SpecId, string.Join(',', file.Partition.Select(value => value.Number)), file.RecordCount, file.FileSizeBytes,
        List(file.ColumnSizes), List(file.ValueCounts), List(file.NullValueCounts), List(file.NanValueCounts), Bytes(file.LowerBounds), Bytes(file.UpperBounds),
        Convert.ToHexString(file.KeyMetadata ?? []), List(file.SplitOffsets), List(file.EqualityIds), file.SortOrderId, file.ReferencedDataFile,
    });

    private static string List<T>(ImmutableArray<T>? items) => items is { } list ? $"[{string.Join(',', list)}]" : "null";

    private static string Bytes(ImmutableArray<KeyValuePair<int, byte[]>>? map) => map is { } list ? string.Join(',', list.Select(entry => $"{entry.Key}={Convert.ToHexString(entry.Value)}")) : "null";
}
