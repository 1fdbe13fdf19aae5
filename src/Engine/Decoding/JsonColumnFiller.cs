using System.Buffers;
using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text;
using Matih.Batches;
using Matih.Json;

namespace Matih.Decoding;

/// <summary>Appends a chunk's values to one column after the other. A value that does not convert is noted in the chunk.</summary>
internal sealed class JsonColumnFiller(bool failsOnMissing, bool ignoresParseErrors)
{
    private const int CopyWidth = 32;

    private readonly byte[] _validity = new byte[JsonChunk.RowsMax];
    private byte[] _scratch = new byte[256];

    /// <summary>Appends the chunk's rows to the field's column.</summary>
    public void Fill(JsonChunk chunk, JsonField field)
    {
        switch (field.Conversion)
        {
            case JsonConversion.Scalar:
                FillText(chunk, field, isScalar: true);
                return;
            case JsonConversion.Text: FillText(chunk, field, isScalar: false); break;
            case JsonConversion.Bytes or JsonConversion.FixedBytes: FillBytes(chunk, field); break;
            case JsonConversion.Boolean: FillFixed<byte, BooleanConverter>(chunk, field); break;
            case JsonConversion.TinyInt or JsonConversion.SmallInt or JsonConversion.Int: FillFixed<int, IntConverter>(chunk, field); break;
            case JsonConversion.BigInt: FillFixed<long, BigIntConverter>(chunk, field); break;
            case JsonConversion.Float: FillFixed<float, FloatConverter>(chunk, field); break;
            case JsonConversion.Double: FillFixed<double, DoubleConverter>(chunk, field); break;
            case JsonConversion.Decimal: FillFixed<Int128, DecimalConverter>(chunk, field); break;
            case JsonConversion.Date: FillFixed<int, DateConverter>(chunk, field); break;
            case JsonConversion.Time: FillFixed<int, TimeConverter>(chunk, field); break;
            case JsonConversion.Row: FillRow(chunk, field); break;
            case JsonConversion.Array or JsonConversion.Map: FillList(chunk, field); break;
            default: FillFixed<long, TimestampConverter>(chunk, field); break;
        }
        if (failsOnMissing || !field.Type.IsNullable) CheckNulls(chunk, field);
    }

    /// <summary>Fills the members of objects, then says which rows are objects. A row without a column is only checked.</summary>
    private void FillRow(JsonChunk chunk, JsonField field)
    {
        foreach (var member in field.Members) Fill(chunk, member);
        var hasNulls = false;
        var matches = chunk.Extractor.Matches(field.PathIndex, out var stride);
        for (var row = 0; row < chunk.Count; row++)
        {
            ref readonly var match = ref matches[row * stride];
            _validity[row] = (byte)(match.Kind == JsonKind.Object ? 1 : 0);
            if (match.Kind == JsonKind.Object) continue;
            hasNulls = true;
            if (match.Kind > JsonKind.Null && !ignoresParseErrors) Fail(chunk, row, field, match);
        }
        (field.Column as RowColumn)?.EndRows(chunk.Count, hasNulls ? _validity.AsSpan(0, chunk.Count) : default);
    }

    /// <summary>Reads the elements of arrays, or the members of objects as a map's entries, and fills their column chunk by chunk.</summary>
    private void FillList(JsonChunk chunk, JsonField field)
    {
        var elements = field.Elements!;
        var list = (ListColumn)field.Column!;
        var kind = field.Conversion == JsonConversion.Array ? JsonKind.Array : JsonKind.Object;
        var matches = chunk.Extractor.Matches(field.PathIndex, out var stride);
        var count = 0;
        elements.Chunk.Begin(0);
        for (var row = 0; row < chunk.Count; row++)
        {
            var match = matches[row * stride];
            elements.Lengths[row] = 0;
            elements.Validity[row] = (byte)(match.Kind == kind ? 1 : 0);
            if (match.Kind == kind)
            {
                var text = match.In(chunk.Document(row));
                count += elements.Lengths[row] = kind == JsonKind.Array ? ReadArray(elements, text, row) : ReadMap(elements, list, text, row);
            }
            else if (match.Kind > JsonKind.Null && !ignoresParseErrors) Fail(chunk, row, field, match);
        }
        FillElements(elements);
        if (kind == JsonKind.Object) ((RowColumn)list.Elements).EndRows(count, default);
        var validity = elements.Validity.AsSpan(0, chunk.Count);
        list.AppendLengths(elements.Lengths.AsSpan(0, chunk.Count), validity.Contains((byte)0) ? validity : default);
    }

