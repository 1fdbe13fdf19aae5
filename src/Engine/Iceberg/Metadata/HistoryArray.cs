using System.Text.Json;

namespace Matih.Iceberg.Metadata;

/// <summary>Reads one of the arrays that grow with a table's history.</summary>
/// <param name="known">What an earlier version of the array had; null where nothing is known.</param>
/// <param name="parse">Makes an element of its JSON; it keeps the text.</param>
/// <param name="idOf">What elements are found by.</param>
/// <param name="location">Where the array comes from, for messages.</param>
internal sealed class HistoryArray<T>(JsonJournal<T>? known, Func<JsonElement, ReadOnlyMemory<byte>, T> parse, Func<T, SnapshotId> idOf, string location)
{
    /// <param name="json">What follows the opening bracket. Elements keep it where nothing is known.</param>
    /// <returns>The array, and how many bytes it has up to its closing bracket.</returns>
    /// <exception cref="JsonException">It is no JSON.</exception>
    /// <exception cref="InvalidTableException">An element contradicts the format.</exception>
    public (JsonJournal<T> Journal, int Length) Read(ReadOnlyMemory<byte> json)
    {
        var position = 0;
        var matched = 0;
        var hasNext = MoveNext(json.Span, ref position, isFirst: true);
        while (hasNext && known is not null && matched < known.Count && IsAt(json.Span[position..], matched))
        {
            position += known.TextOf(matched++).Length;
            hasNext = MoveNext(json.Span, ref position, isFirst: false);
        }
        // Mostly all is as it was, and something was added.
        if (known is null || matched != known.Count) return ReadOneByOne(json);
        var journal = known;
        while (hasNext)
        {
            var (item, text) = Parse(json[position..]);
            position += text.Length;
            journal = journal.Add(item, text);
            hasNext = MoveNext(json.Span, ref position, isFirst: false);
        }
        return (journal, position);
    }

    private (JsonJournal<T> Journal, int Length) ReadOneByOne(ReadOnlyMemory<byte> json)
    {
        var (items, texts) = (new List<T>(), new List<ReadOnlyMemory<byte>>());
        var (position, next) = (0, 0);
        for (var hasNext = MoveNext(json.Span, ref position, isFirst: true); hasNext; hasNext = MoveNext(json.Span, ref position, isFirst: false))
        {
            if (known is not null && next < known.Count && IsAt(json.Span[position..], next))
            {
                items.Add(known[next]);
                texts.Add(known.TextOf(next++));
            }
            else
            {
                var (item, text) = Parse(json[position..]);
                items.Add(item);
                texts.Add(text);
                // Where some have expired, what follows is known again.
                if (known?.Find(idOf(item)) is { } place) next = place + 1;
            }
            position += texts[^1].Length;
        }
        return (JsonJournal<T>.Create([.. items], [.. texts], idOf), position);
    }

    /// <summary>Whether a known element stands here, letter by letter. An element is an object, so that its text ends where it ends.</summary>
    private bool IsAt(ReadOnlySpan<byte> json, int index) => json.StartsWith(known!.TextOf(index).Span);

    private (T Item, ReadOnlyMemory<byte> Text) Parse(ReadOnlyMemory<byte> json)
    {
        var reader = new Utf8JsonReader(json.Span);
        reader.Read();
        reader.Skip();
        var text = json[..(int)reader.BytesConsumed];
        if (known is not null) text = text.ToArray();
        using var document = JsonDocument.Parse(text);
        try
        {
            return (parse(document.RootElement, text), text);
        }
        catch (Exception exception) when (exception is KeyNotFoundException or InvalidOperationException or FormatException or OverflowException)
        {
            throw TableMetadataJson.Invalid(location, exception);
        }
    }

    /// <summary>Goes to the next element; false, and to the closing bracket, where there is none.</summary>
    private static bool MoveNext(ReadOnlySpan<byte> json, ref int position, bool isFirst)
    {
        if (Peek(json, ref position) == ']') return false;
        if (isFirst) return true;
        if (json[position++] != ',') throw new JsonException("Elements of an array are separated by commas.");
        return Peek(json, ref position) != ']' ? true : throw new JsonException("After a comma an element is missing.");
    }

    private static byte Peek(ReadOnlySpan<byte> json, ref int position)
    {
        while (position < json.Length && json[position] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t') position++;
        return position < json.Length ? json[position] : throw new JsonException("An array does not end.");
    }
}
