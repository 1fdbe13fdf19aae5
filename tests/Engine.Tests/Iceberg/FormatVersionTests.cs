using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Matih.Engine.Tests.Storage;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Engine.Tests.Iceberg;

/// <summary>Commits to tables of each format version, and to one that is raised between the attempts of a commit.</summary>
public sealed class FormatVersionTests : IDisposable
{
    private static readonly TableIdentifier Name = TableIdentifier.Parse("ns.t");
    private readonly TemporaryFolder _folder = new();
    private readonly SeededIdSource _ids = new(3);
    private FileCatalog _catalog;

    public FormatVersionTests() => _catalog = NewCatalog();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Row_ids_follow_each_other_commit_by_commit()
    {
        var table = await CommitAsync(await CreateAsync(3), [File("a", 10), File("b", 5)]);
        table = await CommitAsync(table, []);
        table = await CommitAsync(table, [File("c", 7)]);

        Assert.Equal([new(0, 15), new(15, 0), new(15, 7)], table.Metadata.Snapshots.Select(snapshot => snapshot.RowIds!.Value));
        Assert.Equal(22, table.Metadata.NextRowId);
        Assert.Equal(["a 0", "b 10", "c 15"], await FirstRowsAsync(table));
    }

    [Fact]
    public async Task Merged_and_rewritten_manifests_keep_the_ids_that_files_have()
    {
        var table = await CreateAsync(3, ("commit.manifest.min-count-to-merge", "2"));
        table = await CommitAsync(table, [File("a", 10), File("b", 5)]);
        table = await CommitAsync(table, [File("c", 7)]);
        table = await CommitAsync(table, [File("d", 1)], new FileRemoval(["b"], KeepsRows: false));
        table = await CommitAsync(table, [File("e", 2)]);

        // A merged manifest gets room for all of its rows, of which only the added ones take their ids from it.
        Assert.Equal(["a 0", "c 15", "d 37", "e 55"], await FirstRowsAsync(table));
        Assert.All(table.Metadata.Snapshots.Zip(table.Metadata.Snapshots.Skip(1)), pair => Assert.Equal(pair.First.RowIds!.Value.First + pair.First.RowIds.Value.Count, pair.Second.RowIds!.Value.First));
        Assert.Single(await SnapshotReader.ManifestsAsync(table, table.Metadata.CurrentSnapshot!, default));
    }

    [Fact]
    public async Task After_a_lost_race_the_ids_begin_behind_the_winner_s()
    {
        var table = await CommitAsync(await CreateAsync(3), [File("a", 10)]);
        var prepared = await PreparedChange.PrepareAsync(table, [File("ours", 3)], _ids, default);
        var lost = await AttemptAsync(prepared, table);
        var winner = await CommitAsync(table, [File("theirs", 5)]);

        var second = await AttemptAsync(prepared, winner);
        table = await CommitAsync(winner, second);

        Assert.Equal((new SnapshotRowIds(10, 3), new SnapshotRowIds(15, 3)), (lost.Snapshot.RowIds!.Value, second.Snapshot.RowIds!.Value));
        Assert.Equal(["a 0", "ours 15", "theirs 10"], await FirstRowsAsync(table));
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(1, 3)]
    [InlineData(2, 3)]
    public async Task A_table_may_be_raised_between_two_attempts(int from, int to)
    {
        var table = await CommitAsync(await CreateAsync(from), [File("old", 10)]);
        var prepared = await PreparedChange.PrepareAsync(table, [File("new", 3)], _ids, default);
        var first = await AttemptAsync(prepared, table);
        var raised = await RaiseAsync(table, to);

        Assert.IsType<CommitResult.Conflict>(await _catalog.CommitAsync(table, first.Requirements, first.Updates, default));
        var second = await AttemptAsync(prepared, raised);
        var committed = await CommitAsync(raised, second);

        Assert.Equal(first.Snapshot.Id, second.Snapshot.Id);
        Assert.Equal(to == 3 ? ["new 0", "old 3"] : ["new -", "old -"], await FirstRowsAsync(committed));
        var numbers = (await EntriesAsync(committed)).OrderBy(entry => entry.File.Path).Select(entry => entry.SequenceNumber);
        Assert.Equal(from == 1 ? [1L, 0L] : [2L, 1L], numbers);
        // What was listed in version 1 is listed again, and garbage once the commit stands.
        Assert.Equal(from == 1 ? 1 : 0, second.UnusedLocations.Length);
        Assert.All(second.UnusedLocations, location => Assert.Contains(location, prepared.ManifestLocations));
    }

