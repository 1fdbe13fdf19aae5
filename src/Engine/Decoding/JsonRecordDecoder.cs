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
    private readonly JsonPathExtractor _extractor;
    private readonly JsonFieldWriter _writer;
    private readonly bool _requiresObject;
    private readonly bool _failsOnMissing;
    private readonly bool _ignoresParseErrors;

    /// <param name="columns">What is needed of a record; with none of its fields the document is validated all the same.</param>
    /// <param name="topic">For the topic column.</param>
    /// <exception cref="NotSupportedException">A column's type cannot be filled from JSON (nested types, more than 6 fraction digits).</exception>
    /// <exception cref="ArgumentException">A path is malformed or not supported, or the settings contradict each other.</exception>
    public JsonRecordDecoder(IReadOnlyList<InputColumn> columns, JsonDecodeSettings settings, string topic, MemoryAccount account)
    {
        if (settings is { FailOnMissingField: true, IgnoreParseErrors: true })
            throw new ArgumentException("fail-on-missing-field and ignore-parse-errors cannot both be true.", nameof(settings));
        foreach (var column in columns) JsonField.Require(column);
        _columns = new RecordColumns(columns, topic, account);
        _fields = [.. columns.Select((input, index) => JsonField.For(input, _columns[index])).OfType<JsonField>()];
        _extractor = new JsonPathExtractor(Array.ConvertAll(_fields, field => field.Path));
        _writer = new JsonFieldWriter(settings.TimestampStandard);
        _requiresObject = settings.RequiresObject || columns.Any(column => column is InputColumn.SchemaField);
        _failsOnMissing = settings.FailOnMissingField;
        _ignoresParseErrors = settings.IgnoreParseErrors;
    }

    public RowType Type => _columns.Type;

    public ColumnBatch Decode(RawBatch batch, RowErrors errors)
    {
        _columns.Clear();
        for (var row = 0; row < batch.Count; row++)
        {
            if (!errors.IsLeftOut(row) && TryDecode(batch, row, errors)) continue;
            foreach (var field in _fields) field.Column.AppendNull();
        }
        return _columns.Finish(batch, errors);
    }

    public void Dispose() => _columns.Dispose();

    /// <summary>Appends the row's fields; false, with nothing appended, where the row is left out.</summary>
    private bool TryDecode(RawBatch batch, int row, RowErrors errors)
    {
        var document = batch.Value(row);
        if (document.IsEmpty)
        {
            errors.Drop(row);
            return false;
        }
        if (_columns.Check(batch, row) is { } reason) return Reject(errors, row, reason);
        if (!_extractor.Extract(document)) return Reject(errors, row, "value: " + _extractor.Error);
        if (_requiresObject && _extractor.RootKind != JsonKind.Object)
            return Reject(errors, row, $"value: expected a JSON object, found {(_extractor.RootKind == JsonKind.Null ? "null" : "a JSON " + _extractor.RootKind.ToString().ToLowerInvariant())}");
        for (var i = 0; i < _fields.Length; i++)
        {
            var error = Append(_fields[i], _extractor[i], document);
            if (error is null) continue;
            for (var filled = 0; filled < i; filled++) _fields[filled].Column.RemoveLast();
            return Reject(errors, row, error);
        }
        return true;
    }

    /// <summary>Appends a field's value; the reason, with nothing appended, where the record must be rejected.</summary>
    private string? Append(JsonField field, JsonMatch match, ReadOnlySpan<byte> document)
    {
        if (!_writer.TryAppend(field, match, document))
        {
            if (!_ignoresParseErrors) return JsonFieldWriter.Describe(field, match, document);
            field.Column.AppendNull();
        }
        if (match.Kind > JsonKind.Null && field.Type.IsNullable) return null;
        return CheckNull(field, match);
    }

    private string? CheckNull(JsonField field, JsonMatch match)
    {
        if (field.Conversion == JsonConversion.Scalar) return null;
        string? error = null;
        if (match.Kind == JsonKind.Missing && _failsOnMissing) error = $"field {field.Name}: missing, and fail-on-missing-field is set";
        else if (!field.Type.IsNullable && field.Column.IsNull(field.Column.Count - 1))
            error = $"field {field.Name}: expected {field.Type}, found {(match.Kind == JsonKind.Missing ? "no such member" : match.Kind == JsonKind.Null ? "null" : "a value that does not fit")}";
        if (error is not null) field.Column.RemoveLast();
        return error;
    }

    private static bool Reject(RowErrors errors, int row, string reason)
    {
        errors.Reject(row, reason);
        return false;
    }
}
