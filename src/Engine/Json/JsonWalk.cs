using System.Runtime.CompilerServices;

namespace Matih.Json;

/// <content>
/// The walk: a state machine over bytes with an explicit stack. In objects that paths speak of, the next member is guessed
/// from the last document's order and compared with one vector load; a wrong guess falls back to reading the name.
/// </content>
internal sealed partial class JsonPathExtractor
{
    private Frame[] _frames = new Frame[16];

    /// <summary>A container around the one being read.</summary>
    private struct Frame
    {
        public PathNode? Node;
        public MemberEntry? Last;
        public int Start;
        public int Position;
        public bool IsObject;
    }

    /// <summary>What strings were found to hold.</summary>
    private struct StringFlags
    {
        /// <summary>Some string of the document so far: its UTF-8 must be checked at the end.</summary>
        public bool HasNonAscii;

        /// <summary>The string read last.</summary>
        public bool HasEscapes;
    }

    // One flat state machine: its states share a dozen locals that must stay in registers.
    private unsafe bool Walk<TScan>(byte* start, int length, Span<JsonMatch> slots) where TScan : struct, IJsonScan
    {
        var end = start + length;
        var at = start;
        PathNode? place = _root; // where the value about to be read stands; null where no path cares
        PathNode? node = null; // the container being read
        MemberEntry? last = null; // its member read last
        var containerStart = 0;
        var position = 0;
        var isObject = false;
        var depth = 0;
        StringFlags flags = default; // Only the slow path through strings touches it, by reference.

        if (*at == 0xEF && length >= 3 && at[1] == 0xBB && at[2] == 0xBF) at += 3;
        at = TScan.SkipWhitespace(at, end, start);
        if (at == end) return Fail(JsonFault.Empty, at - start);

    Value:
        if (at == end) return Fail(JsonFault.Truncated, length);
        if (place is { HasChildren: true }) slots[place.InnerFrom..place.InnerTo].Clear();
        var slot = place is null ? -1 : place.Slot;
        var valueStart = (int)(at - start);
        switch (*at)
        {
            case (byte)'"':
            {
                at = TScan.FindStop(at + 1, end, start);
                if (at < end && *at == '"')
                {
                    if (slot >= 0) slots[slot] = JsonMatch.String(valueStart + 1, (int)(at - start) - valueStart - 1, hasEscapes: false);
                }
                else
                {
                    at = FinishString<TScan>(at, end, start, ref flags);
                    if (at == null) return false;
                    if (slot >= 0) slots[slot] = JsonMatch.String(valueStart + 1, (int)(at - start) - valueStart - 1, flags.HasEscapes);
                }
                at++;
                break;
            }
            case (byte)'-' or (>= (byte)'0' and <= (byte)'9'):
            {
                at = FinishNumber(at, end, out var isInteger);
                if (at == null) return Fail(JsonFault.InvalidNumber, valueStart);
                if (slot >= 0) slots[slot] = JsonMatch.Number(valueStart, (int)(at - start) - valueStart, isInteger);
                break;
            }
            case (byte)'{':
                if (++depth > DepthMax) return Fail(JsonFault.TooDeep, valueStart);
                if (depth > 1) Push(depth, node, last, containerStart, position, isObject);
                node = place;
                last = TScan.PredictsMembers ? node?.Members?.Head : null;
                containerStart = valueStart;
                isObject = true;
                at++;
                if (at < end && *at <= ' ') at = TScan.SkipWhitespace(at, end, start);
                if (at < end && *at == '}') goto Close;
                goto Member;
            case (byte)'[':
                if (++depth > DepthMax) return Fail(JsonFault.TooDeep, valueStart);
                if (depth > 1) Push(depth, node, last, containerStart, position, isObject);
                node = place;
                containerStart = valueStart;
                isObject = false;
                position = 0;
                at++;
                if (at < end && *at <= ' ') at = TScan.SkipWhitespace(at, end, start);
                if (at < end && *at == ']') goto Close;
                place = node?.Element(0);
                goto Value;
            default:
            {
                var kind = LiteralAt(at, end);
                if (kind == JsonKind.Missing) return FailValue(at, end, start);
                at += kind == JsonKind.False ? 5 : 4;
                if (slot >= 0) slots[slot] = JsonMatch.Of(kind, valueStart, (int)(at - start) - valueStart);
                break;
            }
        }

    AfterValue:
        if (depth == 0) goto Done;
        if (at < end && *at <= ' ') at = TScan.SkipWhitespace(at, end, start);
        if (at == end) return Fail(JsonFault.Truncated, length);
        if (*at == ',')
        {
            at++;
            if (at < end && *at <= ' ') at = TScan.SkipWhitespace(at, end, start);
            if (isObject) goto Member;
            place = node?.Element(++position);
            goto Value;
        }
        if (*at == (isObject ? '}' : ']')) goto Close;
        return Fail(JsonFault.CommaExpected, at - start);

    Member:
        if (last?.Next is { } expected && expected.StandsAt(at, end))
        {
            at += expected.TextLength;
            last = expected;
            place = expected.Child;
        }
        else
        {
            if (at == end) return Fail(JsonFault.Truncated, length);
            if (*at != '"') return Fail(JsonFault.NameExpected, at - start);
            var name = at + 1;
            at = TScan.FindStop(name, end, start);
            if (at < end && *at == '"')
            {
                place = null;
                if (node?.Members is { } members)
                {
                    var text = new ReadOnlySpan<byte>(name, (int)(at - name));
                    var entry = last is null ? members.Find(text) : members.FindOrLearn(text);
                    place = entry?.Child;
                    if (entry is not null && last is not null) last = last.Next = entry;
                }
            }
            else
            {
                at = FinishString<TScan>(at, end, start, ref flags);
                if (at == null) return false;
                place = node?.Members is { } members ? FindUnplain(members, new ReadOnlySpan<byte>(name, (int)(at - name)), flags.HasEscapes) : null;
            }
            at++;
            if (at < end && *at <= ' ') at = TScan.SkipWhitespace(at, end, start);
            if (at == end) return Fail(JsonFault.Truncated, length);
            if (*at != ':') return Fail(JsonFault.ColonExpected, at - start);
            at++;
        }
        if (at < end && *at <= ' ') at = TScan.SkipWhitespace(at, end, start);
        goto Value;

    Close:
        at++;
        if (node is { Slot: >= 0 })
            slots[node.Slot] = JsonMatch.Of(isObject ? JsonKind.Object : JsonKind.Array, containerStart, (int)(at - start) - containerStart);
        if (--depth == 0)
        {
            RootKind = isObject ? JsonKind.Object : JsonKind.Array;
            goto Done;
        }
        ref var outer = ref _frames[depth];
        node = outer.Node;
        last = outer.Last;
        containerStart = outer.Start;
        position = outer.Position;
        isObject = outer.IsObject;
        goto AfterValue;

    Done:
        return Finish<TScan>(start, at, end, flags.HasNonAscii);
    }

