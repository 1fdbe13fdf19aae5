using System.Collections.Frozen;

namespace Matih.Sql.Functions;

/// <summary>Functions that Flink has and this engine has not: refused with the advice to run on Flink, where a misspelling gets a suggestion.</summary>
/// <remarks>Source: Apache Flink 1.20, "System (Built-in) Functions".</remarks>
internal static class UnsupportedFunctions
{
    private static readonly FrozenSet<string> Known = FrozenSet.ToFrozenSet(
    [
        "APPROX_COUNT_DISTINCT", "ARRAY_AGG", "AVG", "COLLECT", "COUNT", "CUME_DIST", "CUMULATE", "CURRENT_DATABASE", "CURRENT_ROW_TIMESTAMP",
        "CURRENT_WATERMARK", "DENSE_RANK", "FIRST_VALUE", "FLATTEN", "HOP", "HOP_END", "HOP_ROWTIME", "HOP_START", "LAG", "LAST_VALUE", "LEAD",
        "MAX", "MIN", "NTILE", "PERCENTILE", "PERCENT_RANK", "PROCTIME", "RANK", "ROW_NUMBER", "SESSION", "SESSION_END", "SESSION_ROWTIME",
        "SESSION_START", "STDDEV", "STDDEV_POP", "STDDEV_SAMP", "SUM", "SUM0", "TRY_CAST", "TUMBLE", "TUMBLE_END", "TUMBLE_ROWTIME", "TUMBLE_START",
        "VARIANCE", "VAR_POP", "VAR_SAMP",
    ], StringComparer.OrdinalIgnoreCase);

    public static bool Knows(string name) => Known.Contains(name);

    private static readonly FrozenSet<string> Later = FrozenSet.ToFrozenSet(
    [
        "BTRIM", "ELT", "ENDSWITH", "JSON_QUOTE", "JSON_UNQUOTE", "OCTET_LENGTH", "PRINTF", "REGEXP_COUNT", "REGEXP_INSTR", "REGEXP_SUBSTR",
        "STARTSWITH", "TRANSLATE", "UNHEX", "URL_DECODE", "URL_ENCODE",
    ], StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether Flink has it from version 2.0 on.</summary>
    public static bool IsLater(string name) => Later.Contains(name);

    /// <summary>Why no pipeline can have the function; null for all others.</summary>
    public static string? WhyNeverRun(string name) => name.ToUpperInvariant() is "RAND" or "RAND_INTEGER" or "UUID"
        ? "it gives other values each time, and a replay must give the same rows; take a hash of what identifies the record, such as MD5 of topic, partition and offset"
        : null;
}
