using System.Text;
using Matih.Definition;

namespace Matih.Engine.Tests.Definition;

/// <summary>An error in a statement is shown where the statement's text stands in the file.</summary>
public sealed class SqlTextTests
{
    private const string Head =
        """
        metadata: { name: p }
        sources:
          clicks: { type: kafka, connection: "b:9092", topic: t, consumer_group: g, format: json }
        sinks:
          lake: { type: iceberg, table: a.t }
        transformations:
          - name: step
            type: sql_transform

        """;

    private static SqlText Sql(string text, params (string, string)[] environment) =>
        Samples.Valid(text, Samples.Inputs(environment)).Transformations[0].Sql;

    [Fact]
    public void In_a_literal_block_every_character_stands_where_it_was_written()
    {
        var sql = Sql(Head + "    sql: |\n      SELECT a,\n\n        b\n      FROM {{ input }}\n");

        Assert.Equal("SELECT a,\n\n  b\nFROM {{ input }}\n", sql.Text);
        Assert.Equal("p.yaml:10:7", sql.PositionAt(0).ToString());
        Assert.Equal("p.yaml:10:14", sql.PositionAt(1, 8).ToString());
        Assert.Equal("p.yaml:12:9", sql.PositionAt(3, 3).ToString());
        Assert.Equal("p.yaml:13:12", sql.PositionAt(4, 6).ToString());
        Assert.Equal("p.yaml:14:1", sql.PositionAt(sql.Text.Length).ToString());
        Assert.Equal(sql.PositionAt(sql.Text.Length), sql.PositionAt(9, 9));
    }

    [Theory]
    [InlineData("    sql: SELECT a FROM b\n", "SELECT a FROM b", 7, "p.yaml:9:17")]
    [InlineData("    sql: 'SELECT ''x'' FROM b'\n", "SELECT 'x' FROM b", 11, "p.yaml:9:24")]
    [InlineData("    sql: \"SELECT \\\"x\\\", \\u0061 FROM b\"\n", "SELECT \"x\", a FROM b", 14, "p.yaml:9:32")]
    [InlineData("    sql: SELECT a\n      FROM b\n", "SELECT a FROM b", 9, "p.yaml:10:7")]
    [InlineData("    sql: >\n      SELECT a\n      FROM b\n", "SELECT a FROM b\n", 9, "p.yaml:11:7")]
    [InlineData("    sql: |2\n        SELECT a\n      FROM b\n", "  SELECT a\nFROM b\n", 2, "p.yaml:10:9")]
    [InlineData("    sql: &s |-\n      SELECT a\n      FROM b\n", "SELECT a\nFROM b", 9, "p.yaml:11:7")]
    [InlineData("    sql:\n      SELECT a FROM b\n", "SELECT a FROM b", 9, "p.yaml:10:16")]
    [InlineData("    sql: |\r\n      SELECT a\r\n      FROM b\r\n", "SELECT a\nFROM b\n", 9, "p.yaml:11:7")]
    public void Other_forms_are_followed_too(string entry, string text, int offset, string position)
    {
        var sql = Sql(Head + entry);

        Assert.Equal(text, sql.Text);
        Assert.Equal(position, sql.PositionAt(offset).ToString());
    }

    [Fact]
    public void The_value_of_a_variable_stands_where_its_reference_does()
    {
        var sql = Sql(Head + "    sql: |\n      SELECT ${WIDE}, ${W:-d} x,\n        $${kept} FROM b\n", ("WIDE", "a + b"));

        Assert.Equal("SELECT a + b, d x,\n  ${kept} FROM b\n", sql.Text);
        Assert.Equal("p.yaml:10:14", sql.PositionAt(sql.Text.IndexOf("+ b", StringComparison.Ordinal)).ToString());
        Assert.Equal("p.yaml:10:21", sql.PositionAt(sql.Text.IndexOf(", d", StringComparison.Ordinal)).ToString());
        Assert.Equal("p.yaml:10:23", sql.PositionAt(sql.Text.IndexOf("d x", StringComparison.Ordinal)).ToString());
        Assert.Equal("p.yaml:10:31", sql.PositionAt(sql.Text.IndexOf("x,", StringComparison.Ordinal)).ToString());
        Assert.Equal("p.yaml:11:18", sql.PositionAt(sql.Text.IndexOf("FROM", StringComparison.Ordinal)).ToString());
    }

    [Fact]
    public void An_override_stands_on_the_command_line()
    {
        var inputs = Samples.Inputs() with { Overrides = ["transformations.step.sql=SELECT x FROM b"] };

        var sql = Samples.Valid(Head + "    sql: SELECT a FROM b\n", inputs).Transformations[0].Sql;

        Assert.Equal("--set transformations.step.sql", sql.PositionAt(7).ToString());
    }

    /// <summary>For random statements in a literal block, the place that is told holds the character that is asked for.</summary>
    [Fact]
    public void Positions_in_literal_blocks_are_exact()
    {
        const int seed = 51_991;
        var random = new Random(seed);
        const string Letters = "abcXYZ  ,.()'\"é😀#:-{}\n\n";
        for (var round = 0; round < 400; round++)
        {
            var statement = new StringBuilder("S");
            for (var length = random.Next(1, 80); length > 0; length--) statement.Append(Letters[random.Next(Letters.Length)]);
            var newLine = random.Next(2) == 0 ? "\n" : "\r\n";
            var indentation = new string(' ', random.Next(5, 12));
            var block = string.Join(newLine, statement.ToString().Split('\n').Select(line => line.Length == 0 ? "" : indentation + line));
            var file = Head + "    sql: |+" + newLine + block + newLine;
            if (file.Any(char.IsSurrogate)) file = new string([.. file.Where(c => !char.IsSurrogate(c))]);
            var lines = file.Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n');

            var sql = Sql(file);

            for (var i = 0; i < sql.Text.Length; i++)
            {
                if (sql.Text[i] == '\n') continue;
                var position = sql.PositionAt(i);
                Assert.True(lines[position.Line - 1][position.Column - 1] == sql.Text[i], $"seed {seed}, round {round}, offset {i}: {position}\n{file}");
            }
        }
    }
}
