using Matih.Json;

namespace Matih.Decoding;

/// <summary>
/// Which of a schema's fields were in any of the topic's first records, over all decoders of a run: one that never was is
/// probably misspelt, and gives NULL in every row. Thread-safe; costs nothing once the first records are through.
/// </summary>
public sealed class FieldPresence
{
    /// <summary>Records that are looked at, in whole chunks. More would cost the more, where a field is missing.</summary>
    public const int RecordCountMax = 10_000;

    private readonly Lock _gate = new();
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly HashSet<string> _missing = new(StringComparer.Ordinal);
    private readonly HashSet<string> _otherNames = new(StringComparer.Ordinal);
    private long _recordCount;
    private bool _isOver;

    /// <summary>Whether decoders still have to look.</summary>
    internal bool IsLooking => !Volatile.Read(ref _isOver);

    /// <summary>The records that were looked at.</summary>
    public long RecordCount => Interlocked.Read(ref _recordCount);

    /// <summary>What one decoder found in a chunk.</summary>
    /// <param name="missing">Fields of which it has seen no member yet.</param>
    /// <param name="seen">The other fields.</param>
    /// <param name="otherNames">Members that its records have, and that are no fields.</param>
    internal void Note(int recordCount, IEnumerable<string> missing, IEnumerable<string> seen, IEnumerable<string> otherNames)
    {
        lock (_gate)
        {
            _missing.UnionWith(missing);
            _seen.UnionWith(seen);
            _otherNames.UnionWith(otherNames);
            if (Interlocked.Add(ref _recordCount, recordCount) >= RecordCountMax) End();
        }
    }

    /// <summary>Nothing is looked at any more.</summary>
    public void End() => Volatile.Write(ref _isOver, true);

    /// <summary>The fields that no record had, and the names of members that are no fields, both in order.</summary>
    public (IReadOnlyList<string> Missing, IReadOnlyList<string> OtherNames) Result()
    {
        lock (_gate) return ([.. _missing.Except(_seen).Order(StringComparer.Ordinal)], [.. _otherNames.Order(StringComparer.Ordinal)]);
    }
}

/// <summary>One decoder's share of a <see cref="FieldPresence"/>.</summary>
internal sealed class FieldWatch(FieldPresence presence, IReadOnlyList<JsonField> fields)
{
    /// <summary>Positions in the list of fields that no record had so far. A record without a field that must not be NULL is rejected for that.</summary>
    private readonly List<int> _missing = [.. Enumerable.Range(0, fields.Count).Where(path => fields[path].Conversion != JsonConversion.Scalar && fields[path].Type.IsNullable)];
    private readonly List<string> _seen = [];
    private int _knownNameCount;

    /// <summary>Looks at a chunk that was read, before its values are.</summary>
    public void Look(JsonChunk chunk)
    {
        if (!presence.IsLooking || chunk.CountLive() is not (> 0 and var recordCount)) return;
        for (var i = _missing.Count - 1; i >= 0; i--)
        {
            if (!IsIn(chunk, fields[_missing[i]].PathIndex)) continue;
            _seen.Add(fields[_missing[i]].Name);
            _missing.RemoveAt(i);
        }
        var names = _missing.Count == 0 || chunk.Extractor.LearntNameCount == _knownNameCount ? [] : chunk.Extractor.LearntNames();
        _knownNameCount = chunk.Extractor.LearntNameCount;
        presence.Note(recordCount, _missing.Select(path => fields[path].Name), _seen, names);
        _seen.Clear();
    }

    private static bool IsIn(JsonChunk chunk, int path)
    {
        var matches = chunk.Extractor.Matches(path, out var stride);
        for (var row = 0; row < chunk.Count; row++)
            if (matches[row * stride].Kind != JsonKind.Missing) return true;
        return false;
    }
}
