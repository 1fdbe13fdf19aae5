namespace Matih.Json;

/// <summary>Where a path's value lies in the document that was read last, and what it is.</summary>
/// <remarks>For strings the range excludes the quotes; for objects and arrays it includes the brackets.</remarks>
internal readonly struct JsonMatch
{
    private const byte EscapesFlag = 1;
    private const byte FractionFlag = 2;

    private readonly byte _flags;

    private JsonMatch(JsonKind kind, int start, int length, byte flags)
    {
        Start = start;
        Length = length;
        Kind = kind;
        _flags = flags;
    }

    /// <summary>First byte of the value in the document.</summary>
    public int Start { get; }

    /// <summary>Number of bytes.</summary>
    public int Length { get; }

    public JsonKind Kind { get; }

    /// <summary>Whether a string holds backslash escapes, so that it must pass through <see cref="JsonText.Unescape"/>.</summary>
    public bool HasEscapes => (_flags & EscapesFlag) != 0;

    /// <summary>Whether a number has neither a fraction nor an exponent.</summary>
    public bool IsInteger => Kind == JsonKind.Number && (_flags & FractionFlag) == 0;

    /// <summary>Whether the value is a string, a number or a boolean: what JSON_VALUE gives.</summary>
    public bool IsScalar => Kind is >= JsonKind.False and <= JsonKind.String;

    /// <summary>The value's bytes, out of the document that the match came from.</summary>
    public ReadOnlySpan<byte> In(ReadOnlySpan<byte> document) => document.Slice(Start, Length);

    /// <summary>The same with a string's quotes.</summary>
    public ReadOnlySpan<byte> TextIn(ReadOnlySpan<byte> document) => Kind == JsonKind.String ? document.Slice(Start - 1, Length + 2) : In(document);

    internal static JsonMatch Of(JsonKind kind, int start, int length) => new(kind, start, length, 0);

    internal static JsonMatch String(int start, int length, bool hasEscapes) => new(JsonKind.String, start, length, hasEscapes ? EscapesFlag : (byte)0);

    internal static JsonMatch Number(int start, int length, bool isInteger) => new(JsonKind.Number, start, length, isInteger ? (byte)0 : FractionFlag);
}