    [Fact]
    public async Task Snapshots_from_before_the_table_was_raised_stay_without_ids()
    {
        var table = await CommitAsync(await CreateAsync(2), [File("old", 10), File("older", 4)]);
        table = await RaiseAsync(table, 3);
        Assert.Equal(["old -", "older -"], await FirstRowsAsync(table));

        table = await CommitAsync(table, [File("new", 3)]);

        Assert.Null(table.Metadata.Snapshots[0].RowIds);
        Assert.Equal(new SnapshotRowIds(0, 17), table.Metadata.Snapshots[1].RowIds);
        Assert.Equal(["new 0", "old 3", "older 13"], await FirstRowsAsync(table));
    }

    [Fact]
    public async Task Metadata_of_version_1_has_what_old_readers_look_for_and_no_sequence_numbers()
    {
        var table = await CommitAsync(await CreateAsync(1), [File("a", 10)]);
        table = await CommitAsync(table, [File("b", 1)]);

        var json = JsonNode.Parse(TableMetadataJson.Write(table.Metadata).ToArray())!.AsObject();
        Assert.True(JsonNode.DeepEquals(json["schemas"]![0]!["fields"], json["schema"]!["fields"]));
        Assert.True(JsonNode.DeepEquals(json["partition-specs"]![0]!["fields"], json["partition-spec"]));
        Assert.False(json.ContainsKey("last-sequence-number"));
        Assert.All(json["snapshots"]!.AsArray(), snapshot => Assert.False(snapshot!.AsObject().ContainsKey("sequence-number")));
        Assert.Equal("main", Assert.Single(json["refs"]!.AsObject()).Key);
        Assert.Equal([0L, 0L], (await EntriesAsync(table)).Select(entry => entry.SequenceNumber!.Value));
    }