    /// <summary>What follows the document, and its UTF-8.</summary>
    private unsafe bool Finish<TScan>(byte* start, byte* at, byte* end, bool hasNonAscii) where TScan : struct, IJsonScan
    {
        DocumentLength = (int)(at - start);
        if (at < end && !_isWithin)
        {
            var isBare = at[-1] is not ((byte)'}' or (byte)']' or (byte)'"');
            var text = TScan.SkipWhitespace(at, end, start);
            HasTrailingText = text < end;
            // A bare word or number must be set apart from what follows it, else it is another word.
            if (HasTrailingText && (!_allowTrailingText || (isBare && text == at))) return Fail(JsonFault.TrailingText, text - start);
        }
        if (RootKind == JsonKind.Missing) RootKind = ScalarKind(at);
        return !hasNonAscii || CheckUtf8(new ReadOnlySpan<byte>(start, DocumentLength));
    }

    /// <summary>The kind of a valid scalar, by its last bytes.</summary>
    private static unsafe JsonKind ScalarKind(byte* end) => end[-1] switch
    {
        (byte)'"' => JsonKind.String,
        (byte)'e' => end[-2] == 's' ? JsonKind.False : JsonKind.True,
        (byte)'l' => JsonKind.Null,
        _ => JsonKind.Number,
    };

