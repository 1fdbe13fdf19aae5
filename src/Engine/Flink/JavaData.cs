using System.Buffers.Binary;
using System.Text;

namespace Matih.Flink;

/// <summary>Reads what Java's <c>DataOutputStream</c> wrote (big-endian), front to back, and never past the end.</summary>
/// <param name="name">What messages call the bytes.</param>
internal sealed class JavaData(ReadOnlyMemory<byte> bytes, string name)
{
    private int _at;

    public bool IsAtEnd => _at == bytes.Length;

    public byte Byte() => Take(1)[0];

    public int Int() => BinaryPrimitives.ReadInt32BigEndian(Take(4));

    public long Long() => BinaryPrimitives.ReadInt64BigEndian(Take(8));

    /// <summary>A count of things that follow, each of at least one byte.</summary>
    public int Count()
    {
        var count = Int();
        return count >= 0 && count <= bytes.Length - _at ? count : throw Unknown($"a count of {count}");
    }

    /// <summary><c>writeUTF</c>: a length of two bytes, then text. Java writes NUL and letters beyond the first plane otherwise than UTF-8; they are refused.</summary>
    public string Utf()
    {
        var length = BinaryPrimitives.ReadUInt16BigEndian(Take(2));
        try
        {
            return Strict.GetString(Take(length));
        }
        catch (ArgumentException)
        {
            throw Unknown("a text that is no UTF-8");
        }
    }

    public ReadOnlyMemory<byte> Bytes(int length)
    {
        Take(length);
        return bytes.Slice(_at - length, length);
    }

    /// <summary>The same bytes from a place on.</summary>
    public JavaData From(long offset) => offset >= 0 && offset <= bytes.Length ? new JavaData(bytes[(int)offset..], name) : throw Unknown($"an offset of {offset}");

    public FormatException Unknown(string found) => new($"{name}: {found} at byte {_at} is nothing that this program knows.");

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length < 0 || length > bytes.Length - _at) throw new FormatException($"{name} ends at byte {bytes.Length}, where {length} more bytes from {_at} on were expected.");
        _at += length;
        return bytes.Span.Slice(_at - length, length);
    }

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
}
