using Matih.Parquet.Compression;

namespace Matih.Engine.Tests.Parquet.Compression;

/// <summary>The system's libzstd and the port must be able to stand in for each other.</summary>
public sealed class ZstdTests
{
    private static readonly Zstd Port = new ZstdPort();
    private static readonly Zstd? System = LibZstd.Load();

    /// <summary>Lengths around those at which zstd lays out a frame in another way, and of a whole page.</summary>
    public static TheoryData<int> Lengths => [0, 1, 255, 256, 1000, 65_791, 65_792, 128 << 10, 1 << 20];

    [Theory, MemberData(nameof(Lengths))]
    public void The_port_reads_what_it_wrote(int length) => AssertGoesThrough(Port, Port, length);

    [Theory, MemberData(nameof(Lengths))]
    public void The_port_and_the_systems_library_read_each_others_pages(int length)
    {
        Assert.SkipWhen(System is null, "this system has no libzstd");
        AssertGoesThrough(Port, System, length);
        AssertGoesThrough(System, Port, length);
    }

    [Fact]
    public void Random_bytes_fit_into_the_most_that_they_can_become()
    {
        foreach (var zstd in Both())
            foreach (var length in Lengths.Select(row => row.Data))
                Assert.InRange(Compressed(zstd, Page(length, 256)).Length, 1, Zstd.BytesMax(length));
    }

    [Fact]
    public void A_page_that_is_damaged_or_of_another_length_is_refused()
    {
        var page = Page(5000, 4);
        foreach (var zstd in Both())
        {
            var compressed = Compressed(zstd, page);

            Assert.StartsWith("A zstd page is damaged: ", Refusal(zstd, compressed.AsSpan()[..^1], page.Length), StringComparison.Ordinal);
            Assert.StartsWith("A zstd page is damaged: ", Refusal(zstd, page, page.Length), StringComparison.Ordinal);
            Assert.StartsWith("A zstd page is damaged: ", Refusal(zstd, compressed, page.Length - 1), StringComparison.Ordinal);
            Assert.Equal("A zstd page holds 5,000 bytes, its header says 5,001.", Refusal(zstd, compressed, page.Length + 1));
            // A context that has failed is used again.
            AssertGoesThrough(zstd, zstd, 5000);
        }
    }

    private static IEnumerable<Zstd> Both() => System is null ? [Port] : [Port, System];

    private static void AssertGoesThrough(Zstd writer, Zstd reader, int length)
    {
        foreach (var level in (int[])[1, 3, 19])
        {
            var page = Page(length, 4);
            var read = new byte[length];
            reader.Decompress(Compressed(writer, page, level), read);
            Assert.Equal(page, read);
        }
    }

    private static byte[] Compressed(Zstd zstd, byte[] page, int level = 1)
    {
        var target = new byte[Zstd.BytesMax(page.Length)];
        return target[..zstd.Compress(page, target, level)];
    }

    private static string Refusal(Zstd zstd, ReadOnlySpan<byte> page, int length)
    {
        try
        {
            zstd.Decompress(page, new byte[length]);
        }
        catch (InvalidDataException refusal)
        {
            return refusal.Message;
        }
        return "none";
    }

    private static byte[] Page(int length, int distinct)
    {
        var random = new Random(length);
        var page = new byte[length];
        for (var i = 0; i < length; i++) page[i] = (byte)random.Next(distinct);
        return page;
    }
}
