using System.Globalization;
using System.Text;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Flink;

/// <summary>
/// A source with its records, up to two statements over it, and one or two sinks, all drawn by a seed: the same seed gives the same. Several
/// of them stand in one definition, as parts of which no name occurs twice.
/// </summary>
internal sealed class RandomFlinkPipeline
{
    private readonly Random _random;
    private readonly RandomRecords _values;
    private readonly List<(string Name, string Type, bool IsRequired)> _schema = [];
    private readonly List<string> _tables = [];
    private readonly bool _isTyped;
    private readonly bool _isRawFormat;
    private readonly bool _skips;
    private readonly bool _isIso;

    public RandomFlinkPipeline(int seed)
    {
        Seed = seed;
        _random = new Random(seed);
        _values = new RandomRecords(_random);
        var form = _random.Next(10);
        _isTyped = form < 5;
        _isRawFormat = form == 9;
        _skips = _random.Next(2) == 0;
        _isIso = _isTyped && _random.Next(3) == 0;
        Partitions = _random.Next(1, 5);
        if (_isTyped) DrawSchema();
        Source = WriteSource();
        (Transformations, Sinks) = WriteSteps();
        Records = DrawRecords();
    }

    public int Seed { get; }

    public int Partitions { get; }

    /// <summary>The topic's name behind the group's.</summary>
    public string TopicSuffix => Seed.ToString(CultureInfo.InvariantCulture);

    /// <summary>Entries of <c>sources:</c>, <c>transformations:</c> and <c>sinks:</c>, with their indentation.</summary>
    public string Source { get; }
    public string Transformations { get; }
    public string Sinks { get; }

    public IReadOnlyList<string> Tables => _tables;

    public IReadOnlyList<KafkaRecord> Records { get; }

    private void DrawSchema()
    {
        _schema.Add(("c0", "STRING", false));
        _schema.Add(("größe", _random.Next(2) == 0 ? "BIGINT" : "INT", OneIn(4) && !_skips));
        foreach (var number in Enumerable.Range(2, _random.Next(1, 7)))
            _schema.Add(($"c{number}", Pick(RandomRecords.Types).Type, OneIn(8) && !_skips));
    }

