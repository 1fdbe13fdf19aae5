using System.Text;
using System.Text.Unicode;
using Matih.Batches;

namespace Matih.Decoding;

/// <summary>
/// Fills the columns that come from the record around its value, for every format: metadata, headers, and the value and
/// key as they are. Holds the columns of a decoder in the order of its input columns.
/// </summary>
internal sealed class RecordColumns : IDisposable
{
    private readonly Column[] _columns;
    private readonly List<(InputColumn.Metadata Input, Column Column)> _metadata = [];
    private readonly List<(InputColumn.Header Input, byte[] Name, BytesColumn Column)> _headers = [];
    private readonly byte[] _topic;
    private readonly bool _checksKeyText;
    private readonly bool _checksTimestamp;
    private readonly bool _checksKey;

    public RecordColumns(IReadOnlyList<InputColumn> inputs, string topic, MemoryAccount account)
    {
        _topic = Encoding.UTF8.GetBytes(topic);
        _columns = new Column[inputs.Count];
        for (var i = 0; i < _columns.Length; i++)
        {
            _columns[i] = Column.Create(inputs[i].Type, account);
            if (inputs[i] is InputColumn.Header header)
            {
                _headers.Add((header, Encoding.UTF8.GetBytes(header.HeaderName), (BytesColumn)_columns[i]));
            }
            else if (inputs[i] is InputColumn.Metadata metadata)
            {
                RequireType(metadata);
                _metadata.Add((metadata, _columns[i]));
                _checksKeyText |= metadata is { Part: RecordMetadata.Key, PartType: DataType.Varchar or DataType.Char };
                _checksKey |= metadata is { Part: RecordMetadata.Key, PartType.IsNullable: false };
                _checksTimestamp |= metadata is { Part: RecordMetadata.Timestamp or RecordMetadata.EventTimestamp, PartType.IsNullable: false };
            }
        }
        Type = new RowType([.. inputs.Select(input => new Field(input.Name, input.Type))]);
    }

    public RowType Type { get; }

    public Column this[int index] => _columns[index];

    public void Clear()
    {
        foreach (var column in _columns) column.Clear();
    }

    /// <summary>Why the record cannot give its metadata, or null. To be asked before any column of the row is filled.</summary>
    public string? Check(RawBatch batch, int row)
    {
        if (_checksKeyText && !Utf8.IsValid(batch.Key(row))) return "key: invalid UTF-8, expected STRING; read the key as BYTES";
        ref readonly var record = ref batch.Records[row];
        if (_checksKey && record.KeyLength < 0) return "key: the record has none, expected NOT NULL";
        if (_checksTimestamp && record.TimestampKind == TimestampKind.None) return "timestamp: the record has none, expected NOT NULL";
        return null;
    }

    /// <summary>Fills the metadata and header columns of all rows and gives the batch.</summary>
    public ColumnBatch Finish(RawBatch batch, RowErrors errors)
    {
        foreach (var (input, column) in _metadata) Fill(input.Part, column, batch, errors);
        foreach (var (_, name, column) in _headers) FillHeader(name, column, batch, errors);
        return new ColumnBatch(Type, _columns, batch.Count);
    }

    public void Dispose()
    {
        foreach (var column in _columns) column.Dispose();
    }

    private void Fill(RecordMetadata part, Column column, RawBatch batch, RowErrors errors)
    {
        var records = batch.Records;
        for (var row = 0; row < records.Length; row++)
        {
            ref readonly var record = ref records[row];
            if (errors.IsLeftOut(row))
            {
                column.AppendNull();
                continue;
            }
            switch (part)
            {
                case RecordMetadata.Value: AppendBytes((BytesColumn)column, record.ValueLength, batch.Value(row)); break;
                case RecordMetadata.Key: AppendBytes((BytesColumn)column, record.KeyLength, batch.Key(row)); break;
                case RecordMetadata.Topic: ((BytesColumn)column).Append(_topic); break;
                case RecordMetadata.Partition: ((FixedColumn<int>)column).Append(record.Partition); break;
                case RecordMetadata.Offset: ((FixedColumn<long>)column).Append(record.Offset); break;
                case RecordMetadata.TimestampType: ((BytesColumn)column).Append(Name(record.TimestampKind)); break;
                default:
                    if (record.TimestampKind == TimestampKind.None) column.AppendNull();
                    else ((FixedColumn<long>)column).Append(record.TimestampMillis * 1000);
                    break;
            }
        }
    }

    private static void FillHeader(byte[] name, BytesColumn column, RawBatch batch, RowErrors errors)
    {
        for (var row = 0; row < batch.Count; row++)
        {
            if (!errors.IsLeftOut(row) && batch.TryGetHeader(row, name, out var value, out var isNull) && !isNull) column.Append(value);
            else column.AppendNull();
        }
    }

    private static void AppendBytes(BytesColumn column, int length, ReadOnlySpan<byte> bytes)
    {
        if (length < 0) column.AppendNull();
        else column.Append(bytes);
    }

    private static ReadOnlySpan<byte> Name(TimestampKind kind) => kind switch
    {
        TimestampKind.CreateTime => "CreateTime"u8,
        TimestampKind.LogAppendTime => "LogAppendTime"u8,
        _ => "NoTimestampType"u8,
    };

    private static void RequireType(InputColumn.Metadata metadata)
    {
        var (fits, expected) = metadata.Part switch
        {
            RecordMetadata.Value or RecordMetadata.Key =>
                (metadata.PartType is DataType.Varchar or DataType.Varbinary, "STRING or BYTES"),
            RecordMetadata.Topic or RecordMetadata.TimestampType => (metadata.PartType is DataType.Varchar, "STRING"),
            RecordMetadata.Partition => (metadata.PartType is DataType.Int, "INT"),
            RecordMetadata.Offset => (metadata.PartType is DataType.BigInt, "BIGINT"),
            RecordMetadata.Timestamp => (metadata.PartType is DataType.TimestampLtz { Precision: >= 3 and <= DataType.Timestamp.MicrosPrecisionMax }, "TIMESTAMP_LTZ(3)"),
            _ => (metadata.PartType is DataType.Timestamp { Precision: >= 3 and <= DataType.Timestamp.MicrosPrecisionMax }, "TIMESTAMP(3)"),
        };
        if (!fits) throw new NotSupportedException($"The record's {metadata.Part} is {expected}, not {metadata.PartType}.");
    }
}
