using System.Buffers;
using System.IO.Compression;
using System.Text;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Engine.Tests.Iceberg;

/// <summary>How metadata is read and written without touching what it has in common with a version that is known.</summary>
public sealed class HistoryJsonTests
{
    private static readonly Schema Schema = new(0, [new NestedField(1, "id", true, new IcebergType.Long())]);

    [Fact]
    public void Of_a_longer_history_only_the_new_snapshots_are_made()
    {
        var known = Table(3);
        var bytes = Write(Appended(known, 4));

        var read = TableMetadataJson.Read(bytes, "v4.metadata.json", known);

        Assert.Equal([1, 2, 3, 4], Ids(read));
        Assert.All(Enumerable.Range(0, 3), index => Assert.Same(known.Snapshots[index], read.Snapshots[index]));
        Assert.Equal(bytes, Write(read));
        Assert.Equal([1, 2, 3], Ids(known));
    }

    [Fact]
    public void Of_a_history_of_which_some_has_expired_the_rest_is_known_again()
    {
        var known = Table(6);
        var shorter = TableUpdates.Apply(known, [new TableUpdate.RemoveSnapshots([new(1), new(2)])], 9_000);

        var read = TableMetadataJson.Read(Write(Appended(shorter, 7)), "v7.metadata.json", known);

        Assert.Equal([3, 4, 5, 6, 7], Ids(read));
        Assert.All(Enumerable.Range(1, 3), index => Assert.Same(known.Snapshots[index + 2], read.Snapshots[index]));
        Assert.Equal([3, 4, 5, 6, 7], read.SnapshotLog.Select(entry => entry.SnapshotId.Value));
    }

