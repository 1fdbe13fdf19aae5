using System.Buffers;

namespace Matih.Json;

/// <summary>Strings in JSON as Jackson writes them: only quotes, backslashes and control characters are escaped.</summary>
internal static class JavaJsonText
{
    private static ReadOnlySpan<byte> HexDigits => "0123456789ABCDEF"u8;

    private static readonly SearchValues<byte> Escaped = SearchValues.Create([.. Enumerable.Range(0, 32).Select(code => (byte)code), (byte)'"', (byte)'\\']);

    /// <summary>Writes text (valid UTF-8) with its quotes.</summary>
    public static void WriteString(IBufferWriter<byte> target, ReadOnlySpan<byte> text)
    {
        target.Write("\""u8);
        while (text.IndexOfAny(Escaped) is >= 0 and var at)
        {
            target.Write(text[..at]);
            WriteEscape(target, text[at]);
            text = text[(at + 1)..];
        }
        target.Write(text);
        target.Write("\""u8);
    }

    private static void WriteEscape(IBufferWriter<byte> target, byte code)
    {
        switch (code)
        {
            case (byte)'"': target.Write("\\\""u8); break;
            case (byte)'\\': target.Write("\\\\"u8); break;
            case (byte)'\b': target.Write("\\b"u8); break;
            case (byte)'\f': target.Write("\\f"u8); break;
            case (byte)'\n': target.Write("\\n"u8); break;
            case (byte)'\r': target.Write("\\r"u8); break;
            case (byte)'\t': target.Write("\\t"u8); break;
            default: target.Write([(byte)'\\', (byte)'u', (byte)'0', (byte)'0', HexDigits[code >> 4], HexDigits[code & 15]]); break;
        }
    }

    /// <summary>Writes a double; those that are no numbers of JSON in quotes.</summary>
    public static void WriteDouble(IBufferWriter<byte> target, double value)
    {
        Span<byte> text = stackalloc byte[JsonNumber.FractionTextLengthMax];
        var number = text[..JavaDoubleText.Write(value, text)];
        if (double.IsFinite(value)) target.Write(number);
        else WriteString(target, number);
    }
}