    private string WriteSource()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"  s{Seed}:\n    type: kafka\n    connection: ${{BROKER}}\n    topic: \"${{TOPIC}}.{TopicSuffix}\"\n    consumer_group: random-{Seed}\n    format: {(_isRawFormat ? "raw" : "json")}\n    on_error: {(_skips ? "skip" : "fail")}\n");
        if (!_isTyped) return text.ToString();
        text.Append(CultureInfo.InvariantCulture, $"    schema: \"{string.Join(", ", _schema.Select(column => $"`{column.Name}` {column.Type}{(column.IsRequired ? " NOT NULL" : "")}"))}\"\n");
        text.Append(CultureInfo.InvariantCulture, $"    json: {{ ignore_parse_errors: {(_skips ? "true" : "false")}, timestamp_format: {(_isIso ? "iso-8601" : "sql")} }}\n");
        return text.ToString();
    }

    private (string Transformations, string Sinks) WriteSteps()
    {
        var input = $"s{Seed}";
        var stepCount = _random.Next(20) switch { 0 => 0, < 12 => 1, _ => 2 };
        var text = new StringBuilder();
        var columns = Plain();
        var outputs = new List<(string Input, IReadOnlyList<SqlOperand> Columns)> { (input, columns) };
        for (var step = 0; step < stepCount; step++)
        {
            var hasStar = step == 1 && OneIn(4);
            var operands = step == 0 ? [.. columns, .. Metadata()] : columns;
            var sql = new RandomSql(_random, operands);
            var items = hasStar ? [] : Items(sql, operands);
            var filter = OneIn(3) ? "" : $" WHERE {sql.Of(SqlKind.Bool, _random.Next(1, 4))}";
            text.Append(CultureInfo.InvariantCulture, $"  - name: t{Seed}_{step}\n    type: sql_transform\n    input: {input}\n    sql: |\n      SELECT {(hasStar ? "*" : string.Join(",\n        ", items.Select(item => item.Text)))}\n      FROM {{{{ input }}}}{filter}\n");
            if (!hasStar) columns = [.. items.Select(item => item.Column)];
            input = $"t{Seed}_{step}";
            outputs.Add((input, columns));
        }
        var sinks = new StringBuilder();
        WriteSink(sinks, outputs[^1]);
        if (outputs.Count > 2 && OneIn(3)) WriteSink(sinks, outputs[^2]);
        return (text.ToString(), sinks.ToString());
    }

    private List<(string Text, SqlOperand Column)> Items(RandomSql sql, IReadOnlyList<SqlOperand> operands)
    {
        // A text and a number are there for whatever comes next.
        List<SqlKind> kinds = [SqlKind.Text, SqlKind.Long, .. Enumerable.Range(0, _random.Next(0, 6)).Select(_ => (SqlKind)_random.Next((int)SqlKind.Other + 1))];
        return [.. kinds.Select((kind, number) =>
        {
            var name = $"`{(number == 1 ? "o größe" : $"o{number}")}`";
            var others = operands.Where(operand => operand.Kind == SqlKind.Other).ToList();
            var expression = kind != SqlKind.Other ? sql.Of(kind, _random.Next(0, 4)) : others.Count == 0 || OneIn(3) ? sql.Returned() : Pick(others).Sql;
            return ($"{expression} AS {name}", new SqlOperand(name, kind));
        })];
    }

    private void WriteSink(StringBuilder text, (string Input, IReadOnlyList<SqlOperand> Columns) output)
    {
        var name = $"k{Seed}_{_tables.Count}";
        var table = $"lake.{name}";
        _tables.Add(table);
        text.Append(CultureInfo.InvariantCulture, $"  {name}: {{ type: iceberg, table: {table}, mode: append, input: {output.Input}{Partitioning(output.Columns)} }}\n");
    }

    private string Partitioning(IReadOnlyList<SqlOperand> columns)
    {
        if (OneIn(2)) return "";
        var column = Pick(columns);
        var transform = column.Kind switch
        {
            SqlKind.Text => Pick(["bucket(3, {0})", "truncate(1, {0})", "truncate(20, {0})"]),
            SqlKind.Int or SqlKind.Long => Pick(["{0}", "bucket(4, {0})", "truncate(50, {0})"]),
            SqlKind.Decimal => Pick(["bucket(4, {0})", "truncate(50, {0})"]),
            SqlKind.Timestamp or SqlKind.Instant => Pick(["year({0})", "month({0})", "day({0})"]),
            SqlKind.Date => Pick(["{0}", "year({0})", "month({0})"]),
            SqlKind.Bool => "{0}",
            _ => null,
        };
        return transform is null ? "" : $", partition_by: ['{string.Format(CultureInfo.InvariantCulture, transform, column.Sql.Trim('`'))}']";
    }

    /// <summary>What the source gives without a statement.</summary>
    private IReadOnlyList<SqlOperand> Plain() => _isTyped
        ? [.. _schema.Select(column => new SqlOperand($"`{column.Name}`", RandomRecords.Types.First(entry => entry.Type == column.Type).Kind))]
        : [new("`value`", SqlKind.Text), new("`event_timestamp`", SqlKind.Timestamp)];

    private IEnumerable<SqlOperand> Metadata()
    {
        if (!_isTyped && !_isRawFormat) foreach (var operand in _values.DocumentOperands()) yield return operand;
        if (OneIn(3)) yield return new("`offset`", SqlKind.Long);
        if (OneIn(3)) yield return new("`partition`", SqlKind.Int);
        if (OneIn(3)) yield return new("`key`", SqlKind.Text);
        if (OneIn(3)) yield return new("`timestamp`", SqlKind.Instant);
        if (OneIn(4)) yield return new("`timestamp_type`", SqlKind.Text);
        if (OneIn(4)) yield return new("headers['h']", SqlKind.Other);
        if (_isTyped && OneIn(3)) yield return new("`event_timestamp`", SqlKind.Timestamp);
    }

    private IReadOnlyList<KafkaRecord> DrawRecords() => [.. Enumerable.Range(0, OneIn(4) ? _random.Next(1, 5) : _random.Next(1, 401)).Select(_ => _values.Record(Value(), Partitions))];

    /// <summary>A record's value; null is a tombstone.</summary>
    private string? Value()
    {
        if (OneIn(25)) return OneIn(2) ? null : "";
        if (_isRawFormat) return _values.Text();
        if (_skips && OneIn(15)) return _values.NoDocument();
        return _isTyped ? Typed() : _values.Document();
    }

    private string Typed()
    {
        var members = new List<string>();
        foreach (var (name, type, isRequired) in _schema)
        {
            if (!isRequired && OneIn(8)) continue;
            var value = !isRequired && OneIn(8) ? "null" : _skips && OneIn(6) ? _values.Wrong(type) : _values.Value(type, _isIso);
            members.Add($"\"{name}\":{value}");
        }
        if (OneIn(5)) members.Insert(_random.Next(members.Count + 1), $"\"more\":{_values.Document()}");
        return _values.Joined(members);
    }

    private bool OneIn(int count) => _random.Next(count) == 0;

    private T Pick<T>(IReadOnlyList<T> choices) => choices[_random.Next(choices.Count)];
}