    [Fact]
    public async Task A_table_without_an_id_is_refused()
    {
        var table = await CreateAsync(1);
        table = table with { Metadata = table.Metadata with { TableUuid = "" } };

        var exception = await Assert.ThrowsAsync<UnsupportedTableException>(async () => await PreparedChange.PrepareAsync(table, [], _ids, default));

        Assert.Contains("it has no table-uuid", exception.Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task No_table_of_another_version_is_created(int version)
    {
        var exception = await Assert.ThrowsAsync<UnsupportedTableException>(async () => await _catalog.CreateAsync(Name, NewTable(version), default));

        Assert.Equal($"A table of format version {version} cannot be created; versions 2 and 3 can.", exception.Message);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(9L)]
    public void A_snapshot_whose_ids_others_have_is_refused(long? first)
    {
        var table = TableMetadataSamples.New(new Schema(0, [])) with { FormatVersion = 3, NextRowId = 10 };
        var snapshot = new Snapshot(new(5), null, 1, 2_000, "/list.avro", ImmutableDictionary<string, string>.Empty, 0, first is { } id ? new(id, 1) : null);

        Assert.Throws<ArgumentException>(() => TableUpdates.Apply(table, [new TableUpdate.AddSnapshot(snapshot)], 2_000));
    }

    [Fact]
    public void Version_3_metadata_without_the_next_row_id_is_damaged()
    {
        var json = TableMetadataSamples.Foreign.Replace("\"format-version\":2", "\"format-version\":3");

        Assert.Throws<InvalidTableException>(() => TableMetadataJson.Read(System.Text.Encoding.UTF8.GetBytes(json), "v1.metadata.json"));
    }

    [Fact]
    public void Defaults_of_columns_are_read_and_written()
    {
        var schema = new Schema(0, [new(1, "a", false, new IcebergType.String()) { InitialDefault = "\"x\\\"\"", WriteDefault = "\"y\"" }, new(2, "b", true, new IcebergType.Int()) { WriteDefault = "7" }]);

        var read = TableMetadataJson.Read(TableMetadataJson.Write(TableMetadataSamples.New(schema)).ToArray(), "v1.metadata.json").CurrentSchema;

        Assert.True(schema.IsSameAs(read));
        Assert.Equal(("\"x\\\"\"", "\"y\"", null, "7"), (read.Fields[0].InitialDefault, read.Fields[0].WriteDefault, read.Fields[1].InitialDefault, read.Fields[1].WriteDefault));
    }

    private FileCatalog NewCatalog() => new(new LocalStore(_ids), _folder.Path, _ids, TimeProvider.System);

    private static NewTable NewTable(int version, params (string, string)[] properties) =>
        new(new Schema(0, [new(1, "id", false, new IcebergType.Long())]), PartitionSpec.Unpartitioned, TableMetadataSamples.Properties(properties), version);

    private async Task<Table> CreateAsync(int version, params (string, string)[] properties)
    {
        var (table, _) = await _catalog.CreateAsync(Name, NewTable(Math.Max(version, 2), properties), default);
        return version == 1 ? await RaiseAsync(table, 1) : table;
    }

    /// <summary>As another engine does it: the next metadata file differs in its version alone.</summary>
    private async Task<Table> RaiseAsync(Table table, int version)
    {
        var location = table.MetadataLocation.Replace($"v{FileCatalog.VersionOf(table.MetadataLocation)}.", $"v{FileCatalog.VersionOf(table.MetadataLocation) + 1}.");
        var metadata = table.Metadata with { FormatVersion = version, LastUpdatedMillis = table.Metadata.LastUpdatedMillis + 1 };
        await System.IO.File.WriteAllBytesAsync(location, TableMetadataJson.Write(metadata).ToArray());
        _catalog = NewCatalog();
        return (await _catalog.LoadAsync(Name, default))!;
    }

    private static DataFile File(string path, long records) => new() { Path = path, SpecId = 0, Partition = [], RecordCount = records, FileSizeBytes = 100 };

    private Task<Table> CommitAsync(Table table, IReadOnlyList<DataFile> files) => CommitAsync(table, files, FileRemoval.None);

    private async Task<Table> CommitAsync(Table table, IReadOnlyList<DataFile> files, FileRemoval removal) =>
        await CommitAsync(table, await AttemptAsync(await PreparedChange.PrepareAsync(table, files, removal, _ids, default), table));

    private async Task<Table> CommitAsync(Table table, ChangeAttempt.Ready attempt) =>
        Assert.IsType<CommitResult.Committed>(await _catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, default)).Table;

    private static async Task<ChangeAttempt.Ready> AttemptAsync(PreparedChange prepared, Table table) => Assert.IsType<ChangeAttempt.Ready>(
        await prepared.AttemptAsync(table, table.Metadata.NextTimestampMillis(TimeProvider.System.GetUtcNow()), ImmutableDictionary<string, string>.Empty, [], default));

    private static async Task<List<ManifestEntry>> EntriesAsync(Table table)
    {
        var entries = new List<ManifestEntry>();
        foreach (var manifest in await SnapshotReader.ManifestsAsync(table, table.Metadata.CurrentSnapshot!, default))
            entries.AddRange((await SnapshotReader.EntriesAsync(table, manifest, default)).Where(entry => entry.IsLive));
        return entries;
    }

    /// <summary>Each live file with the id of its first row.</summary>
    private static async Task<string[]> FirstRowsAsync(Table table) =>
        [.. (await EntriesAsync(table)).Select(entry => $"{entry.File.Path} {entry.File.FirstRowId?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "-"}").Order(StringComparer.Ordinal)];
}
