using System.Text.Json;

namespace Matih.Json;

/// <summary>
/// Follows steps below a value of a document that is already known to be valid: the rare paths that count from an array's
/// end or have a wildcard, which cannot be answered while the array is being read.
/// </summary>
internal static class JsonNavigator
{
    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = JsonPathExtractor.DepthMax };

    public static JsonMatch Follow(ReadOnlySpan<byte> document, JsonMatch from, ReadOnlySpan<JsonPathStep> steps)
    {
        var match = from;
        foreach (var step in steps)
        {
            match = (step, match.Kind) switch
            {
                (JsonPathStep.Index index, JsonKind.Array) => Element(document, match, index.Position),
                (JsonPathStep.Member member, JsonKind.Object) => Member(document, match, member.NameUtf8.Span),
                _ => default,
            };
        }
        return match;
    }

    public static JsonMatch Element(ReadOnlySpan<byte> document, JsonMatch array, int position)
    {
        if (position < 0) position += Count(document, array);
        if (position < 0) return default;
        var reader = Open(document, array);
        for (; reader.Read() && reader.TokenType != JsonTokenType.EndArray; position--)
        {
            if (position == 0) return MatchAt(ref reader, array.Start);
            reader.Skip();
        }
        return default;
    }

    private static int Count(ReadOnlySpan<byte> document, JsonMatch array)
    {
        var reader = Open(document, array);
        var count = 0;
        for (; reader.Read() && reader.TokenType != JsonTokenType.EndArray; count++) reader.Skip();
        return count;
    }

    public static JsonMatch Member(ReadOnlySpan<byte> document, JsonMatch container, ReadOnlySpan<byte> name)
    {
        var reader = Open(document, container);
        JsonMatch found = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isNamed = JsonText.NameEquals(reader.ValueSpan, reader.ValueIsEscaped, name);
            reader.Read();
            if (isNamed) found = MatchAt(ref reader, container.Start);
            else reader.Skip();
        }
        return found;
    }

    /// <summary>A reader that stands on the container's opening bracket.</summary>
    public static Utf8JsonReader Open(ReadOnlySpan<byte> document, JsonMatch container)
    {
        var reader = new Utf8JsonReader(container.In(document), ReaderOptions);
        reader.Read();
        return reader;
    }

    /// <summary>The value that the reader stands on; leaves it at the value's end.</summary>
    public static JsonMatch MatchAt(ref Utf8JsonReader reader, int offset)
    {
        var start = offset + (int)reader.TokenStartIndex;
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                return JsonMatch.String(start + 1, reader.ValueSpan.Length, reader.ValueIsEscaped);
            case JsonTokenType.Number:
                return JsonMatch.Number(start, reader.ValueSpan.Length, !reader.ValueSpan.ContainsAny(".eE"u8));
            case JsonTokenType.StartObject or JsonTokenType.StartArray:
                var kind = reader.TokenType == JsonTokenType.StartObject ? JsonKind.Object : JsonKind.Array;
                reader.Skip();
                return JsonMatch.Of(kind, start, offset + (int)reader.BytesConsumed - start);
            case JsonTokenType.True: return JsonMatch.Of(JsonKind.True, start, 4);
            case JsonTokenType.False: return JsonMatch.Of(JsonKind.False, start, 5);
            default: return JsonMatch.Of(JsonKind.Null, start, 4);
        }
    }
}
