using System.Collections.Frozen;

namespace Matih.Sql.Syntax;

/// <summary>The names of types, and what is called otherwise elsewhere: for messages about a name that is none.</summary>
internal static class TypeNames
{
    private static readonly string[] Names =
    [
        "BOOLEAN", "TINYINT", "SMALLINT", "INT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL", "DEC", "NUMERIC", "CHAR", "VARCHAR",
        "STRING", "BINARY", "VARBINARY", "BYTES", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP_LTZ", "ARRAY", "MAP", "ROW", "INTERVAL",
    ];

    /// <summary>Names of other databases, languages and formats, by what to write here.</summary>
    private static readonly (string Ours, string[] Theirs)[] Foreign =
    [
        ("BOOLEAN", ["BOOL", "BIT"]),
        ("TINYINT for 8 bits, BIGINT for 8 bytes", ["INT8"]),
        ("TINYINT for a number, BYTES for binary data", ["BYTE"]),
        ("SMALLINT", ["INT16", "INT2", "SHORT", "UINT8"]),
        ("INT", ["INT32", "INT4", "MEDIUMINT", "SERIAL", "UINT16", "USMALLINT"]),
        ("BIGINT", ["LONG", "INT64", "BIGSERIAL", "UINT32", "UINT", "UINTEGER"]),
        ("DECIMAL(20, 0)", ["UINT64", "UBIGINT", "ULONG"]),
        ("DECIMAL(38, 0)", ["HUGEINT", "INT128", "BIGINTEGER", "VARINT"]),
        ("DECIMAL(p, s), such as DECIMAL(18, 2); a whole number is BIGINT", ["NUMBER", "BIGDECIMAL", "BIGNUMERIC", "MONEY"]),
        ("FLOAT", ["FLOAT4", "FLOAT32"]),
        ("DOUBLE", ["FLOAT8", "FLOAT64"]),
        ("STRING", ["TEXT", "STR", "TINYTEXT", "MEDIUMTEXT", "LONGTEXT", "NTEXT", "NCHAR", "NVARCHAR", "VARCHAR2", "NVARCHAR2", "CLOB", "UTF8", "KEYWORD", "ENUM", "UUID", "GUID", "UNIQUEIDENTIFIER"]),
        ("STRING, which holds the JSON text of the value", ["JSON", "JSONB", "OBJECT", "STRUCT", "RECORD", "LIST"]),
        ("BYTES", ["BLOB", "BYTEA", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB", "BYTEARRAY", "IMAGE"]),
        ("TIMESTAMP(3), or TIMESTAMP_LTZ(3) for an instant", ["DATETIME", "DATETIME2", "DATETIME64", "SMALLDATETIME", "LOCALDATETIME", "TIMESTAMP_NTZ", "TIMESTAMPNTZ"]),
        ("TIMESTAMP_LTZ(3)", ["TIMESTAMPTZ", "TIMESTAMP_TZ", "TIMESTAMPLTZ", "DATETIMEOFFSET", "INSTANT", "ZONEDDATETIME"]),
        ("TIME", ["LOCALTIME", "TIMETZ"]),
        ("DATE", ["LOCALDATE", "DATE32"]),
    ];

    private static readonly FrozenDictionary<string, string> OursByForeign =
        Foreign.SelectMany(pair => pair.Theirs.Select(name => (name, pair.Ours))).ToFrozenDictionary(pair => pair.name, pair => pair.Ours, StringComparer.OrdinalIgnoreCase);

    /// <summary>The end of a message: what the name is called here, else the nearest type, else all of them.</summary>
    public static string Suggest(string name)
    {
        if (OursByForeign.TryGetValue(name, out var ours)) return $"; here it is {ours}.";
        var nearest = NearestName.Suggest(name.ToUpperInvariant(), Names);
        return nearest != "." ? nearest
            : ". The types are BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p, s), CHAR(n), VARCHAR(n), STRING, BINARY(n), VARBINARY(n), BYTES, DATE, TIME, TIMESTAMP(p), TIMESTAMP_LTZ(p).";
    }
}
