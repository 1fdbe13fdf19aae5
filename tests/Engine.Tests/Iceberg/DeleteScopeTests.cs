using System.Collections.Immutable;
using System.Text;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;

namespace Matih.Engine.Tests.Iceberg;

/// <summary>The rules of the spec's "Scan Planning", one by one; Interop.Tests ask a real engine's delete files the same.</summary>
public sealed class DeleteScopeTests
{
    private static readonly TableMetadata Metadata = new()
    {
        FormatVersion = 2, TableUuid = "u", Location = "/t", LastUpdatedMillis = 0,
        PartitionSpecs = [new PartitionSpec(0, []), new PartitionSpec(1, [new PartitionField(1, 1000, "p", new Transform.Identity())])],
    };

    [Theory]
    [InlineData(FileContent.PositionDeletes, 4, false)]
    [InlineData(FileContent.PositionDeletes, 5, true)]
    [InlineData(FileContent.EqualityDeletes, 5, false)]
    [InlineData(FileContent.EqualityDeletes, 6, true)]
    public void Deletes_reach_files_that_are_older_and_position_deletes_those_of_their_own_commit(FileContent content, long deleteAge, bool reaches) =>
        Assert.Equal(reaches, DeleteScope.MayReach(Entry(content, deleteAge, 1, 7), Entry(FileContent.Data, 5, 1, 7), Metadata));

    [Theory]
    [InlineData(FileContent.PositionDeletes, 1, 8, false)]
    [InlineData(FileContent.EqualityDeletes, 1, 8, false)]
    [InlineData(FileContent.PositionDeletes, 0, null, false)]
    [InlineData(FileContent.EqualityDeletes, 0, null, true)]
    public void Deletes_reach_their_own_partition_and_equality_deletes_without_one_reach_all(FileContent content, int spec, int? partition, bool reaches) =>
        Assert.Equal(reaches, DeleteScope.MayReach(Entry(content, 9, spec, partition), Entry(FileContent.Data, 5, 1, 7), Metadata));

    [Theory]
    [InlineData("data/b", null, null, true)]
    [InlineData("data/a", null, null, false)]
    [InlineData(null, "data/a", "data/c", true)]
    [InlineData(null, "data/b", "data/b", true)]
    [InlineData(null, "data/c", "data/d", false)]
    [InlineData(null, "data/a", "data/a", false)]
    [InlineData(null, null, null, true)]
    public void Position_deletes_reach_the_paths_that_they_name_or_may_name(string? named, string? lower, string? upper, bool reaches)
    {
        var delete = Entry(FileContent.PositionDeletes, 9, 1, 7);
        delete = delete with { File = delete.File with { ReferencedDataFile = named, LowerBounds = Bound(lower), UpperBounds = Bound(upper) } };

        Assert.Equal(reaches, DeleteScope.MayReach(delete, Entry(FileContent.Data, 5, 1, 7), Metadata));
    }

    private static ImmutableArray<KeyValuePair<int, byte[]>>? Bound(string? path) => path is null ? null : [new(2147483546, Encoding.UTF8.GetBytes(path))];

    private static ManifestEntry Entry(FileContent content, long age, int spec, int? partition) => new(
        EntryStatus.Added, new SnapshotId(1), age, age,
        new DataFile
        {
            Content = content, Path = content == FileContent.Data ? "data/b" : "deletes/d", SpecId = spec,
            Partition = partition is { } value ? [PartitionValue.Of(value)] : [], RecordCount = 1, FileSizeBytes = 1,
        });
}
