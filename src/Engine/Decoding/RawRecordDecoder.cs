using System.Text.Unicode;
using Matih.Batches;

namespace Matih.Decoding;

/// <summary>
/// Decodes <c>format: raw</c>: the value is handed on as it is, as STRING (rejected where it is not UTF-8) or BYTES; a
/// tombstone is a NULL. JSON_VALUE columns read any text: NULL where it is no JSON, and text after the document is passed over.
/// </summary>
public sealed class RawRecordDecoder : IRecordDecoder
{
    private readonly RecordColumns _columns;
    private readonly JsonField[] _scalars;
    private readonly BytesColumn[] _values;
    private readonly JsonChunk _chunk;
    private readonly JsonColumnFiller _filler = new(failsOnMissing: false, ignoresParseErrors: true);
    private readonly bool _isText;
    private readonly bool _requiresValue;

    /// <param name="columns">Schema fields stand for the whole value, as in Flink's raw format: STRING or BYTES.</param>
    /// <exception cref="NotSupportedException">A schema field of another type.</exception>
    public RawRecordDecoder(IReadOnlyList<InputColumn> columns, string topic, MemoryAccount account)
    {
        foreach (var column in columns)
        {
            if (column is InputColumn.SchemaField { FieldType: not (DataType.Varchar or DataType.Varbinary) } field)
                throw new NotSupportedException($"Field {field.FieldName}: format raw gives the value as STRING or BYTES, not as {field.FieldType}; use format json, or CAST it in the query.");
        }
        _columns = new RecordColumns(columns, topic, account);
        var fields = new JsonFieldSet(TimestampStandard.Sql);
        for (var i = 0; i < columns.Count; i++)
            if (columns[i] is InputColumn.JsonScalar) fields.Add(columns[i], _columns[i]);
        _scalars = [.. fields.Filled];
        _values = [.. Enumerable.Range(0, columns.Count).Where(index => columns[index] is InputColumn.SchemaField).Select(index => (BytesColumn)_columns[index])];
        _chunk = new JsonChunk(fields.All, allowTrailingText: true);
        _isText = columns.Any(column => column is InputColumn.JsonScalar or InputColumn.SchemaField { FieldType: DataType.Varchar }
            or InputColumn.Metadata { Part: RecordMetadata.Value, PartType: DataType.Varchar });
        _requiresValue = columns.Any(column => column is InputColumn.SchemaField { FieldType.IsNullable: false }
            or InputColumn.Metadata { Part: RecordMetadata.Value, PartType.IsNullable: false });
    }

    public RowType Type => _columns.Type;

    public ColumnBatch Decode(RawBatch batch, RowErrors errors)
    {
        _columns.Clear();
        for (var row = 0; row < batch.Count; row++)
        {
            if (!errors.IsLeftOut(row) && Check(batch, row) is { } reason) errors.Reject(row, reason);
            var isNull = errors.IsLeftOut(row) || batch.Records[row].ValueLength < 0;
            foreach (var column in _values)
            {
                if (isNull) column.AppendNull();
                else column.Append(batch.Value(row));
            }
        }
        if (_scalars.Length != 0) FillScalars(batch, errors);
        return _columns.Finish(batch, errors);
    }

    public void Dispose() => _columns.Dispose();

    private string? Check(RawBatch batch, int row)
    {
        if (_requiresValue && batch.Records[row].ValueLength < 0) return "value: a tombstone, expected NOT NULL";
        if (_isText && !Utf8.IsValid(batch.Value(row))) return "value: invalid UTF-8, expected STRING; read the value as BYTES";
        return _columns.Check(batch, row);
    }

    private void FillScalars(RawBatch batch, RowErrors errors)
    {
        for (var first = 0; first < batch.Count; first += JsonChunk.RowsMax)
        {
            _chunk.Begin(first);
            var end = Math.Min(batch.Count, first + JsonChunk.RowsMax);
            for (var row = first; row < end; row++)
            {
                if (!errors.IsLeftOut(row) && _chunk.TryRead(batch.Value(row))) _chunk.Add();
                else _chunk.AddNull();
            }
            foreach (var scalar in _scalars) _filler.Fill(_chunk, scalar);
        }
    }
}
