namespace Matih.Iceberg.Metadata;

/// <summary>The checksum of gzip, and that of two texts one after the other from those of each.</summary>
/// <remarks>RFC 1952, section 8. To append a text is to multiply by a power of x, as zlib's crc32_combine does it.</remarks>
internal static class Crc32
{
    private const uint Polynomial = 0xEDB88320;
    private const uint One = 1u << 31;

    private static readonly uint[] ByByte = CreateTable();

    /// <summary>x to the power of 2 to the power of the index.</summary>
    private static readonly uint[] Powers = CreatePowers();

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var crc = ~0u;
        foreach (var value in bytes) crc = ByByte[(byte)(crc ^ value)] ^ crc >> 8;
        return ~crc;
    }

    /// <param name="secondLength">How many bytes the second text has.</param>
    public static uint Combine(uint first, uint second, long secondLength)
    {
        var shift = One;
        // A byte is eight bits: the third power.
        for (var (rest, power) = (secondLength, 3); rest != 0; rest >>= 1, power++)
            if ((rest & 1) != 0) shift = Multiply(Powers[power % 32], shift);
        return Multiply(shift, first) ^ second;
    }

    /// <summary>The product of two polynomials, the highest bit being the lowest power.</summary>
    private static uint Multiply(uint a, uint b)
    {
        var product = 0u;
        for (var bit = One; bit != 0; bit >>= 1)
        {
            if ((a & bit) != 0) product ^= b;
            b = (b & 1) != 0 ? b >> 1 ^ Polynomial : b >> 1;
        }
        return product;
    }

    private static uint[] CreateTable()
    {
        var table = new uint[256];
        for (var i = 0u; i < 256; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? crc >> 1 ^ Polynomial : crc >> 1;
            table[i] = crc;
        }
        return table;
    }

    private static uint[] CreatePowers()
    {
        var powers = new uint[32];
        powers[0] = One >> 1;
        for (var i = 1; i < powers.Length; i++) powers[i] = Multiply(powers[i - 1], powers[i - 1]);
        return powers;
    }
}
