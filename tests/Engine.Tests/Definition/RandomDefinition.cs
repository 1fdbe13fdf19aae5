using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Matih.Engine.Tests.Definition;

/// <summary>
/// A definition with odd names, types, statements, partition entries and properties, and records for it. Many are wrong in
/// some way; what counts is that validation says so where a run could not use them.
/// </summary>
internal sealed class RandomDefinition
{
    private static readonly string[] Types =
        ["BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL(10, 2)", "DECIMAL(38, 38)", "DECIMAL(1)", "CHAR(3)", "VARCHAR(2)", "STRING", "BINARY(4)", "VARBINARY(3)", "BYTES",
            "DATE", "TIME", "TIME(3)", "TIMESTAMP(0)", "TIMESTAMP(3)", "TIMESTAMP(6)", "TIMESTAMP(9)", "TIMESTAMP_LTZ(3)", "TIMESTAMP_LTZ", "INT NOT NULL", "STRING NOT NULL", "ARRAY<INT>", "ROW<a INT>", "LONG"];

    private static readonly string[] HeldTypes = [.. Types.Where(type => !type.Contains('<', StringComparison.Ordinal) && type is not "LONG" && !type.EndsWith("NOT NULL", StringComparison.Ordinal)), "INT", "BIGINT", "STRING", "TIMESTAMP(3)", "DATE"];

    private static readonly string[] OddNames =
        ["a", "A", "b", "id", "ts", "ts_day", "date", "value", "key", "offset", "event_timestamp", "headers", "select", "null", "é", "日本語", "😀", "\ud83d", "a.b", "a..b", ".", "..", "a b", " ", "", "a`b", "a'b", "a\"b", "a/b", "a\\b",
            "../x", "%2F", "a=b", "1a", "_x", "$v", "@", "a-b", "a:b", "a#b", "a,b", "(a)", "{{ input }}", "${HOME}", "\t", "a\nb", "\0", "\u200b", "metadata", "data", "_matih", "matih.ledger", "EXPR$0", "con", new('x', 64), new('x', 100), new('x', 249), new('é', 255), new('x', 3000)];

    private static readonly string[] Transforms = ["{0}", "identity({0})", "year({0})", "month({0})", "day({0})", "hour({0})", "bucket(4, {0})", "bucket(1000000, {0})", "truncate(2, {0})", "truncate(1000000, {0})", "date"];

    private static readonly string[] Values =
        ["null", "true", "0", "-1", "7", "1e3", "1.5", "99999999999999999999", "\"\"", "\"x\"", "\"é/=%&\"", "\"12\"", "\"2024-02-29\"", "\"12:00:00\"", "\"2024-01-02 03:04:05\"", "\"2024-01-02 03:04:05.123456Z\"", "\"AAAA\"", "\"AAECAw==\"",
            "\"9999-12-31 23:59:59.999999\"", "\"0000-01-01\"", "[1]", "{\"a\":{\"b\":1}}"];

    private readonly Random _random;

    /// <summary>How often something odd is chosen: with everything odd nothing would be valid.</summary>
    private readonly double _oddity;

    /// <summary>The schema's fields, for records.</summary>
    private readonly List<string> _fields = [];

    /// <summary>What the next statement, or the sink, can name.</summary>
    private List<(string Name, string Type)> _columns = [];

    public RandomDefinition(Random random)
    {
        _random = random;
        _oddity = random.Next(3) switch { 0 => 0, 1 => 0.05, _ => 0.2 };
        Text = Write();
    }

    /// <summary>The YAML; its topic is shop.orders.</summary>
    public string Text { get; }

    /// <summary>A record's value: an object with some of the fields, or something else.</summary>
    public string Record()
    {
        if (OneIn(10)) return Pick(Values);
        var members = _fields.Where(_ => !OneIn(4)).Select(column => $"{JsonSerializer.Serialize(column)}: {Pick(Values)}");
        return $"{{{string.Join(", ", members)}}}";
    }

