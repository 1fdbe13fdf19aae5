using System.Collections.Immutable;
using Matih.Engine.Tests.Storage;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Storage;
using Matih.Verification;

namespace Matih.Engine.Tests.Iceberg;

/// <summary>How often who reads a table of many manifests waits for a store far away. Every manifest lists one file.</summary>
public sealed class ManyManifestsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SeededIdSource _ids = new(8);
    private readonly RoundTripStore _store;

    public ManyManifestsTests() => _store = new RoundTripStore(new LocalStore(_ids));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 2)]
    [InlineData(200, 1 + 13)]
    public void The_live_files_are_read_in_the_manifests_order(int manifestCount, int roundTripCount)
    {
        var table = TableOf(manifestCount);

        var files = _store.Run(() => SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default).AsTask());

        Assert.Equal(Enumerable.Range(0, manifestCount).Select(i => $"f{i}"), files.Select(file => file.Path));
        Assert.Equal((roundTripCount, 1 + manifestCount, Math.Min(16, manifestCount)), (_store.RoundTripCount, _store.RequestCount, _store.TogetherMax));
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(200, 1 + 13)]
    public void Files_to_be_removed_are_looked_for_in_many_manifests_at_once(int manifestCount, int roundTripCount)
    {
        var table = TableOf(manifestCount);

        var fault = _store.Run(async () =>
        {
            var manifests = await SnapshotReader.ManifestsAsync(table, table.Metadata.CurrentSnapshot!, default);
            return (await new RemovalSearch(new FileRemoval(["f0", "other"], KeepsRows: false)).FindAsync(table, manifests, default)).Fault;
        });

        Assert.Equal("other", Assert.Single(Assert.IsType<ChangeAttempt.FilesGone>(fault).Paths));
        Assert.Equal(roundTripCount, _store.RoundTripCount);
    }

    [Fact]
    public void Manifests_that_a_commit_merges_are_read_together()
    {
        var table = TableOf(99);

        var attempt = _store.Run(async () =>
        {
            var change = await PreparedChange.PrepareAsync(table, [File("new")], _ids, default);
            return await change.AttemptAsync(table, 1, ImmutableDictionary<string, string>.Empty, [], default);
        });

        // 99 old ones and the commit's own, seven times sixteen.
        Assert.IsType<ChangeAttempt.Ready>(attempt);
        Assert.Equal((1 + 7, 1 + 100), (_store.RoundTripCount, _store.RequestCount));
    }

    [Fact]
    public void The_first_manifest_that_is_missing_is_named_and_no_read_is_left_running()
    {
        var table = TableOf(40);
        System.IO.File.Delete(ManifestPath(7));
        System.IO.File.Delete(ManifestPath(12));

        var failure = Assert.Throws<InvalidTableException>(() => _store.Run(() => SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default).AsTask()));

        Assert.StartsWith($"The manifest {ManifestPath(7)} of ns.t is missing.", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, _store.OpenCount);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(200, 1 + 13)]
    public void Verification_s_history_reads_them_alike(int manifestCount, int roundTripCount)
    {
        var table = TableOf(manifestCount);

        var files = _store.Run(async () => await (await TableHistory.ReadAsync(table, default)).LiveFilesAsync(default));

        Assert.Equal(Enumerable.Range(0, manifestCount).Select(i => $"f{i}"), files.Select(file => file.Path));
        Assert.Equal(roundTripCount, _store.RoundTripCount);
    }

    private static DataFile File(string path) => new() { Path = path, SpecId = 0, Partition = [], RecordCount = 1, FileSizeBytes = 100 };

    private string ManifestPath(int i) => _folder.Child($"m{i}.avro");

    private Table TableOf(int manifestCount)
    {
        var id = new SnapshotId(1);
        var metadata = CatalogMetadata.Create(
            _folder.Path, new NewTable(new Schema(0, [new(1, "id", false, new IcebergType.Long())]), PartitionSpec.Unpartitioned, TableMetadata.EmptyProperties), _ids, DateTimeOffset.UnixEpoch);
        var table = new Table(TableIdentifier.Parse("ns.t"), _folder.Child("v1.metadata.json"), metadata, _store);
        var manifests = Enumerable.Range(0, manifestCount).Select(i =>
        {
            var writer = ManifestMerge.WriterFor(table, 0, id)!;
            writer.Add(File($"f{i}"));
            var (bytes, manifest) = writer.Complete(ManifestPath(i), _ids.NewUuid());
            System.IO.File.WriteAllBytes(manifest.Path, bytes);
            return manifest;
        }).ToList();
        System.IO.File.WriteAllBytes(_folder.Child("list.avro"), ManifestListFile.Write(manifests, id, null, 1, _ids.NewUuid()));
        var summary = new OrderedDictionary<string, string> { ["operation"] = "append" };
        new SnapshotTotals(manifestCount, 100 * manifestCount, manifestCount, 0, 0, 0).WriteTo(summary);
        return table with
        {
            Metadata = metadata with
            {
                LastSequenceNumber = 1,
                CurrentSnapshotId = id,
                Snapshots = [new Snapshot(id, null, 1, 0, _folder.Child("list.avro"), summary, 0)],
                Refs = metadata.Refs.Add(SnapshotRef.Main, new SnapshotRef(id, SnapshotRefKind.Branch)),
            },
        };
    }
}
