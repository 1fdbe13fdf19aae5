using Matih.Parquet.Compression;
using Matih.Parquet.Encodings;
using Matih.Parquet.Writing;

namespace Matih.Engine.Tests.Parquet;

public sealed class HybridEncodingTests
{
    [Fact]
    public void Bits_are_packed_as_in_the_specification()
    {
        var target = new byte[64];

        var length = BitPacking.Pack([0, 1, 2, 3, 4, 5, 6, 7], 3, target);

        Assert.Equal(3, length);
        Assert.Equal([0b10001000, 0b11000110, 0b11111010], target[..3]);
    }

    [Fact]
    public void Indices_of_every_width_come_back()
    {
        var random = new Random(1);
        for (var width = 1; width <= 31; width++)
        {
            foreach (var count in new[] { 0, 1, 7, 8, 9, 63, 64, 1000, 4097 })
            {
                var values = new int[count];
                for (var i = 0; i < count;)
                {
                    var value = (int)random.NextInt64(1L << width);
                    for (var run = random.Next(3) == 0 ? random.Next(1, 100) : 1; run > 0 && i < count; run--) values[i++] = value;
                }
                var target = new byte[HybridEncoder.BytesMax(count, width)];
                var decoded = new int[count];

                var length = HybridEncoder.Encode(values, width, target);
                HybridDecoder.Decode(target.AsSpan(0, length), width, decoded);

                Assert.Equal(values, decoded);
            }
        }
    }

    [Fact]
    public void Levels_of_every_pattern_come_back()
    {
        var random = new Random(2);
        for (var round = 0; round < 500; round++)
        {
            var validity = new byte[random.Next(1, 2000)];
            for (var i = 0; i < validity.Length;)
            {
                var value = (byte)random.Next(2);
                for (var run = random.Next(3) == 0 ? random.Next(1, 300) : 1; run > 0 && i < validity.Length; run--) validity[i++] = value;
            }
            var target = new byte[HybridEncoder.BytesMax(validity.Length, 1)];
            var decoded = new int[validity.Length];

            var length = HybridEncoder.EncodeLevels(validity, validity.Length, target);
            HybridDecoder.Decode(target.AsSpan(0, length), 1, decoded);

            Assert.Equal(validity.Select(level => (int)level), decoded);
        }
    }

    [Fact]
    public void A_constant_page_takes_a_few_bytes()
    {
        var target = new byte[HybridEncoder.BytesMax(20_000, 17)];

        Assert.True(HybridEncoder.Encode(Enumerable.Repeat(99_999, 20_000).ToArray(), 17, target) <= 6);
    }

    [Theory]
    [InlineData(20_000, 18_127, 100_000)]
    [InlineData(20_000, 9_900, 12_340)]
    public void The_number_of_distinct_values_is_estimated_from_repeats(int count, int distinct, double expected) =>
        Assert.InRange(DictionaryChoice.EstimateDistinct(count, distinct), expected * 0.99, expected * 1.01);

    [Fact]
    public void Snappy_blocks_with_literals_and_overlapping_copies_are_decoded()
    {
        // "ab" as a literal, then a copy of 10 bytes from 2 back (two-byte offset form), then "!" as a literal.
        byte[] block = [13, 1 << 2, (byte)'a', (byte)'b', 9 << 2 | 2, 2, 0, 0, (byte)'!'];
        var target = new byte[13];

        Snappy.Decompress(block, target);

        Assert.Equal("abababababab!"u8.ToArray(), target);
        Assert.Throws<InvalidDataException>(() => Snappy.Decompress(block.AsSpan(0, 6), target));
        Assert.Throws<InvalidDataException>(() => Snappy.Decompress([13, 2, 9, 0], target));
    }
}