    private string Write()
    {
        var text = new StringBuilder();
        var format = OneIn(5) ? "raw" : "json";
        var schema = format == "json" && !OneIn(4) ? $", schema: [{Schema()}]" : "";
        if (schema.Length == 0) _columns = [("value", "STRING"), ("event_timestamp", "TIMESTAMP(3)")];
        text.Append(CultureInfo.InvariantCulture, $"metadata: {{ name: {Name("p")} }}\nsources:\n  src:\n    {{ type: kafka, connection: \"localhost:9092\", topic: shop.orders, consumer_group: g, format: {format}, on_error: skip{schema} }}\n");
        var stepCount = _random.Next(3);
        if (stepCount > 0) text.Append("transformations:\n");
        for (var i = 0; i < stepCount; i++)
            text.Append(CultureInfo.InvariantCulture, $"  - {{ name: t{i}, type: sql_transform, input: {(i == 0 ? "src" : $"t{i - 1}")}, sql: {Quote(Statement(isFirst: i == 0))} }}\n");
        text.Append("sinks:\n");
        var sinkCount = OneIn(6) ? 2 : 1;
        for (var i = 0; i < sinkCount; i++)
            text.Append(CultureInfo.InvariantCulture, $"  {Name(i == 0 ? "lake" : "pond")}: {{ type: iceberg, table: {Table()}, input: {(stepCount == 0 ? "src" : $"t{stepCount - 1}")}{Partitions()}{Properties()} }}\n");
        text.Append(CultureInfo.InvariantCulture, $"orchestration: {{ checkpoint_interval: 50ms, parallelism: {Pick(["1", "2", "1024"])}, memory: {Pick(["32MiB", "512MiB"])}, max_retries: 0 }}\n");
        return text.ToString();
    }

    private string Schema()
    {
        var columns = Enumerable.Range(0, _random.Next(1, 6)).Select(_ => IsOdd() ? Pick(OddNames) : Pick(["a", "b", "id", "ts", "ts_day", "n", "s", "Größe", "a b", "x.y", "date"])).ToList();
        if (!IsOdd()) columns = [.. columns.Distinct()];
        _fields.AddRange(columns);
        _columns = [.. columns.Select(column => (column, Pick(IsOdd() ? Types : HeldTypes)))];
        return string.Join(", ", _columns.Select(column => $"{{ name: {Quote(column.Name)}, type: {Quote(column.Type)} }}"));
    }

    private string Statement(bool isFirst)
    {
        if (OneIn(4)) return "SELECT * FROM {{ input }}";
        var items = Enumerable.Range(0, _random.Next(1, 5)).Select(number => Item(number, isFirst)).DistinctBy(item => item.Name).ToArray();
        var filter = OneIn(4) ? " WHERE " + Pick([Backtick(Pick(_columns).Name) + " IS NOT NULL", "1 = 2", "TRUE"]) : "";
        _columns = [.. items.Select(item => (item.Name, item.Type))];
        return $"SELECT {string.Join(", ", items.Select(item => item.Text))} FROM {{{{ input }}}}{filter}";
    }

    private (string Text, string Name, string Type) Item(int number, bool isFirst)
    {
        var column = Pick(_columns);
        var type = Pick(IsOdd() ? Types : HeldTypes);
        var (expression, result) = _random.Next(8) switch
        {
            0 when IsOdd() => ($"CAST({Backtick(column.Name)} AS {type})", type),
            0 or 1 => ($"TRY_CAST(TRY_CAST({Backtick(column.Name)} AS STRING) AS {type})", type),
            2 when isFirst => Pick([("JSON_VALUE(`value`, '$.a')", "STRING"), ("`offset`", "BIGINT"), ("`partition`", "INT"), ("`key`", "STRING"), ("headers['h']", "BYTES"), ("`timestamp`", "TIMESTAMP_LTZ(3)")]),
            3 => Pick([("1", "INT"), ("CAST(NULL AS INT)", "INT"), ("'x'", "STRING"), ("CURRENT_TIMESTAMP", "TIMESTAMP_LTZ(3)"), ("DATE '2024-01-01'", "DATE"), ("1.5", "DECIMAL(2, 1)"), ("1e0", "DOUBLE"), ("X'0a'", "BYTES")]),
            4 when IsOdd() => Pick([("NULL", "INT"), ("INTERVAL '1' DAY", "INT"), ("1 / 0", "INT"), ("`nowhere`", "INT")]),
            _ => (Backtick(column.Name), column.Type),
        };
        if (expression == Backtick(column.Name) ? OneIn(2) : IsOdd()) return (expression, column.Name, result);
        var alias = IsOdd() ? Pick(OddNames) : Pick([$"c{number}", $"C {number}", $"ä{number}", $"x.{number}", $"select{number}"]);
        return ($"{expression} AS {Backtick(alias)}", alias, result);
    }

