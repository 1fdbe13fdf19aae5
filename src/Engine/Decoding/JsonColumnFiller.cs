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
internal sealed class JsonColumnFiller
{
    private const int CopyWidth = 32;

    private readonly byte[] _validity = new byte[JsonChunk.RowsMax];
    private byte[] _scratch = new byte[256];

    /// <summary>Appends the chunk's rows to the column of the field at that position of the extractor's paths.</summary>
    public void Fill(JsonChunk chunk, JsonField field, int path, bool failsOnMissing, bool ignoresParseErrors)
    {
        switch (field.Conversion)
        {
            case JsonConversion.Scalar:
                FillText(chunk, field, path, isScalar: true);
                return;
            case JsonConversion.Text: FillText(chunk, field, path, isScalar: false); break;
            case JsonConversion.Bytes or JsonConversion.FixedBytes: FillBytes(chunk, field, path, ignoresParseErrors); break;
            case JsonConversion.Boolean: FillFixed<byte, BooleanConverter>(chunk, field, path, ignoresParseErrors); break;
            case JsonConversion.TinyInt or JsonConversion.SmallInt or JsonConversion.Int: FillFixed<int, IntConverter>(chunk, field, path, ignoresParseErrors); break;
            case JsonConversion.BigInt: FillFixed<long, BigIntConverter>(chunk, field, path, ignoresParseErrors); break;
            case JsonConversion.Float: FillFixed<float, FloatConverter>(chunk, field, path, ignoresParseErrors); break;
            case JsonConversion.Double: FillFixed<double, DoubleConverter>(chunk, field, path, ignoresParseErrors); break;
            case JsonConversion.Decimal: FillFixed<Int128, DecimalConverter>(chunk, field, path, ignoresParseErrors); break;
            case JsonConversion.Date: FillFixed<int, DateConverter>(chunk, field, path, ignoresParseErrors); break;
            case JsonConversion.Time: FillFixed<int, TimeConverter>(chunk, field, path, ignoresParseErrors); break;
            default: FillFixed<long, TimestampConverter>(chunk, field, path, ignoresParseErrors); break;
        }
        if (failsOnMissing || !field.Type.IsNullable) CheckNulls(chunk, field, path, failsOnMissing);
    }

    private void FillFixed<T, TConverter>(JsonChunk chunk, JsonField field, int path, bool ignoresParseErrors)
        where T : unmanaged
        where TConverter : struct, IJsonConverter<T>
    {
        Span<T> values = stackalloc T[JsonChunk.RowsMax];
        var matches = chunk.Extractor.Matches(path, out var stride);
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
        values[..chunk.Count].CopyTo(((FixedColumn<T>)field.Column).AppendUninitialized(chunk.Count, hasNulls ? _validity.AsSpan(0, chunk.Count) : default));
    }

    /// <summary>STRING of the schema, or JSON_VALUE: plain strings are copied, the rest goes by itself.</summary>
    private void FillText(JsonChunk chunk, JsonField field, int path, bool isScalar)
    {
        var matches = chunk.Extractor.Matches(path, out var stride);
        var lengthMax = CopyWidth;
        for (var row = 0; row < chunk.Count; row++) lengthMax = checked(lengthMax + matches[row * stride].Length + (isScalar ? JsonNumber.FractionTextLengthMax : 0));
        var column = (BytesColumn)field.Column;
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
    private void FillBytes(JsonChunk chunk, JsonField field, int path, bool ignoresParseErrors)
    {
        var matches = chunk.Extractor.Matches(path, out var stride);
        var column = (BytesColumn)field.Column;
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

    private static void CheckNulls(JsonChunk chunk, JsonField field, int path, bool failsOnMissing)
    {
        if (field.Column.NullCount == 0) return;
        var matches = chunk.Extractor.Matches(path, out var stride);
        var first = field.Column.Count - chunk.Count;
        for (var row = 0; row < chunk.Count; row++)
        {
            var kind = matches[row * stride].Kind;
            if (!field.Column.IsNull(first + row)) continue;
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