    private int ReadArray(JsonElements elements, ReadOnlySpan<byte> text, int row)
    {
        var count = 0;
        for (var at = SkipWhitespace(text, 1); text[at] != ']'; at = SkipWhitespace(text, at + 1))
        {
            at = SkipWhitespace(text, at + Take(elements, text[at..], row));
            count++;
            if (text[at] == ']') break;
        }
        return count;
    }

    /// <summary>Takes each value as it comes. Only where a name comes twice the values are taken once more, each name's last one; what the others are does not matter.</summary>
    private int ReadMap(JsonElements elements, ListColumn list, ReadOnlySpan<byte> text, int row)
    {
        var names = elements.Names!;
        names.Clear();
        var (taken, isUnique) = (0, true);
        elements.Chunk.HoldFailures();
        for (var at = SkipWhitespace(text, 1); text[at] != '}'; at = SkipWhitespace(text, at + 1))
        {
            var name = at + 1;
            for (at = name; text[at] != '"'; at++)
                if (text[at] == '\\') at++;
            var raw = text[name..at];
            at = SkipWhitespace(text, at + 1) + 1;
            isUnique &= names.Add(raw, at);
            at = SkipWhitespace(text, at + (isUnique ? Take(elements, text[at..], row) : Read(elements, text[at..])));
            if (isUnique) taken++;
            if (text[at] == '}') break;
        }
        var entry = (RowColumn)list.Elements;
        if (!isUnique) FillElements(elements);
        elements.Chunk.EndHolding(isUnique ? row : null);
        if (!isUnique)
        {
            entry.Fields[1].Truncate(entry.Fields[1].Count - taken);
            for (var i = 0; i < names.Count; i++) Take(elements, text[names.ValueOf(i)..], row);
        }
        for (var i = 0; i < names.Count; i++) ((BytesColumn)entry.Fields[0]).Append(names[i]);
        return names.Count;
    }

    /// <summary>Takes an element, which is known to be valid, and gives the length of its text with the white space before it.</summary>
    private int Take(JsonElements elements, ReadOnlySpan<byte> text, int row)
    {
        var length = Read(elements, text);
        elements.Chunk.AddPartOf(row);
        return length;
    }

    private int Read(JsonElements elements, ReadOnlySpan<byte> text)
    {
        var chunk = elements.Chunk;
        if (chunk.Count == JsonChunk.RowsMax) FillElements(elements);
        if (!chunk.TryRead(text)) throw new InvalidOperationException($"A part of a valid JSON document is none: {chunk.Extractor.Error}");
        return chunk.Extractor.DocumentLength;
    }

    private void FillElements(JsonElements elements)
    {
        Fill(elements.Chunk, elements.Element);
        elements.Chunk.Empty();
    }

