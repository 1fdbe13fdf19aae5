using System.Buffers;
using System.Text;

namespace Matih.Json;

/// <summary>Text inside JSON documents. The inputs are ranges of documents that have been validated.</summary>
internal static class JsonText
{
    /// <summary>
    /// Writes a string's text without its escapes and gives the number of bytes: never more than <paramref name="raw"/>
    /// has. A surrogate without its half becomes <c>?</c>, as in Flink.
    /// </summary>
    public static int Unescape(ReadOnlySpan<byte> raw, Span<byte> target)
    {
        var written = 0;
        while (true)
        {
            var escape = raw.IndexOf((byte)'\\');
            var plain = escape < 0 ? raw : raw[..escape];
            plain.CopyTo(target[written..]);
            written += plain.Length;
            if (escape < 0) return written;
            raw = raw[escape..];
            if (raw[1] == 'u')
            {
                var rune = ReadUnicode(raw, out var length);
                written += rune.EncodeToUtf8(target[written..]);
                raw = raw[length..];
            }
            else
            {
                target[written++] = Simple(raw[1]);
                raw = raw[2..];
            }
        }
    }

    /// <summary>The hash of a member's name, for looking it up within this process.</summary>
    public static int HashOf(ReadOnlySpan<byte> name)
    {
        var hash = new HashCode();
        hash.AddBytes(name);
        return hash.ToHashCode();
    }

    /// <summary>Whether a member's raw name is that name.</summary>
    public static bool NameEquals(ReadOnlySpan<byte> raw, bool hasEscapes, ReadOnlySpan<byte> name)
    {
        if (!hasEscapes) return raw.SequenceEqual(name);
        if (raw.Length < name.Length) return false;
        var buffer = ArrayPool<byte>.Shared.Rent(raw.Length);
        var isEqual = buffer.AsSpan(0, Unescape(raw, buffer)).SequenceEqual(name);
        ArrayPool<byte>.Shared.Return(buffer);
        return isEqual;
    }

    /// <summary>Writes an object or array without the white space between its tokens; never longer than <paramref name="raw"/>.</summary>
    public static int Compact(ReadOnlySpan<byte> raw, Span<byte> target)
    {
        var written = 0;
        var isString = false;
        for (var i = 0; i < raw.Length; i++)
        {
            var b = raw[i];
            if (isString)
            {
                target[written++] = b;
                if (b == '\\') target[written++] = raw[++i];
                else isString = b != '"';
            }
            else if (b > ' ')
            {
                target[written++] = b;
                isString = b == '"';
            }
        }
        return written;
    }

    /// <summary>Bytes of the escape that begins here; 0 where it is none, -1 where the text ends inside it.</summary>
    internal static unsafe int EscapeLength(byte* at, byte* end)
    {
        if (end - at < 2) return -1;
        switch (at[1])
        {
            case (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t':
                return 2;
            case (byte)'u':
                for (var i = 2; i < 6; i++)
                {
                    if (at + i == end) return -1;
                    if (!char.IsAsciiHexDigit((char)at[i])) return 0;
                }
                return 6;
            default:
                return 0;
        }
    }

    private static byte Simple(byte escaped) => escaped switch
    {
        (byte)'b' => (byte)'\b',
        (byte)'f' => (byte)'\f',
        (byte)'n' => (byte)'\n',
        (byte)'r' => (byte)'\r',
        (byte)'t' => (byte)'\t',
        _ => escaped,
    };

    private static Rune ReadUnicode(ReadOnlySpan<byte> raw, out int length)
    {
        length = 6;
        var unit = ReadUnit(raw);
        if (Rune.TryCreate(unit, out var rune)) return rune;
        if (char.IsHighSurrogate(unit) && raw.Length >= 12 && raw[6] == '\\' && raw[7] == 'u' && Rune.TryCreate(unit, ReadUnit(raw[6..]), out rune))
        {
            length = 12;
            return rune;
        }
        return new Rune('?');
    }

    private static char ReadUnit(ReadOnlySpan<byte> escape) =>
        (char)(Digit(escape[2]) << 12 | Digit(escape[3]) << 8 | Digit(escape[4]) << 4 | Digit(escape[5]));

    private static int Digit(byte hex) => hex <= '9' ? hex - '0' : (hex | 0x20) - 'a' + 10;
}