    private string Partitions()
    {
        if (OneIn(2)) return "";
        var entries = Enumerable.Range(0, _random.Next(1, 3)).Select(number =>
        {
            var (name, type) = IsOdd() ? (Pick(OddNames), "STRING") : Pick(_columns);
            var transform = IsOdd() ? Pick(Transforms) : type.Split('(', ' ')[0] switch
            {
                "DATE" => Pick(["{0}", "year({0})", "month({0})", "day({0})"]),
                "TIMESTAMP" or "TIMESTAMP_LTZ" => Pick(["{0}", "year({0})", "month({0})", "day({0})", "hour({0})", "bucket(3, {0})"]),
                "BOOLEAN" or "FLOAT" or "DOUBLE" => "{0}",
                "TIME" or "BINARY" => Pick(["{0}", "bucket(3, {0})"]),
                _ => Pick(["{0}", "bucket(3, {0})", "bucket(1000000, {0})", "truncate(1, {0})", "truncate(1000000, {0})"]),
            };
            return string.Format(CultureInfo.InvariantCulture, transform, name) + (IsOdd() ? " AS " + Pick(["p", "ts_day", "a", "partition"]) : transform == "{0}" ? "" : OneIn(2) ? $" AS p{number}{new string('p', _random.Next(90))}" : "");
        });
        return $", partition_by: [{string.Join(", ", entries.Select(Quote))}]";
    }

    private string Properties()
    {
        if (!OneIn(3)) return "";
        var pairs = Enumerable.Range(0, _random.Next(1, 4)).Select(_ => IsOdd()
            ? (Pick(ValidationCoversRunTests.PropertyNames), Pick(ValidationCoversRunTests.Values))
            : Pick([("write.parquet.compression-codec", "gzip"), ("write.parquet.page-size-bytes", "1"), ("write.parquet.row-group-size-bytes", "1"), ("write.parquet.dict-size-bytes", "0"), ("write.target-file-size-bytes", "1"),
                ("commit.manifest.min-count-to-merge", "0"), ("commit.manifest.target-size-bytes", "1"), ("commit.retry.num-retries", "20"), ("write.object-storage.enabled", "true"), ("write.object-storage.partitioned-paths", "false"),
                ("write.metadata.metrics.default", "full"), ("write.metadata.previous-versions-max", "0"), ("write.metadata.metrics.column." + Pick(_columns).Name, "truncate(1)"), ("owner", "é"), ("format-version", "2")]));
        return $", properties: {{ {string.Join(", ", pairs.DistinctBy(pair => pair.Item1).Select(pair => $"{Quote(pair.Item1)}: {Quote(pair.Item2)}"))} }}";
    }

    private string Table() => IsOdd() ? Quote($"{Pick(OddNames)}.{Pick(OddNames)}") : Pick(["shop.orders", "db.t", "db.t.data", "db.t.metadata", "db.metadata", "a.b.c.d", "DB.T", "_matih.t", "0.0"]);

    private string Name(string usual) => IsOdd() ? Quote(Pick(OddNames)) : usual;

    private bool IsOdd() => _random.NextDouble() < _oddity;

    private static string Backtick(string name) => $"`{name.Replace("`", "``", StringComparison.Ordinal)}`";

    /// <summary>A double-quoted scalar of YAML, whose escapes are those of JSON.</summary>
    private static string Quote(string text) => $"\"{string.Concat(text.Select(c => c is '"' or '\\' || char.IsControl(c) || char.IsSurrogate(c) ? string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}") : c.ToString()))}\"";

    private bool OneIn(int count) => _random.Next(count) == 0;

    private T Pick<T>(IReadOnlyList<T> choices) => choices[_random.Next(choices.Count)];
}
