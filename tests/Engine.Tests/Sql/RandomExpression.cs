namespace Matih.Engine.Tests.Sql;

/// <summary>Random expressions over a INT, b INT, s STRING, with parts that fail for some rows.</summary>
internal static class RandomExpression
{
    public static string Of(Random random, int depth) => random.Next(2) == 0 ? Number(random, depth) : Text(random, depth);

    public static string[] Row(Random random) =>
    [
        random.Next(5) == 0 ? "null" : random.Next(-2, 4).ToString(),
        random.Next(5) == 0 ? "null" : random.Next(-2, 4).ToString(),
        random.Next(5) == 0 ? "null" : random.Next(4) switch { 0 => "\"\"", 1 => "\"7\"", 2 => "\"ab\"", _ => "\"{\\\"k\\\":1}\"" },
    ];

    private static string Number(Random random, int depth) => depth == 0 ? random.Next(4) switch { 0 => "a", 1 => "b", 2 => "0", _ => "3" } : random.Next(12) switch
    {
        8 => $"ARRAY[{Number(random, depth - 1)}, {Number(random, depth - 1)}][a]",
        9 => $"CARDINALITY(ARRAY_DISTINCT(ARRAY[{Number(random, depth - 1)}, {Number(random, depth - 1)}, 1]))",
        10 => $"CAST(ROW({Number(random, depth - 1)}, {Text(random, depth - 1)}) AS ROW<x INT, y STRING>).x",
        11 => $"MAP[{Text(random, depth - 1)}, {Number(random, depth - 1)}, 'x', 1][{Text(random, depth - 1)}]",
        0 => $"({Number(random, depth - 1)} + {Number(random, depth - 1)})",
        1 => $"({Number(random, depth - 1)} / {Number(random, depth - 1)})",
        2 => $"CASE WHEN {Condition(random, depth - 1)} THEN {Number(random, depth - 1)} WHEN {Condition(random, depth - 1)} THEN {Number(random, depth - 1)} ELSE {Number(random, depth - 1)} END",
        3 => $"COALESCE({Number(random, depth - 1)}, {Number(random, depth - 1)})",
        4 => $"CAST({Text(random, depth - 1)} AS INT)",
        5 => $"CHAR_LENGTH({Text(random, depth - 1)})",
        6 => $"NULLIF({Number(random, depth - 1)}, {Number(random, depth - 1)})",
        _ => Number(random, 0),
    };

    private static string Text(Random random, int depth) => depth == 0 ? random.Next(3) switch { 0 => "s", 1 => "'x'", _ => "'5'" } : random.Next(8) switch
    {
        6 => $"CAST(CASE WHEN {Condition(random, depth - 1)} THEN ARRAY[{Text(random, depth - 1)}] ELSE ARRAY[s, 'y'] END AS STRING)",
        7 => $"CAST(CAST(ARRAY[{Text(random, depth - 1)}, '5'] AS ARRAY<INT>) AS STRING)",
        0 => $"({Text(random, depth - 1)} || {Text(random, depth - 1)})",
        1 => $"CAST({Number(random, depth - 1)} AS STRING)",
        2 => $"IF({Condition(random, depth - 1)}, {Text(random, depth - 1)}, {Text(random, depth - 1)})",
        3 => $"JSON_VALUE({Text(random, depth - 1)}, 'lax $.k' DEFAULT 'd' ON EMPTY)",
        4 => $"JSON_VALUE(s, '$.k' ERROR ON ERROR)",
        _ => Text(random, 0),
    };

    public static string Condition(Random random, int depth) => depth == 0 ? random.Next(4) switch { 0 => "a > 0", 1 => "b = a", 2 => "s IS NULL", _ => "TRUE" } : random.Next(7) switch
    {
        0 => $"({Condition(random, depth - 1)} AND {Condition(random, depth - 1)} AND {Condition(random, depth - 1)})",
        1 => $"({Condition(random, depth - 1)} OR {Condition(random, depth - 1)})",
        2 => $"NOT {Condition(random, depth - 1)}",
        3 => $"({Number(random, depth - 1)} < {Number(random, depth - 1)})",
        4 => $"({Text(random, depth - 1)} = {Text(random, depth - 1)})",
        5 => $"({Number(random, depth - 1)} IN (1, {Number(random, depth - 1)}, 3))",
        _ => Condition(random, 0),
    };
}