    private static PathNode? FindUnplain(MemberTable members, ReadOnlySpan<byte> raw, bool hasEscapes)
    {
        if (!hasEscapes) return members.Find(raw)?.Child;
        var name = raw.Length <= 512 ? stackalloc byte[512] : new byte[raw.Length];
        return members.Find(name[..JsonText.Unescape(raw, name)])?.Child;
    }

    /// <summary>Reads on in a string from something else than its end; gives the closing quote, or null after a failure.</summary>
    private unsafe byte* FinishString<TScan>(byte* at, byte* end, byte* start, ref StringFlags flags) where TScan : struct, IJsonScan
    {
        flags.HasEscapes = false;
        for (; ; at = flags.HasNonAscii ? TScan.FindTextStop(at, end, start) : TScan.FindStop(at, end, start))
        {
            if (at == end) return Stop(JsonFault.Truncated, at - start);
            switch (*at)
            {
                case (byte)'"':
                    return at;
                case (byte)'\\':
                    flags.HasEscapes = true;
                    var length = JsonText.EscapeLength(at, end);
                    if (length <= 0) return Stop(length == 0 ? JsonFault.InvalidEscape : JsonFault.Truncated, length == 0 ? at - start : end - start);
                    at += length;
                    break;
                case < 0x20:
                    return Stop(JsonFault.ControlCharacter, at - start);
                default:
                    flags.HasNonAscii = true;
                    break;
            }
        }
    }

    private unsafe byte* Stop(JsonFault fault, long offset)
    {
        Fail(fault, offset);
        return null;
    }

    /// <summary>The end of the number that begins here, or null where it is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe byte* FinishNumber(byte* at, byte* end, out bool isInteger)
    {
        isInteger = true;
        if (*at == '-') at++;
        if (at == end) return null;
        if (*at == '0') at++;
        else if ((uint)(*at - '1') > 8) return null;
        else while (at < end && (uint)(*at - '0') <= 9) at++;
        if (at < end && *at == '.')
        {
            isInteger = false;
            var fraction = ++at;
            while (at < end && (uint)(*at - '0') <= 9) at++;
            if (at == fraction) return null;
        }
        if (at < end && (*at | 0x20) == 'e')
        {
            isInteger = false;
            at++;
            if (at < end && *at is (byte)'+' or (byte)'-') at++;
            var exponent = at;
            while (at < end && (uint)(*at - '0') <= 9) at++;
            if (at == exponent) return null;
        }
        return at;
    }

    private static unsafe JsonKind LiteralAt(byte* at, byte* end)
    {
        if (end - at < 4) return JsonKind.Missing;
        var word = new ReadOnlySpan<byte>(at, 4);
        if (word.SequenceEqual("null"u8)) return JsonKind.Null;
        if (word.SequenceEqual("true"u8)) return JsonKind.True;
        return end - at >= 5 && at[4] == 'e' && word.SequenceEqual("fals"u8) ? JsonKind.False : JsonKind.Missing;
    }

    private unsafe bool FailValue(byte* at, byte* end, byte* start)
    {
        var rest = new ReadOnlySpan<byte>(at, (int)Math.Min(5, end - at));
        if (at + rest.Length == end && ("true"u8.StartsWith(rest) || "false"u8.StartsWith(rest) || "null"u8.StartsWith(rest)))
            return Fail(JsonFault.Truncated, end - start);
        return Fail(char.IsAsciiLetter((char)*at) ? JsonFault.InvalidLiteral : JsonFault.ValueExpected, at - start);
    }

    /// <summary>Keeps what is known of a container while one inside it is read. The root has none around it.</summary>
    private void Push(int depth, PathNode? node, MemberEntry? last, int start, int position, bool isObject)
    {
        if (depth > _frames.Length) Array.Resize(ref _frames, Math.Min(DepthMax, _frames.Length * 2));
        _frames[depth - 1] = new Frame { Node = node, Last = last, Start = start, Position = position, IsObject = isObject };
    }
}
