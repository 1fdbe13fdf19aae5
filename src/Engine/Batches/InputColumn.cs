namespace Matih.Batches;

/// <summary>Parts of a Kafka record that are not fields of its value.</summary>
public enum RecordMetadata
{
    /// <summary>The whole value: STRING (or BYTES where the query asks for it).</summary>
    Value,
    /// <summary>The key: STRING.</summary>
    Key,
    Topic,
    Partition,
    Offset,
    /// <summary>The record's timestamp, TIMESTAMP_LTZ(3).</summary>
    Timestamp,
    /// <summary>"NoTimestampType", "CreateTime" or "LogAppendTime": STRING, as in Flink.</summary>
    TimestampType,
    /// <summary>The record's timestamp as TIMESTAMP(3) in UTC: the seed's event_timestamp.</summary>
    EventTimestamp,
}

/// <summary>JSON path evaluation mode; Flink's default, when a path names none, is strict.</summary>
internal enum JsonPathMode { Strict, Lax }

/// <summary>What a query needs of a record: the order that the decoder fills columns in. This is projection push-down.</summary>
public abstract record InputColumn
{
    private InputColumn(string name, DataType type) => (Name, Type) = (name, type);

    /// <summary>Unique within the input; for messages and plans.</summary>
    public string Name { get; }
    public DataType Type { get; }

    /// <summary>A field of the source's typed <c>schema:</c>; for JSON a top-level member of that exact name.</summary>
    public sealed record SchemaField(string FieldName, DataType FieldType) : InputColumn(FieldName, FieldType);

    /// <summary>A field of a ROW that is itself a field: <c>customer.address</c>, without the rest of <paramref name="Parent"/>.</summary>
    /// <param name="Parent">A <see cref="SchemaField"/> or <see cref="NestedField"/> of type ROW.</param>
    /// <param name="FieldType">Nullable where any of the rows around it is.</param>
    public sealed record NestedField(InputColumn Parent, string FieldName, DataType FieldType) : InputColumn($"{Parent.Name}.{FieldName}", FieldType);

    /// <summary>
    /// The scalar at a JSON path of the record's value, as JSON_VALUE gives it with NULL ON EMPTY NULL ON ERROR and
    /// RETURNING STRING; several are answered in one pass over the value.
    /// </summary>
    /// <param name="Path">The path's text as written in the SQL, mode included, e.g. <c>$.user_id</c> or <c>lax $.a[0]</c>.</param>
    public sealed record JsonScalar(string Path) : InputColumn($"JSON_VALUE(value, '{Path}')", DataType.String);

    /// <summary>A part of the record itself.</summary>
    public sealed record Metadata(RecordMetadata Part, DataType PartType) : InputColumn(Part.ToString(), PartType);

    /// <summary>The value of the record's last header of that name, BYTES; NULL where there is none.</summary>
    public sealed record Header(string HeaderName) : InputColumn($"headers['{HeaderName}']", DataType.Bytes);
}
