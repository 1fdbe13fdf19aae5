using System.Buffers;
using System.Text.Json;

namespace Matih.Json;

/// <summary>
/// Writes JSON values anew as Flink does, which reads them into Java's maps and lists and prints those: no blanks, strings with
/// the fewest escapes, a number with a fraction as its double, of equal names the last value at the first name's place. Not thread-safe.
/// </summary>
internal sealed class JavaJsonWriter
{
    // From so many members on, names are looked up by their hash; before that they are compared one by one.
    private const int ScanMax = 32;

    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = JsonPathExtractor.DepthMax };

    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly List<Member> _members = [];
    private readonly HashSet<(int Container, int Hash)> _hashes = [];
    private byte[] _text = [];
    private byte[] _moved = [];
    private int _containers;

    /// <summary>A member of an object that is being written: where its name and its value lie in the output.</summary>
    private record struct Member(int Hash, int NameStart, int NameEnd, int ValueEnd);

    /// <summary>The text of a value of a valid document; good until the next call.</summary>
    public ReadOnlySpan<byte> Write(ReadOnlySpan<byte> value)
    {
        _output.ResetWrittenCount();
        Append(value);
        return _output.WrittenSpan;
    }

    /// <summary>The text of an array of values of a valid document; good until the next call.</summary>
    public ReadOnlySpan<byte> WriteArray(ReadOnlySpan<byte> document, ReadOnlySpan<JsonMatch> values)
    {
        _output.ResetWrittenCount();
        _output.Write("["u8);
        for (var i = 0; i < values.Length; i++)
        {
            if (i != 0) _output.Write(","u8);
            Append(values[i].TextIn(document));
        }
        _output.Write("]"u8);
        return _output.WrittenSpan;
    }

    private void Append(ReadOnlySpan<byte> value)
    {
        _members.Clear();
        _hashes.Clear();
        _containers = 0;
        var reader = new Utf8JsonReader(value, ReaderOptions);
        reader.Read();
        WriteValue(ref reader);
    }

    private void WriteValue(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject: WriteObject(ref reader); break;
            case JsonTokenType.StartArray: WriteArray(ref reader); break;
            case JsonTokenType.String: WriteString(reader.ValueSpan, reader.ValueIsEscaped); break;
            case JsonTokenType.Number: WriteNumber(reader.ValueSpan); break;
            default: _output.Write(reader.ValueSpan); break;
        }
    }

    private void WriteArray(ref Utf8JsonReader reader)
    {
        _output.Write("["u8);
        for (var isFirst = true; reader.Read() && reader.TokenType != JsonTokenType.EndArray; isFirst = false)
        {
            if (!isFirst) _output.Write(","u8);
            WriteValue(ref reader);
        }
        _output.Write("]"u8);
    }

    private void WriteObject(ref Utf8JsonReader reader)
    {
        var container = _containers++;
        var first = _members.Count;
        _output.Write("{"u8);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var start = _output.WrittenCount;
            if (_members.Count > first) _output.Write(","u8);
            var nameStart = _output.WrittenCount;
            WriteString(reader.ValueSpan, reader.ValueIsEscaped);
            var name = _output.WrittenSpan[nameStart..];
            var hash = JsonText.HashOf(name);
            var earlier = Find(container, first, hash, name);
            var nameEnd = _output.WrittenCount;
            _output.Write(":"u8);
            reader.Read();
            WriteValue(ref reader);
            if (earlier < 0) Remember(container, first, new Member(hash, nameStart, nameEnd, _output.WrittenCount));
            else Replace(earlier, first, start, nameEnd + 1);
        }
        _output.Write("}"u8);
        _members.RemoveRange(first, _members.Count - first);
    }

    private void Remember(int container, int first, Member member)
    {
        _members.Add(member);
        var count = _members.Count - first;
        if (count < ScanMax) return;
        if (count > ScanMax) _hashes.Add((container, member.Hash));
        else for (var i = first; i < _members.Count; i++) _hashes.Add((container, _members[i].Hash));
    }

    /// <summary>The member of that name in the object, or -1.</summary>
    private int Find(int container, int first, int hash, ReadOnlySpan<byte> name)
    {
        if (_members.Count - first >= ScanMax && !_hashes.Contains((container, hash))) return -1;
        for (var i = first; i < _members.Count; i++)
            if (_members[i].Hash == hash && _output.WrittenSpan[_members[i].NameStart.._members[i].NameEnd].SequenceEqual(name)) return i;
        return -1;
    }

    /// <summary>Moves the value that ends the output to the place of the earlier member's; the name after it is cut off.</summary>
    private void Replace(int earlier, int first, int cut, int valueStart)
    {
        var written = _output.WrittenSpan;
        var old = _members[earlier];
        var (oldStart, oldLength, newLength) = (old.NameEnd + 1, old.ValueEnd - old.NameEnd - 1, written.Length - valueStart);
        var length = cut + newLength - oldLength;
        if (_moved.Length < length) _moved = new byte[length * 2];
        written[..oldStart].CopyTo(_moved);
        written[valueStart..].CopyTo(_moved.AsSpan(oldStart));
        written[old.ValueEnd..cut].CopyTo(_moved.AsSpan(oldStart + newLength));
        _output.ResetWrittenCount();
        _output.Write(_moved.AsSpan(0, length));
        var shift = newLength - oldLength;
        for (var i = first; i < _members.Count; i++)
        {
            var member = _members[i];
            if (i == earlier) _members[i] = member with { ValueEnd = member.ValueEnd + shift };
            else if (member.NameStart > old.NameStart) _members[i] = new Member(member.Hash, member.NameStart + shift, member.NameEnd + shift, member.ValueEnd + shift);
        }
    }

    private void WriteString(ReadOnlySpan<byte> raw, bool hasEscapes)
    {
        if (!hasEscapes)
        {
            JavaJsonText.WriteString(_output, raw);
            return;
        }
        if (_text.Length < raw.Length) _text = new byte[raw.Length * 2];
        JavaJsonText.WriteString(_output, _text.AsSpan(0, JsonText.Unescape(raw, _text)));
    }

    private void WriteNumber(ReadOnlySpan<byte> text)
    {
        var isInteger = !text.ContainsAny(".eE"u8);
        if (!isInteger && JsonNumber.CanonicalLength(text) == 0)
        {
            JsonNumber.TryParseDouble(text, out var value);
            JavaJsonText.WriteDouble(_output, value);
            return;
        }
        var target = _output.GetSpan(Math.Max(text.Length, JsonNumber.FractionTextLengthMax));
        _output.Advance(JsonNumber.WriteScalarText(text, isInteger, target));
    }
}
