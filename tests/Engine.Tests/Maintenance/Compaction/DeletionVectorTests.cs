using System.Buffers.Binary;
using Matih.Iceberg.Metadata;
using Matih.Maintenance.Compaction;

namespace Matih.Engine.Tests.Maintenance.Compaction;

/// <summary>Vectors of the reference implementation are read in Interop.Tests; here: every kind of container, and damage.</summary>
public sealed class DeletionVectorTests
{
    private const ushort Bitmap = 0, Runs = 1;

    [Fact]
    public void Positions_in_arrays_bitmaps_and_runs_are_read()
    {
        long[] dense = [.. Enumerable.Range(0, 5000).Select(i => 65_536L * 2 + 3 * i)];
        var blob = Blob(
            (0, true, [Array(0, 1, 7, 65_535), DenseBitmap(2, dense), RunsOf(9, (10, 3), (100, 0))]),
            (5, false, [Array(1, 4)]));

        var positions = DeletionVector.Read(blob);

        long[] expected = [1, 7, 65_535, .. dense, 9 * 65_536 + 10, 9 * 65_536 + 11, 9 * 65_536 + 12, 9 * 65_536 + 13, 9 * 65_536 + 100, (5L << 32) + 65_536 + 4];
        Assert.Equal(expected.Order(), positions.Order());
    }

    [Fact]
    public void Of_four_containers_on_the_offsets_are_passed_over()
    {
        var blob = Blob((0, true, [RunsOf(0, (0, 0)), RunsOf(1, (1, 0)), RunsOf(2, (2, 0)), RunsOf(3, (3, 0))]));

        Assert.Equal([0L, 65_537, 131_074, 196_611], DeletionVector.Read(blob).Order());
    }

    [Fact]
    public void A_vector_of_nothing_is_empty() => Assert.Empty(DeletionVector.Read(Blob()));

    [Fact]
    public void A_cut_vector_is_never_taken_for_whole()
    {
        var blob = Blob((0, true, [Array(0, 1, 7), RunsOf(9, (10, 3))]));

        for (var length = 0; length < blob.Length; length++)
            Assert.Throws<InvalidDataException>(() => DeletionVector.Read(blob.AsSpan(0, length)));
    }

    [Fact]
    public void A_changed_bit_is_seen()
    {
        var blob = Blob((0, false, [Array(0, 1, 7)]));
        for (var bit = 0; bit < 8 * blob.Length; bit++)
        {
            var damaged = (byte[])blob.Clone();
            damaged[bit / 8] ^= (byte)(1 << bit % 8);

            Assert.Throws<InvalidDataException>(() => DeletionVector.Read(damaged));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void A_right_checksum_over_a_wrong_bitmap_is_no_way_in(int at)
    {
        var body = Body((0, true, [Array(0, 1, 7), RunsOf(9, (10, 3))]));
        body[4 + at] ^= 0xFF;

        Assert.Throws<InvalidDataException>(() => DeletionVector.Read(Framed(body)));
    }

    private static (ushort Key, ushort Kind, int Count, byte[] Bytes) Array(ushort key, params ushort[] values) => (key, Bitmap, values.Length, Shorts(values));

    private static (ushort Key, ushort Kind, int Count, byte[] Bytes) RunsOf(ushort key, params (ushort First, ushort More)[] runs) =>
        (key, Runs, runs.Sum(run => run.More + 1), Shorts([(ushort)runs.Length, .. runs.SelectMany(run => new[] { run.First, run.More })]));

    private static (ushort Key, ushort Kind, int Count, byte[] Bytes) DenseBitmap(ushort key, long[] positions)
    {
        var bytes = new byte[8192];
        foreach (var position in positions) bytes[(position & 0xFFFF) / 8] |= (byte)(1 << (int)(position & 7));
        return (key, Bitmap, positions.Length, bytes);
    }

    private static byte[] Shorts(params ushort[] values) => [.. values.SelectMany(value => new[] { (byte)value, (byte)(value >> 8) })];

    private static byte[] Ints(params uint[] values) => [.. values.SelectMany(value => Shorts((ushort)value, (ushort)(value >> 16)))];

    private static byte[] Blob(params (uint Key, bool HasRuns, (ushort Key, ushort Kind, int Count, byte[] Bytes)[] Containers)[] bitmaps) => Framed(Body(bitmaps));

    private static byte[] Body(params (uint Key, bool HasRuns, (ushort Key, ushort Kind, int Count, byte[] Bytes)[] Containers)[] bitmaps)
    {
        List<byte> body = [0xD1, 0xD3, 0x39, 0x64, .. Ints((uint)bitmaps.Length, 0)];
        foreach (var (key, hasRuns, containers) in bitmaps)
        {
            body.AddRange(Ints(key));
            body.AddRange(hasRuns ? Ints(12347 | (uint)(containers.Length - 1) << 16) : Ints(12346, (uint)containers.Length));
            if (hasRuns) body.Add((byte)containers.Select((container, i) => container.Kind << i).Sum());
            foreach (var container in containers) body.AddRange(Shorts(container.Key, (ushort)(container.Count - 1)));
            // Nobody has to believe them.
            if (!hasRuns || containers.Length >= 4) body.AddRange(new byte[4 * containers.Length]);
            foreach (var container in containers) body.AddRange(container.Bytes);
        }
        return [.. body];
    }

    private static byte[] Framed(byte[] body)
    {
        var blob = new byte[body.Length + 8];
        BinaryPrimitives.WriteInt32BigEndian(blob, body.Length);
        body.CopyTo(blob, 4);
        BinaryPrimitives.WriteUInt32BigEndian(blob.AsSpan(4 + body.Length), Crc32.Of(body));
        return blob;
    }
}
