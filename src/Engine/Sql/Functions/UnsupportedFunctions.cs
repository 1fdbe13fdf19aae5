using System.Collections.Frozen;

namespace Matih.Sql.Functions;

/// <summary>Functions that Flink has and this engine has not: refused with the advice to run on Flink, where a misspelling gets a suggestion.</summary>
/// <remarks>Source: Apache Flink 1.20, "System (Built-in) Functions".</remarks>
internal static class UnsupportedFunctions
{
    private static readonly FrozenSet<string> Known = FrozenSet.ToFrozenSet(
    [
        "APPROX_COUNT_DISTINCT", "ARRAY_AGG", 
        
        "ATAN2", "AVG", "BTRIM", "COLLECT", "COSH", "COT", "COUNT", "CUME_DIST", "CUMULATE",
        "CURRENT_DATABASE", "CURRENT_ROW_TIMESTAMP", "CURRENT_TIME", "CURRENT_WATERMARK", "DECODE", "DENSE_RANK", "ELT", "ENCODE", "ENDSWITH",
        "FIRST_VALUE", "FLATTEN", "HOP", "IS_ALPHA", "IS_DECIMAL", "IS_DIGIT", "JSON_QUOTE", "JSON_UNQUOTE", "LAG", "LAST_VALUE", "LEAD",
        "LOCALTIME", "MAX", "MIN", "NTILE", "OCTET_LENGTH", "PARSE_URL",
        "PERCENTILE", "PERCENT_RANK", "PRINTF", "PROCTIME", "RAND", "RAND_INTEGER", "RANK", "REGEXP_COUNT", "REGEXP_INSTR",
        "REGEXP_SUBSTR", "ROW_NUMBER", "SESSION", "SHA224", "SINH", "STARTSWITH", "STDDEV", "STDDEV_POP", "STDDEV_SAMP", 
        "SUM", "SUM0", "TANH", "TRANSLATE", "TRY_CAST", "TUMBLE", "UNHEX", "URL_DECODE", "URL_ENCODE", "UUID", "VARIANCE", "VAR_POP", "VAR_SAMP",
        "HOP_END", "HOP_START", "SESSION_END", "SESSION_START", "TUMBLE_END", "TUMBLE_START", "TUMBLE_ROWTIME", "HOP_ROWTIME", "SESSION_ROWTIME",
    ], StringComparer.OrdinalIgnoreCase);

    public static bool Knows(string name) => Known.Contains(name);
}