    private static int SkipWhitespace(ReadOnlySpan<byte> text, int at)
    {
        while (text[at] is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r') at++;
        return at;
    }

    private void FillFixed<T, TConverter>(JsonChunk chunk, JsonField field)
        where T : unmanaged
        where TConverter : struct, IJsonConverter<T>
    {
        Span<T> values = stackalloc T[JsonChunk.RowsMax];
        var matches = chunk.Extractor.Matches(field.PathIndex, out var stride);
        var hasNulls = false;
        for (var row = 0; row < chunk.Count; row++)
        {
            ref readonly var match = ref matches[row * stride];
            var conversion = Conversion.Null;
            if (match.IsScalar)
            {
                var text = match.In(chunk.Document(row));
                conversion = TConverter.TryRead(field, match, match.HasEscapes ? Unescape(text) : text, out values[row]);
            }
            else if (match.Kind >= JsonKind.Object)
            {
                conversion = Conversion.Failed;
            }
            _validity[row] = (byte)(conversion == Conversion.Value ? 1 : 0);
            hasNulls |= conversion != Conversion.Value;
            if (conversion == Conversion.Failed && !ignoresParseErrors) Fail(chunk, row, field, match);
        }
        values[..chunk.Count].CopyTo(((FixedColumn<T>)field.Column!).AppendUninitialized(chunk.Count, hasNulls ? _validity.AsSpan(0, chunk.Count) : default));
    }

    /// <summary>STRING of the schema, or JSON_VALUE: plain strings are copied, the rest goes by itself.</summary>
    private void FillText(JsonChunk chunk, JsonField field, bool isScalar)
    {
        var matches = chunk.Extractor.Matches(field.PathIndex, out var stride);
        var lengthMax = CopyWidth;
        for (var row = 0; row < chunk.Count; row++) lengthMax = checked(lengthMax + matches[row * stride].Length + (isScalar ? JsonNumber.FractionTextLengthMax : 0));
        var column = (BytesColumn)field.Column!;
        column.BeginRows(chunk.Count, lengthMax, out var ends, out var data, out var dataStart);
        var hasNulls = false;
        var written = 0;
        for (var row = 0; row < ends.Length; row++)
        {
            ref readonly var match = ref matches[row * stride];
            var isValue = isScalar ? match.IsScalar : match.Kind > JsonKind.Null;
            var document = chunk.Document(row);
            if (match.Kind == JsonKind.String && !match.HasEscapes) written += Copy(document, match.Start, match.Length, data[written..]);
            else if (isScalar && match.Kind == JsonKind.Number && !match.IsInteger && JsonNumber.CanonicalLength(match.In(document)) is > 0 and var length)
                written += Copy(document, match.Start, length, data[written..]);
            else if (isValue) written += Write(match, match.In(document), data[written..], isScalar);
            _validity[row] = (byte)(isValue ? 1 : 0);
            hasNulls |= !isValue;
            ends[row] = dataStart + written;
        }
        column.EndRows(chunk.Count, written, hasNulls ? _validity.AsSpan(0, chunk.Count) : default);
    }

    private static int Write(JsonMatch match, ReadOnlySpan<byte> raw, Span<byte> target, bool isScalar)
    {
        switch (match.Kind)
        {
            case JsonKind.String: return JsonText.Unescape(raw, target);
            case JsonKind.Number when isScalar: return JsonNumber.WriteScalarText(raw, match.IsInteger, target);
            case JsonKind.Object or JsonKind.Array: return JsonText.Compact(raw, target);
            default:
                raw.CopyTo(target);
                return raw.Length;
        }
    }

    /// <summary>Base64. The decoder passes over white space, Flink's does not.</summary>
    private void FillBytes(JsonChunk chunk, JsonField field)
    {
        var matches = chunk.Extractor.Matches(field.PathIndex, out var stride);
        var column = (BytesColumn)field.Column!;
        for (var row = 0; row < chunk.Count; row++)
        {
            var match = matches[row * stride];
            if (match.Kind == JsonKind.String)
            {
                var raw = match.In(chunk.Document(row));
                var base64 = match.HasEscapes ? Unescape(raw) : raw;
                var target = column.Begin(Base64.GetMaxDecodedFromUtf8Length(base64.Length));
                var isBase64 = !base64.ContainsAny(" \t\r\n"u8) & Base64.DecodeFromUtf8(base64, target, out _, out var length) == OperationStatus.Done;
                if (isBase64 && (field.Conversion != JsonConversion.FixedBytes || length == field.Precision))
                {
                    column.End(length);
                    continue;
                }
            }
            if (match.Kind > JsonKind.Null && !ignoresParseErrors) Fail(chunk, row, field, match);
            column.AppendNull();
        }
    }

    /// <summary>Rejects what must not be NULL, or not missing, in the row that it is a member of.</summary>
    private void CheckNulls(JsonChunk chunk, JsonField field)
    {
        var matches = chunk.Extractor.Matches(field.PathIndex, out var stride);
        var around = field.Parent is null ? default : chunk.Extractor.Matches(field.Parent.PathIndex, out _);
        var first = (field.Column?.Count ?? 0) - chunk.Count;
        if (field.Column is { NullCount: 0 }) return;
        for (var row = 0; row < chunk.Count; row++)
        {
            var kind = matches[row * stride].Kind;
            if (field.Column is null ? kind == JsonKind.Object : !field.Column.IsNull(first + row)) continue;
            if (!around.IsEmpty && around[row * stride].Kind != JsonKind.Object) continue;
            if (kind == JsonKind.Missing && failsOnMissing) chunk.Fail(row, $"field {field.Name}: missing, and fail_on_missing_field is set");
            else if (!field.Type.IsNullable) chunk.Fail(row, $"field {field.Name}: expected {field.Type}, found {Found(kind)}");
        }
    }

    private static string Found(JsonKind kind) => kind switch
    {
        JsonKind.Missing => "no such member",
        JsonKind.Null => "null",
        _ => "a value that does not fit",
    };

    /// <summary>Says why the value does not convert, with a short excerpt of it.</summary>
    private static void Fail(JsonChunk chunk, int row, JsonField field, JsonMatch match)
    {
        const int ExcerptBytesMax = 40;
        var expected = $"field {field.Name}: expected {field.Type.OrNull()}, found";
        if (match.Kind is JsonKind.Object or JsonKind.Array)
        {
            chunk.Fail(row, expected + (match.Kind == JsonKind.Object ? " an object" : " an array"));
            return;
        }
        var raw = match.In(chunk.Document(row));
        var shown = Math.Min(raw.Length, ExcerptBytesMax);
        while (shown < raw.Length && (raw[shown] & 0xC0) == 0x80) shown--; // Not inside a character.
        var excerpt = Encoding.UTF8.GetString(raw[..shown]) + (shown < raw.Length ? "…" : "");
        switch (match.Kind)
        {
            case JsonKind.String: chunk.Fail(row, $"{expected} the string \"{excerpt}\"{TimestampHint.Of(field, raw)}", expected + " a string"); break;
            case JsonKind.Number: chunk.Fail(row, $"{expected} the number {excerpt}{TimestampHint.OfNumber(field)}", expected + " a number"); break;
            default: chunk.Fail(row, $"{expected} the boolean {excerpt}", expected + " a boolean"); break;
        }
    }

    /// <summary>
    /// Copies a short text with one or two loads that may reach past it, within the document and the target's slack: a call
    /// of memmove costs more than most values have bytes.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Copy(ReadOnlySpan<byte> document, int start, int length, Span<byte> target)
    {
        if (length <= CopyWidth && start + CopyWidth <= document.Length && target.Length >= CopyWidth)
        {
            Vector256.LoadUnsafe(ref MemoryMarshal.GetReference(document), (nuint)start).StoreUnsafe(ref MemoryMarshal.GetReference(target));
            return length;
        }
        document.Slice(start, length).CopyTo(target);
        return length;
    }

    private ReadOnlySpan<byte> Unescape(ReadOnlySpan<byte> raw)
    {
        if (_scratch.Length < raw.Length) _scratch = new byte[Math.Max(raw.Length, _scratch.Length * 2)];
        return _scratch.AsSpan(0, JsonText.Unescape(raw, _scratch));
    }
}
