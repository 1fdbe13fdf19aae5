using System.Buffers.Text;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Unicode;
using Matih.Batches;
using Matih.Sql.Casting;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Strings;

/// <summary>Digests of strings in hexadecimal, and base 64.</summary>
internal static class TextDigests
{
    private static Kernel Sha224Kernel { get; } = RowKernels.Each("SHA224", (call, row) =>
    {
        Span<byte> digest = stackalloc byte[Sha224.HashBytes];
        Sha224.HashData(call.Bytes(0)[row], digest);
        AppendDigest(call, digest);
    });

    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        Digest("MD5", HashAlgorithmName.MD5, 16),
        Digest("SHA1", HashAlgorithmName.SHA1, 20),
        new("SHA224", call =>
        {
            call.ExpectCount(1, 1);
            return call.Apply(Sha224Kernel, new DataType.Char(Sha224.HashBytes * 2), call.Text(0));
        }),
        Digest("SHA256", HashAlgorithmName.SHA256, 32),
        Digest("SHA384", HashAlgorithmName.SHA384, 48),
        Digest("SHA512", HashAlgorithmName.SHA512, 64),
        new("SHA2", Sha2),
        new("TO_BASE64", call =>
        {
            call.ExpectCount(1, 1);
            return call.Apply(RowKernels.Each("TO_BASE64", Encode), DataType.String, call.Text(0));
        }),
        new("FROM_BASE64", call =>
        {
            call.ExpectCount(1, 1);
            return call.Apply(RowKernels.Each("FROM_BASE64", Decode, canFail: true), DataType.String, call.Text(0));
        }),
    ];

    private static ScalarFunction Digest(string name, HashAlgorithmName algorithm, int bytes) => new(name, call =>
    {
        call.ExpectCount(1, 1);
        return call.Apply(KernelOf(name, algorithm, bytes), new DataType.Char(bytes * 2), call.Text(0));
    });

    private static Expression Sha2(FunctionCall call)
    {
        call.ExpectCount(2, 2);
        if (call.Int(1) is not Expression.Literal { Value: { IsNull: false } length }) throw call.Unsupported("SHA2 with a computed length");
        var kernel = (int)length.Value! switch
        {
            256 => KernelOf("SHA256", HashAlgorithmName.SHA256, 32),
            384 => KernelOf("SHA384", HashAlgorithmName.SHA384, 48),
            512 => KernelOf("SHA512", HashAlgorithmName.SHA512, 64),
            224 => Sha224Kernel,
            var other => throw SqlErrorException.Wrong(call.OffsetOf(1), $"SHA2 knows 224, 256, 384 and 512 bits, found {other}."),
        };
        return call.Apply(kernel, new DataType.Varchar(128), call.Text(0));
    }

    private static Kernel KernelOf(string name, HashAlgorithmName algorithm, int bytes) => RowKernels.Each(name, (call, row) =>
    {
        Span<byte> digest = stackalloc byte[bytes];
        CryptographicOperations.HashData(algorithm, call.Bytes(0)[row], digest);
        AppendDigest(call, digest);
    });

    private static void AppendDigest(KernelCall call, ReadOnlySpan<byte> digest)
    {
        Convert.TryToHexStringLower(digest, call.ResultBytes.Begin(digest.Length * 2), out var length);
        call.ResultBytes.End(length);
    }

    private static void Encode(KernelCall call, int row)
    {
        var text = call.Bytes(0)[row];
        Base64.EncodeToUtf8(text, call.ResultBytes.Begin(Base64.GetMaxEncodedToUtf8Length(text.Length)), out _, out var length);
        call.ResultBytes.End(length);
    }

    /// <summary>As java.util.Base64's basic decoder: no line breaks, padding may be left out, but not half of it.</summary>
    private static void Decode(KernelCall call, int row)
    {
        var text = call.Bytes(0)[row];
        var target = call.ResultBytes.Begin(text.Length);
        if (!TryDecode(text, target, out var length))
            call.Reject(row, $"FROM_BASE64: '{CastsFromText.Excerpt(text)}' is not base 64.");
        else if (!Utf8.IsValid(target[..length]))
            call.Reject(row, $"FROM_BASE64: the bytes of '{CastsFromText.Excerpt(text)}' are no UTF-8 text.");
        else call.ResultBytes.End(length);
    }

    private static bool TryDecode(ReadOnlySpan<byte> text, Span<byte> target, out int length)
    {
        length = 0;
        var digits = text.TrimEnd((byte)'=');
        var padding = text.Length - digits.Length;
        var rest = digits.Length % 4;
        if (rest == 1 || (padding > 0 && rest + padding != 4)) return false;
        var (bits, count) = (0, 0);
        foreach (var digit in digits)
        {
            var value = digit switch
            {
                >= (byte)'A' and <= (byte)'Z' => digit - 'A',
                >= (byte)'a' and <= (byte)'z' => digit - 'a' + 26,
                >= (byte)'0' and <= (byte)'9' => digit - '0' + 52,
                (byte)'+' => 62,
                (byte)'/' => 63,
                _ => -1,
            };
            if (value < 0) return false;
            bits = (bits << 6) | value;
            if ((count += 6) < 8) continue;
            count -= 8;
            target[length++] = (byte)(bits >> count);
            bits &= (1 << count) - 1;
        }
        return true;
    }
}
