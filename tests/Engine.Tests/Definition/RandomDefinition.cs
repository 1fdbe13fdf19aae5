using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Matih.Engine.Tests.Definition;

/// <summary>
/// A definition of odd names, types, statements, partition entries and properties, and records for it. Most are wrong in
/// some way; what counts is that validation says so where a run could not use them.
/// </summary>
internal sealed class RandomDefinition
{
    private static readonly string[] Types =
        ["BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL(10, 2)", "DECIMAL(38, 38)", "DECIMAL(1)", "CHAR(3)", "VARCHAR(2)", "STRING", "BINARY(4)", "VARBINARY(3)", "BYTES",
            "DATE", "TIME", "TIME(3)", "TIMESTAMP(0)", "TIMESTAMP(3)", "TIMESTAMP(6)", "TIMESTAMP(9)", "TIMESTAMP_LTZ(3)", "TIMESTAMP_LTZ", "INT NOT NULL", "STRING NOT NULL", "ARRAY<INT>", "ROW<a INT>", "LONG"];

    private static readonly string[] OddNames =
        ["a", "A", "b", "id", "ts", "ts_day", "date", "value", "key", "offset", "event_timestamp", "headers", "select", "null", "é", "日本語", "😀", "\ud83d", "a.b", "a..b", ".", "..", "a b", " ", "", "a`b", "a'b", "a\"b", "a/b", "a\\b",
            "../x", "%2F", "a=b", "1a", "_x", "$v", "@", "a-b", "a:b", "a#b", "a,b", "(a)", "{{ input }}", "${HOME}", "\t", "a\nb", "\0", "\u200b", "metadata", "data", "_matih", "matih.ledger", "EXPR$0", "con", new('x', 64), new('x', 100), new('x', 249), new('é', 255), new('x', 3000)];

    private static readonly string[] Transforms = ["{0}", "identity({0})", "year({0})", "month({0})", "day({0})", "hour({0})", "bucket(4, {0})", "bucket(1000000, {0})", "truncate(2, {0})", "truncate(1000000, {0})", "date"];

    private static readonly string[] Values =
        ["null", "true", "0", "-1", "7", "1e3", "1.5", "99999999999999999999", "\"\"", "\"x\"", "\"é/=%&\"", "\"12\"", "\"2024-02-29\"", "\"12:00:00\"", "\"2024-01-02 03:04:05\"", "\"2024-01-02 03:04:05.123456Z\"", "\"AAAA\"", "\"AAECAw==\"",
            "\"9999-12-31 23:59:59.999999\"", "\"0000-01-01\"", "[1]", "{\"a\":{\"b\":1}}"];

    private readonly Random _random;
    private readonly List<string> _columns = [];

    public RandomDefinition(Random random)
    {
        _random = random;
        Text = Write();
    }

    /// <summary>The YAML; its topic is shop.orders.</summary>
    public string Text { get; }

    /// <summary>A record's value: an object with some of the columns, or something else.</summary>
    public string Record()
    {
        if (OneIn(10)) return Pick(Values);
        var members = _columns.Where(_ => !OneIn(4)).Select(column => $"{JsonSerializer.Serialize(column)}: {Pick(Values)}");
        return $"{{{string.Join(", ", members)}}}";
    }

    private string Write()
    {
        var text = new StringBuilder();
        var format = OneIn(5) ? "raw" : "json";
        text.Append(CultureInfo.InvariantCulture, $"metadata: {{ name: {Name("p")} }}\nsources:\n  src:\n    {{ type: kafka, connection: \"localhost:9092\", topic: shop.orders, consumer_group: g, format: {format}, on_error: skip");
        if (format == "json" && !OneIn(4)) text.Append(CultureInfo.InvariantCulture, $", schema: [{Schema()}]");
        text.Append(" }\n");
        var stepCount = _random.Next(3);
        if (stepCount > 0) text.Append("transformations:\n");
        for (var i = 0; i < stepCount; i++) text.Append(CultureInfo.InvariantCulture, $"  - {{ name: t{i}, type: sql_transform, sql: {Quote(Statement())} }}\n");
        text.Append("sinks:\n");
        var sinkCount = OneIn(6) ? 2 : 1;
        for (var i = 0; i < sinkCount; i++)
            text.Append(CultureInfo.InvariantCulture, $"  {Name(i == 0 ? "lake" : "pond")}: {{ type: iceberg, table: {Table()}{(stepCount == 0 ? ", input: src" : $", input: t{stepCount - 1}")}{Partitions()}{Properties()} }}\n");
        text.Append(CultureInfo.InvariantCulture, $"orchestration: {{ checkpoint_interval: 50ms, parallelism: {Pick(["1", "2", "1024"])}, memory: {Pick(["32MiB", "512MiB"])}, max_retries: 0 }}\n");
        return text.ToString();
    }

