using System.Collections.Frozen;

namespace Matih.Sql.Syntax;

/// <summary>
/// Words that cannot be a name without backticks. Flink reserves many more (VALUE, TIMESTAMP, OFFSET, …); those name
/// columns here as well, because nothing else can be meant where an operand stands.
/// </summary>
internal static class Keywords
{
    private static readonly FrozenSet<string> Reserved = FrozenSet.ToFrozenSet(
    [
        "ALL", "AND", "ANY", "ARRAY", "AS", "BETWEEN", "BOTH", "BY", "CASE", "CAST", "CROSS", "DISTINCT", "ELSE", "END", "ESCAPE", "EXCEPT",
        "EXISTS", "FALSE", "FETCH", "FOR", "FROM", "FULL", "GROUP", "HAVING", "IN", "INNER", "INSERT", "INTERSECT", "INTERVAL", "INTO", "IS",
        "JOIN", "LATERAL", "LEADING", "LEFT", "LIKE", "LIMIT", "MATCH_RECOGNIZE", "MINUS", "MULTISET", "NATURAL", "NOT", "NULL", "ON", "OR",
        "ORDER", "OUTER", "OVER", "QUALIFY", "RIGHT", "SELECT", "SIMILAR", "SOME", "SYMMETRIC", "TABLE", "TABLESAMPLE", "THEN",
        "TRAILING", "TRUE", "UNION", "UNKNOWN", "UNNEST", "USING", "WHEN", "WHERE", "WINDOW", "WITH",
    ], StringComparer.OrdinalIgnoreCase);

    public static bool IsReserved(string word) => Reserved.Contains(word);

    /// <summary>Functions that are called without parentheses.</summary>
    public static readonly FrozenSet<string> NiladicFunctions = FrozenSet.ToFrozenSet(
        ["CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP"], StringComparer.OrdinalIgnoreCase);

    public static readonly FrozenSet<string> TimeUnits = FrozenSet.ToFrozenSet(
    [
        "YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND", "NANOSECOND", "DOW", "ISODOW", "DOY",
        "ISOYEAR", "EPOCH", "DECADE", "CENTURY", "MILLENNIUM", "FRAC_SECOND", "SQL_TSI_YEAR", "SQL_TSI_QUARTER", "SQL_TSI_MONTH", "SQL_TSI_WEEK",
        "SQL_TSI_DAY", "SQL_TSI_HOUR", "SQL_TSI_MINUTE", "SQL_TSI_SECOND",
    ], StringComparer.OrdinalIgnoreCase);
}
