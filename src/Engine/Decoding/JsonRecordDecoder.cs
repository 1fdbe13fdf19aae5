using System.Buffers.Binary;
using System.Globalization;
using Matih.Batches;
using Matih.Json;

namespace Matih.Decoding;

/// <summary>
/// Decodes <c>format: json</c>: every value is exactly one JSON document, read in one validating pass that fills the
/// schema's fields and the JSON_VALUE columns. Whatever is not such a document is rejected; tombstones and empty values
/// are dropped, as Flink's format gives no row for them. The outcome of every kind of input is in docs/inputs.md.
/// </summary>
public sealed class JsonRecordDecoder : IRecordDecoder
{
    private readonly RecordColumns _columns;
    private readonly JsonField[] _fields;
    private readonly JsonChunk _chunk;
    private readonly JsonColumnFiller _filler;
    private readonly FieldWatch? _watch;
    private readonly bool _requiresObject;

    /// <param name="columns">What is needed of a record; with none of its fields the document is validated all the same.</param>
    /// <param name="topic">For the topic column.</param>
    /// <param name="presence">Takes note of the fields that records have; null where nobody asks.</param>
    /// <exception cref="NotSupportedException">A column's type cannot be filled from JSON (more than 6 fraction digits, a MAP whose keys are no strings).</exception>
    /// <exception cref="ArgumentException">A path is malformed or not supported, or the settings contradict each other.</exception>
    public JsonRecordDecoder(IReadOnlyList<InputColumn> columns, JsonDecodeSettings settings, string topic, MemoryAccount account, FieldPresence? presence = null)
    {
        if (settings is { FailOnMissingField: true, IgnoreParseErrors: true })
            throw new ArgumentException("fail-on-missing-field and ignore-parse-errors cannot both be true.", nameof(settings));
        foreach (var column in columns) JsonFieldSet.Require(column);
        _columns = new RecordColumns(columns, topic, account);
        var fields = new JsonFieldSet(settings.TimestampStandard);
        for (var i = 0; i < columns.Count; i++) fields.Add(columns[i], _columns[i]);
        _fields = [.. fields.Filled];
        _chunk = new JsonChunk(fields.All, allowTrailingText: false);
        _filler = new JsonColumnFiller(settings.FailOnMissingField, settings.IgnoreParseErrors);
        _requiresObject = settings.RequiresObject || columns.Any(column => column is InputColumn.SchemaField or InputColumn.NestedField);
        if (presence is not null && !settings.FailOnMissingField) _watch = new FieldWatch(presence, _fields);
    }

    public RowType Type => _columns.Type;

    public ColumnBatch Decode(RawBatch batch, RowErrors errors)
    {
        _columns.Clear();
        for (var first = 0; first < batch.Count; first += JsonChunk.RowsMax)
        {
            _chunk.Begin(first);
            var end = Math.Min(batch.Count, first + JsonChunk.RowsMax);
            for (var row = first; row < end; row++)
                if (errors.IsLeftOut(row) || !TryRead(batch, row, errors)) _chunk.AddNull();
            _watch?.Look(_chunk);
            Fill(first, errors);
        }
        return _columns.Finish(batch, errors);
    }

    public void Dispose() => _columns.Dispose();

    /// <summary>Reads the row's document into the chunk; false where the row is left out.</summary>
    private bool TryRead(RawBatch batch, int row, RowErrors errors)
    {
        var document = batch.Value(row);
        if (document.IsEmpty)
        {
            errors.Drop(row);
            return false;
        }
        if (_columns.Check(batch, row) is { } reason) return Reject(errors, row, reason);
        if (!_chunk.TryRead(document)) return Reject(errors, row, "value: " + _chunk.Extractor.Error + RegistryHint(document), "value: " + _chunk.Extractor.ErrorKind);
        if (_requiresObject && _chunk.Extractor.RootKind != JsonKind.Object)
            return Reject(errors, row, $"value: expected a JSON object, found {Name(_chunk.Extractor.RootKind)}");
        _chunk.Add();
        return true;
    }

    /// <summary>No JSON begins with a zero byte; what a schema registry's serializers write does: 0x00, and the schema's id in four bytes.</summary>
    private static string RegistryHint(ReadOnlySpan<byte> document)
    {
        if (document is not [0, _, _, _, _, ..]) return "";
        var id = BinaryPrimitives.ReadInt32BigEndian(document[1..]);
        return string.Create(CultureInfo.InvariantCulture,
            $". This looks like a schema registry message: 0x00, the schema id {id}, then {(document is [_, _, _, _, _, (byte)'{' or (byte)'[', ..] ? "JSON, which is not read behind it in this version: let the producer write plain JSON" : "Avro, which format avro reads, or Protobuf, which is not read in this version")}");
    }

    private static string Name(JsonKind kind) => kind switch
    {
        JsonKind.Null => "null",
        JsonKind.True or JsonKind.False => "a JSON boolean",
        _ => "a JSON " + kind.ToString().ToLowerInvariant(),
    };

    /// <summary>Appends the chunk's rows to all columns; a second time, without the rows to be rejected, where some value did not convert.</summary>
    private void Fill(int firstRow, RowErrors errors)
    {
        FillColumns();
        if (!_chunk.HasFailures) return;
        _chunk.RejectFailed(errors);
        foreach (var field in _fields) field.Column?.Truncate(firstRow);
        FillColumns();
    }

    private void FillColumns()
    {
        foreach (var field in _fields) _filler.Fill(_chunk, field);
    }

    private static bool Reject(RowErrors errors, int row, string reason, string? kind = null)
    {
        errors.Reject(row, reason, kind);
        return false;
    }
}
