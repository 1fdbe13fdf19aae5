using System.Collections.Immutable;
using Matih.Batches;
using Matih.Json;

namespace Matih.Decoding;

/// <summary>How a column's values are made of JSON values.</summary>
internal enum JsonConversion : byte
{
    /// <summary>JSON_VALUE with RETURNING STRING: never fails.</summary>
    Scalar,
    Boolean,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Float,
    Double,
    Decimal,
    Text,
    Bytes,
    FixedBytes,
    Date,
    Time,
    Timestamp,
    TimestampLtz,
    /// <summary>An object, whose members are fields of their own.</summary>
    Row,
    /// <summary>An array.</summary>
    Array,
    /// <summary>An object whose members are a map's entries.</summary>
    Map,
}

/// <summary>What is read at one place of a JSON document, with what its conversion needs.</summary>
/// <param name="name">For messages: <c>customer.city</c>, <c>lines[*].sku</c>.</param>
/// <param name="column">What is filled; null for a ROW of which other fields are parts, and which must be an object itself.</param>
/// <param name="parent">The ROW that it is a member of, in the same documents; null at the top.</param>
internal sealed class JsonField(string name, DataType type, JsonPath path, int pathIndex, JsonConversion conversion, Column? column, JsonField? parent, TimestampStandard standard)
{
    public string Name { get; } = name;
    public DataType Type { get; } = type;
    public JsonPath Path { get; } = path;

    /// <summary>The path's position in the list that the documents' extractor was made of.</summary>
    public int PathIndex { get; } = pathIndex;

    public JsonConversion Conversion { get; } = conversion;
    public Column? Column { get; } = column;
    public JsonField? Parent { get; } = parent;

    /// <summary>Digits of a decimal, fraction digits of a timestamp, bytes of a BINARY.</summary>
    public int Precision { get; } = type switch
    {
        DataType.Decimal number => number.Precision,
        DataType.Timestamp time => time.Precision,
        DataType.TimestampLtz time => time.Precision,
        DataType.Binary bytes => bytes.Length,
        _ => 0,
    };

    public int Scale { get; } = type is DataType.Decimal { Scale: var scale } ? scale : 0;
    public TimestampStandard TimestampStandard { get; } = standard;

    /// <summary>The fields of a ROW whose column is filled.</summary>
    public ImmutableArray<JsonField> Members { get; set; } = [];

    /// <summary>The elements of an ARRAY, or the entries of a MAP.</summary>
    public JsonElements? Elements { get; set; }
}

/// <summary>The elements of an ARRAY or the values of a MAP: texts within the documents, which are read by themselves.</summary>
/// <param name="fields">The fields of an element; the first is the element itself, at the root of its text.</param>
internal sealed class JsonElements(JsonFieldSet fields)
{
    private JsonChunk? _chunk;

    /// <summary>What an element, or a map's value, is.</summary>
    public JsonField Element { get; } = fields.Filled[0];

    /// <summary>Takes the elements of many documents together.</summary>
    public JsonChunk Chunk => _chunk ?? throw new InvalidOperationException("The elements belong to no chunk.");

    /// <summary>How many elements each row has.</summary>
    public int[] Lengths { get; } = new int[JsonChunk.RowsMax];

    /// <summary>One byte a row, 1 where it is a value.</summary>
    public byte[] Validity { get; } = new byte[JsonChunk.RowsMax];

    /// <summary>The member names of one object at a time; null for an ARRAY.</summary>
    public MemberNames? Names { get; init; }

    /// <summary>Makes the elements parts of that chunk's documents.</summary>
    public void Attach(JsonChunk parent) => _chunk = new JsonChunk(fields.All, allowTrailingText: false, parent);
}
