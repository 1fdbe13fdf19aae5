using System.Globalization;

namespace Matih.Json;

/// <summary>Why a text is not one JSON document (RFC 8259).</summary>
internal enum JsonFault : byte
{
    None,
    Empty,
    Truncated,
    ValueExpected,
    NameExpected,
    ColonExpected,
    CommaExpected,
    InvalidLiteral,
    InvalidNumber,
    ControlCharacter,
    InvalidEscape,
    InvalidUtf8,
    TooDeep,
    TrailingText,
}

internal static class JsonFaultText
{
    /// <summary>The reason in words, with the offset and the byte found there.</summary>
    public static string Describe(JsonFault fault, int offset, ReadOnlySpan<byte> document)
    {
        var found = offset < document.Length ? Show(document[offset]) : "the end of the text";
        return fault switch
        {
            JsonFault.None => "",
            JsonFault.Empty => "the text is empty, expected one JSON document",
            JsonFault.Truncated => string.Create(CultureInfo.InvariantCulture, $"the text ends inside the JSON document, at offset {offset}"),
            JsonFault.ControlCharacter => string.Create(CultureInfo.InvariantCulture, $"control character {found} in a string at offset {offset}, expected an escape"),
            JsonFault.InvalidEscape => string.Create(CultureInfo.InvariantCulture, $"invalid escape in a string at offset {offset}"),
            JsonFault.InvalidUtf8 => string.Create(CultureInfo.InvariantCulture, $"invalid UTF-8, byte {found} at offset {offset}"),
            JsonFault.InvalidNumber => string.Create(CultureInfo.InvariantCulture, $"invalid JSON number at offset {offset}"),
            JsonFault.InvalidLiteral => string.Create(CultureInfo.InvariantCulture, $"unknown word at offset {offset}, expected true, false or null"),
            JsonFault.TooDeep => string.Create(CultureInfo.InvariantCulture, $"nesting deeper than {JsonPathExtractor.DepthMax} at offset {offset}"),
            JsonFault.TrailingText => string.Create(CultureInfo.InvariantCulture, $"text after the JSON document, {found} at offset {offset}"),
            _ => string.Create(CultureInfo.InvariantCulture, $"expected {Expected(fault)}, found {found} at offset {offset}"),
        };
    }

    /// <summary>The reason without what differs from text to text.</summary>
    public static string Kind(JsonFault fault) => fault switch
    {
        JsonFault.None => "",
        JsonFault.Empty => "the text is empty, expected one JSON document",
        JsonFault.Truncated => "the text ends inside the JSON document",
        JsonFault.ControlCharacter => "a control character in a string, expected an escape",
        JsonFault.InvalidEscape => "an invalid escape in a string",
        JsonFault.InvalidUtf8 => "invalid UTF-8",
        JsonFault.InvalidNumber => "an invalid JSON number",
        JsonFault.InvalidLiteral => "an unknown word, expected true, false or null",
        JsonFault.TooDeep => "nesting that is too deep",
        JsonFault.TrailingText => "text after the JSON document",
        _ => $"expected {Expected(fault)}",
    };

    private static string Expected(JsonFault fault) => fault switch
    {
        JsonFault.NameExpected => "a member name in double quotes",
        JsonFault.ColonExpected => "':' after a member name",
        JsonFault.CommaExpected => "',' or a closing bracket after a value",
        _ => "a JSON value",
    };

    private static string Show(byte found) =>
        found is > 0x20 and < 0x7F ? $"'{(char)found}'" : string.Create(CultureInfo.InvariantCulture, $"0x{found:X2}");
}