    private string Schema()
    {
        var columns = Enumerable.Range(0, _random.Next(1, 6)).Select(_ => OneIn(3) ? Pick(OddNames) : Pick(["a", "b", "id", "ts", "ts_day", "n", "s"])).ToList();
        if (!OneIn(8)) columns = [.. columns.Distinct()];
        _columns.AddRange(columns);
        return string.Join(", ", columns.Select(column => $"{{ name: {Quote(column)}, type: {Quote(Pick(OneIn(8) ? Types : Types[..25]))} }}"));
    }

    private string Statement()
    {
        if (OneIn(4)) return "SELECT * FROM {{ input }}";
        var items = Enumerable.Range(0, _random.Next(1, 5)).Select(_ => Item()).ToArray();
        var aliases = items.Select(item => item.Alias).OfType<string>();
        _columns.AddRange(aliases);
        return $"SELECT {string.Join(", ", items.Select(item => item.Text))} FROM {{{{ input }}}}{(OneIn(4) ? " WHERE " + Pick(["TRUE", "1 = 2", "`offset` >= 0", "`a` IS NOT NULL"]) : "")}";
    }

    private (string Text, string? Alias) Item()
    {
        var column = Backtick(_columns.Count == 0 || OneIn(6) ? Pick(["value", "key", "offset", "partition", "timestamp", "event_timestamp"]) : Pick(_columns));
        var expression = _random.Next(8) switch
        {
            0 => $"CAST({column} AS {Pick(Types)})",
            1 => $"TRY_CAST({column} AS {Pick(Types)})",
            2 => "JSON_VALUE(`value`, '$.a')",
            3 => Pick(["1", "CAST(NULL AS INT)", "'x'", "NULL", "CURRENT_TIMESTAMP", "DATE '2024-01-01'", "1.5", "1e0", "X'0a'", "INTERVAL '1' DAY", "headers['h']"]),
            _ => column,
        };
        if (OneIn(expression == column ? 2 : 6)) return (expression, null);
        var alias = OneIn(2) ? Pick(OddNames) : Pick(["a", "b", "id", "ts", "n", "s", "c1", "c2", "c3"]);
        return ($"{expression} AS {Backtick(alias)}", alias);
    }

    private string Partitions()
    {
        if (OneIn(2)) return "";
        var entries = Enumerable.Range(0, _random.Next(1, 4)).Select(_ =>
        {
            var column = _columns.Count == 0 || OneIn(8) ? Pick(OddNames) : Pick(_columns);
            return string.Format(CultureInfo.InvariantCulture, Pick(Transforms), column) + (OneIn(4) ? " AS " + Pick(["p", "ts_day", "a", "partition", new('p', 100)]) : "");
        });
        return $", partition_by: [{string.Join(", ", entries.Select(Quote))}]";
    }

    private string Properties()
    {
        if (!OneIn(3)) return "";
        var names = Enumerable.Range(0, _random.Next(1, 4)).Select(_ => OneIn(6) ? "write.metadata.metrics.column." + (_columns.Count == 0 ? "a" : Pick(_columns)) : Pick(ValidationCoversRunTests.PropertyNames)).Distinct();
        return $", properties: {{ {string.Join(", ", names.Select(name => $"{Quote(name)}: {Quote(Pick(OneIn(2) ? ValidationCoversRunTests.Values : ["1", "100000", "true", "false", "zstd", "gzip"]))}"))} }}";
    }

    private string Table() => OneIn(3) ? Quote($"{Pick(OddNames)}.{Pick(OddNames)}") : Pick(["shop.orders", "db.t", "db.t.data", "db.t.metadata", "db.metadata", "a.b.c.d", "DB.T"]);

    private string Name(string usual) => OneIn(6) ? Quote(Pick(OddNames)) : usual;

    private static string Backtick(string name) => $"`{name.Replace("`", "``", StringComparison.Ordinal)}`";

    /// <summary>A double-quoted scalar of YAML, whose escapes are those of JSON.</summary>
    private static string Quote(string text) => $"\"{string.Concat(text.Select(c => c is '"' or '\\' || char.IsControl(c) || char.IsSurrogate(c) ? string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}") : c.ToString()))}\"";

    private bool OneIn(int count) => _random.Next(count) == 0;

    private string Pick(IReadOnlyList<string> choices) => choices[_random.Next(choices.Count)];
}