    [Fact]
    public void What_has_changed_within_a_snapshot_is_read()
    {
        var known = Table(3);
        var changed = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Write(known)).Replace("/snap-2.avro", "/snap-9.avro", StringComparison.Ordinal));

        var read = TableMetadataJson.Read(changed, "v3.metadata.json", known);

        Assert.Equal(["/warehouse/t/metadata/snap-1.avro", "/warehouse/t/metadata/snap-9.avro", "/warehouse/t/metadata/snap-3.avro"], read.Snapshots.Select(snapshot => snapshot.ManifestList));
        Assert.Equal("/warehouse/t/metadata/snap-2.avro", known.Snapshots[1].ManifestList);
    }

    [Fact]
    public void A_shorter_history_is_not_completed_from_the_known_one()
    {
        var read = TableMetadataJson.Read(Write(Table(2)), "v2.metadata.json", Table(5));

        Assert.Equal([1, 2], Ids(read));
        Assert.Null(read.FindSnapshot(new(3)));
    }

    [Theory]
    [InlineData("[{A} {B}]")]
    [InlineData("[{A},,{B}]")]
    [InlineData("[,{A},{B}]")]
    [InlineData("[{A},{B},]")]
    [InlineData("[{A},{B}")]
    [InlineData("[{A},{B}}")]
    [InlineData("[{A},7]")]
    [InlineData("[{A},{\"snapshot-id\":\"2\"}]")]
    public void An_array_that_is_none_is_refused_with_and_without_a_known_version(string form)
    {
        var table = Table(2);
        var text = Encoding.UTF8.GetString(Write(table));
        var (first, second) = (Encoding.UTF8.GetString(table.Snapshots[0].Source.Span), Encoding.UTF8.GetString(table.Snapshots[1].Source.Span));
        var bytes = Encoding.UTF8.GetBytes(text.Replace($"[{first},{second}]", form.Replace("{A}", first, StringComparison.Ordinal).Replace("{B}", second, StringComparison.Ordinal), StringComparison.Ordinal));

        Assert.Throws<InvalidTableException>(() => TableMetadataJson.Read(bytes, "v2.metadata.json", table));
        Assert.Throws<InvalidTableException>(() => TableMetadataJson.Read(bytes, "v2.metadata.json"));
    }

    [Fact]
    public void Spaces_between_elements_change_nothing()
    {
        var table = Table(3);
        var text = Encoding.UTF8.GetString(Write(table)).Replace("},{\"sequence-number\"", "} ,\n\t{\"sequence-number\"", StringComparison.Ordinal).Replace("\"snapshots\":[", "\"snapshots\": [\r\n ", StringComparison.Ordinal);

        Assert.Equal(Write(table), Write(TableMetadataJson.Read(Encoding.UTF8.GetBytes(text), "v3.metadata.json", table)));
        Assert.Equal(Write(table), Write(TableMetadataJson.Read(Encoding.UTF8.GetBytes(text), "v3.metadata.json")));
    }

    [Fact]
    public void Two_commits_on_one_version_do_not_see_each_other()
    {
        var before = Table(3);

        var one = Appended(before, 10);
        var other = Appended(before, 11);
        var further = Appended(one, 12);

        Assert.Equal([1, 2, 3], Ids(before));
        Assert.Equal([1, 2, 3, 10], Ids(one));
        Assert.Equal([1, 2, 3, 11], Ids(other));
        Assert.Equal([1, 2, 3, 10, 12], Ids(further));
        Assert.Null(before.FindSnapshot(new(10)));
        Assert.Null(other.FindSnapshot(new(10)));
        Assert.Equal([1, 2, 3, 11], Ids(TableMetadataJson.Read(Write(other), "v5.metadata.json")));
        Assert.Equal([1, 2, 3], Ids(TableMetadataJson.Read(Write(before), "v4.metadata.json")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(700)]
    public void What_is_written_in_pieces_is_what_is_read(int snapshotCount)
    {
        var table = Table(snapshotCount);
        var read = TableMetadataJson.Read(Write(table), "v1.metadata.json");

        // Once from the text that was read, once from snapshots that were added one by one.
        for (var i = 0; i < 3; i++)
        {
            var id = 1000 + i;
            (table, read) = (Appended(table, id), Appended(read, id));
            Assert.Equal(Write(table), Write(read));
            Assert.Equal(Ids(table), Ids(TableMetadataJson.Read(Write(read), "v2.metadata.json")));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(700)]
    public void Compressed_pieces_are_one_gzip_file(int snapshotCount)
    {
        var table = TableMetadataJson.Read(Write(Table(snapshotCount)), "v1.metadata.json");

        for (var i = 0; i < 90; i++)
        {
            table = Appended(table, 1000 + i);
            var zipped = TableMetadataJson.WriteZipped(table).ToArray();

            using var plain = new MemoryStream();
            using (var stream = new GZipStream(new MemoryStream(zipped), CompressionMode.Decompress)) stream.CopyTo(plain);
            Assert.Equal(Write(table), plain.ToArray());
            // The checksum and the length, which readers need not look at.
            Assert.Equal(Crc32.Of(plain.ToArray()), BitConverter.ToUInt32(zipped, zipped.Length - 8));
            Assert.Equal((uint)plain.Length, BitConverter.ToUInt32(zipped, zipped.Length - 4));
        }
    }

    [Fact]
    public void The_checksum_is_that_of_gzip()
    {
        Assert.Equal(0xCBF43926u, Crc32.Of("123456789"u8));
        Assert.Equal(0xCBF43926u, Crc32.Combine(Crc32.Of("1234"u8), Crc32.Of("56789"u8), 5));
        Assert.Equal(0xCBF43926u, Crc32.Combine(Crc32.Of(""u8), Crc32.Of("123456789"u8), 9));
    }

    [Fact]
    public void The_identity_of_a_compressed_file_is_found_at_its_beginning()
    {
        var zipped = TableMetadataJson.WriteZipped(Table(700)).ToArray();
        var identity = ("11111111-2222-3333-4444-555555555555", 2_000L);

        Assert.Equal(identity, TableMetadataJson.FindIdentity(zipped[..1024], isWhole: false));
        Assert.Equal(identity, TableMetadataJson.FindIdentity(zipped, isWhole: true));
        Assert.Null(TableMetadataJson.FindIdentity(zipped[..12], isWhole: false));
    }

    [Fact]
    public void Pieces_are_compared_with_whole_bytes()
    {
        var pieces = ByteSequence.Of([new byte[] { 1, 2 }, Array.Empty<byte>(), new byte[] { 3 }]);

        Assert.True(pieces.IsSameAs([1, 2, 3]));
        Assert.False(pieces.IsSameAs([1, 2, 4]));
        Assert.False(pieces.IsSameAs([1, 2]));
        Assert.False(pieces.IsSameAs([1, 2, 3, 4]));
        Assert.True(ByteSequence.Of([]).IsSameAs([]));
    }

    private static TableMetadata Table(int snapshotCount) => Enumerable.Range(1, snapshotCount).Aggregate(TableMetadataSamples.New(Schema), (table, id) => Appended(table, id));

    private static TableMetadata Appended(TableMetadata table, long id) => TableUpdates.Apply(
        table,
        [new TableUpdate.AddSnapshot(TableMetadataSamples.Snapshot(id, table.CurrentSnapshotId?.Value, id)), new TableUpdate.SetSnapshotRef("main", new(new(id), SnapshotRefKind.Branch))],
        2_000);

    private static byte[] Write(TableMetadata table) => TableMetadataJson.Write(table).ToArray();

    private static IEnumerable<long> Ids(TableMetadata table) => table.Snapshots.Select(snapshot => snapshot.Id.Value);
}
