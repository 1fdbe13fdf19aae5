using System.Buffers.Binary;
using System.Numerics;

namespace Matih.Sql.Strings;

/// <summary>SHA-224, which .NET does not have: SHA-256 from other initial values, cut to 28 bytes.</summary>
/// <remarks>Source: FIPS 180-4, sections 4.2.2, 5.3.2, 6.2 and 6.3.</remarks>
internal static class Sha224
{
    public const int HashBytes = 28;

    private const int BlockBytes = 64;

    private static ReadOnlySpan<uint> InitialValues => [0xc1059ed8, 0x367cd507, 0x3070dd17, 0xf70e5939, 0xffc00b31, 0x68581511, 0x64f98fa7, 0xbefa4fa4];

    private static ReadOnlySpan<uint> Constants =>
    [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    ];

    public static void HashData(ReadOnlySpan<byte> source, Span<byte> target)
    {
        Span<uint> state = stackalloc uint[8];
        InitialValues.CopyTo(state);
        var bits = (ulong)source.Length * 8;
        for (; source.Length >= BlockBytes; source = source[BlockBytes..]) Mix(state, source[..BlockBytes]);
        Span<byte> last = stackalloc byte[2 * BlockBytes];
        last.Clear();
        source.CopyTo(last);
        last[source.Length] = 0x80;
        // The length in bits needs 8 bytes at the end of a block.
        var length = source.Length < BlockBytes - 8 ? BlockBytes : 2 * BlockBytes;
        BinaryPrimitives.WriteUInt64BigEndian(last[(length - 8)..], bits);
        Mix(state, last[..BlockBytes]);
        if (length > BlockBytes) Mix(state, last[BlockBytes..]);
        for (var i = 0; i < HashBytes / 4; i++) BinaryPrimitives.WriteUInt32BigEndian(target[(i * 4)..], state[i]);
    }

    private static void Mix(Span<uint> state, ReadOnlySpan<byte> block)
    {
        Span<uint> schedule = stackalloc uint[64];
        for (var i = 0; i < 16; i++) schedule[i] = BinaryPrimitives.ReadUInt32BigEndian(block[(i * 4)..]);
        for (var i = 16; i < 64; i++)
        {
            var (far, near) = (schedule[i - 15], schedule[i - 2]);
            var first = BitOperations.RotateRight(far, 7) ^ BitOperations.RotateRight(far, 18) ^ (far >> 3);
            var second = BitOperations.RotateRight(near, 17) ^ BitOperations.RotateRight(near, 19) ^ (near >> 10);
            schedule[i] = schedule[i - 16] + first + schedule[i - 7] + second;
        }
        var (a, b, c, d) = (state[0], state[1], state[2], state[3]);
        var (e, f, g, h) = (state[4], state[5], state[6], state[7]);
        for (var i = 0; i < 64; i++)
        {
            var choice = (e & f) ^ (~e & g);
            var majority = (a & b) ^ (a & c) ^ (b & c);
            var first = h + (BitOperations.RotateRight(e, 6) ^ BitOperations.RotateRight(e, 11) ^ BitOperations.RotateRight(e, 25)) + choice + Constants[i] + schedule[i];
            var second = (BitOperations.RotateRight(a, 2) ^ BitOperations.RotateRight(a, 13) ^ BitOperations.RotateRight(a, 22)) + majority;
            (h, g, f, e, d, c, b, a) = (g, f, e, d + first, c, b, a, first + second);
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
        state[5] += f;
        state[6] += g;
        state[7] += h;
    }
}
