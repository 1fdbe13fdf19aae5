using System.Runtime.InteropServices;
using System.Text.Json;

namespace Matih.Json;

/// <summary>
/// Finds what a path with wildcards leads to, as ranges of a document that is known to be valid. Up to the first wildcard the
/// path must fit the document; behind it, what does not fit is passed over. Not thread-safe.
/// </summary>
/// <remarks>Observed of Flink 1.20, which asks Jayway JsonPath: an index that an array lacks fits, and leads to nothing.</remarks>
internal sealed class JsonWildcardWalk
{
    // From so many members on, names are looked up by their hash; before that they are compared one by one.
    private const int ScanMax = 32;

    private readonly List<JsonMatch> _found = [];
    private readonly List<Member> _members = [];
    private readonly Dictionary<int, int> _byHash = [];
    private byte[] _name = [];

    /// <summary>A member of an object whose members are all asked for: its name's hash, and where the name stands as written.</summary>
    private readonly record struct Member(int Hash, int NameStart, int NameLength, bool HasEscapes, JsonMatch Value)
    {
        public bool IsNamed(ReadOnlySpan<byte> document, ReadOnlySpan<byte> name) => JsonText.NameEquals(document.Slice(NameStart, NameLength), HasEscapes, name);
    }

    /// <summary>What the last <see cref="Run"/> found, in the document's order.</summary>
    public ReadOnlySpan<JsonMatch> Found => CollectionsMarshal.AsSpan(_found);

    /// <param name="trunk">Where <see cref="JsonPath.Trunk"/> leads.</param>
    /// <returns>False where the document does not fit the path up to its first wildcard; nothing is found then.</returns>
    public bool Run(ReadOnlySpan<byte> document, JsonMatch trunk, JsonPath path)
    {
        _found.Clear();
        var steps = path.Branches;
        if (!TryReach(document, ref trunk, ref steps)) return false;
        Collect(document, trunk, steps);
        return true;
    }

    /// <summary>Whether a document fits the path up to its first wildcard.</summary>
    public static bool Fits(ReadOnlySpan<byte> document, JsonMatch trunk, JsonPath path)
    {
        var steps = path.Branches;
        return TryReach(document, ref trunk, ref steps);
    }

    private static bool TryReach(ReadOnlySpan<byte> document, ref JsonMatch place, ref ReadOnlySpan<JsonPathStep> steps)
    {
        if (place.Kind == JsonKind.Missing) return false;
        for (; steps[0] is not JsonPathStep.Wildcard; steps = steps[1..])
        {
            if (steps[0] is JsonPathStep.Index index)
            {
                if (place.Kind != JsonKind.Array) return false;
                place = JsonNavigator.Element(document, place, index.Position);
                if (place.Kind == JsonKind.Missing) return true;
            }
            else
            {
                if (place.Kind != JsonKind.Object) return false;
                place = JsonNavigator.Member(document, place, ((JsonPathStep.Member)steps[0]).NameUtf8.Span);
                if (place.Kind == JsonKind.Missing) return false;
            }
        }
        return true;
    }

    private void Collect(ReadOnlySpan<byte> document, JsonMatch place, ReadOnlySpan<JsonPathStep> steps)
    {
        if (place.Kind == JsonKind.Missing) return;
        if (steps.IsEmpty)
        {
            _found.Add(place);
            return;
        }
        var rest = steps[1..];
        switch (steps[0], place.Kind)
        {
            case (JsonPathStep.Index index, JsonKind.Array): Collect(document, JsonNavigator.Element(document, place, index.Position), rest); break;
            case (JsonPathStep.Member member, JsonKind.Object): Collect(document, JsonNavigator.Member(document, place, member.NameUtf8.Span), rest); break;
            case (JsonPathStep.Wildcard, JsonKind.Array): CollectElements(document, place, rest); break;
            case (JsonPathStep.Wildcard, JsonKind.Object): CollectMembers(document, place, rest); break;
        }
    }

    private void CollectElements(ReadOnlySpan<byte> document, JsonMatch array, ReadOnlySpan<JsonPathStep> rest)
    {
        var reader = JsonNavigator.Open(document, array);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) Collect(document, JsonNavigator.MatchAt(ref reader, array.Start), rest);
    }

    /// <summary>Of members of one name the last counts, at the place of the first.</summary>
    private void CollectMembers(ReadOnlySpan<byte> document, JsonMatch container, ReadOnlySpan<JsonPathStep> rest)
    {
        var first = _members.Count;
        var reader = JsonNavigator.Open(document, container);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = Plain(reader.ValueSpan, reader.ValueIsEscaped);
            var hash = JsonText.HashOf(name);
            var earlier = Find(document, first, hash, name);
            var (start, length, hasEscapes) = (container.Start + (int)reader.TokenStartIndex + 1, reader.ValueSpan.Length, reader.ValueIsEscaped);
            reader.Read();
            var member = new Member(hash, start, length, hasEscapes, JsonNavigator.MatchAt(ref reader, container.Start));
            if (earlier < 0) Note(first, member);
            else _members[earlier] = member;
        }
        _byHash.Clear();
        var end = _members.Count;
        for (var i = first; i < end; i++) Collect(document, _members[i].Value, rest);
        _members.RemoveRange(first, end - first);
    }

    private ReadOnlySpan<byte> Plain(ReadOnlySpan<byte> raw, bool hasEscapes)
    {
        if (!hasEscapes) return raw;
        if (_name.Length < raw.Length) _name = new byte[raw.Length * 2];
        return _name.AsSpan(0, JsonText.Unescape(raw, _name));
    }

    /// <summary>The object's member of that name, or -1.</summary>
    private int Find(ReadOnlySpan<byte> document, int first, int hash, ReadOnlySpan<byte> name)
    {
        if (_members.Count - first > ScanMax)
        {
            if (!_byHash.TryGetValue(hash, out var known)) return -1;
            if (_members[known].IsNamed(document, name)) return known;
        }
        for (var i = first; i < _members.Count; i++)
            if (_members[i].Hash == hash && _members[i].IsNamed(document, name)) return i;
        return -1;
    }

    private void Note(int first, Member member)
    {
        _members.Add(member);
        var count = _members.Count - first;
        if (count <= ScanMax) return;
        for (var i = count == ScanMax + 1 ? first : _members.Count - 1; i < _members.Count; i++) _byHash.TryAdd(_members[i].Hash, i);
    }
}
