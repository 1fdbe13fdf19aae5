using System.Collections.Immutable;
using System.Text;
using Matih.Definition;
using Matih.Sql.Syntax;

namespace Matih.Flink;

/// <summary>Writes a statement piece by piece. Names and values only get in quoted.</summary>
internal sealed class FlinkSql
{
    private readonly ImmutableArray<FlinkPiece>.Builder _pieces = ImmutableArray.CreateBuilder<FlinkPiece>();
    private readonly StringBuilder _text = new();

    /// <summary>A name in backticks (Flink SQL, "Identifiers"): a backtick in it is doubled, everything else stands as it is.</summary>
    public static string Quoted(string name) => $"`{name.Replace("`", "``", StringComparison.Ordinal)}`";

    /// <summary>A string literal: a quote in it is doubled; backslash and line break have no other meaning.</summary>
    public static string Literal(string value) => $"'{Escaped(value)}'";

    /// <param name="sql">Text of ours, which holds no name and no value that is not quoted.</param>
    public FlinkSql Text(string sql)
    {
        _text.Append(sql);
        return this;
    }

    public FlinkSql Name(string name) => Text(Quoted(name));

    /// <summary>A name with its qualifiers, joined by dots.</summary>
    public FlinkSql Name(IEnumerable<string> parts) => Text(string.Join('.', parts.Select(Quoted)));

    public FlinkSql Value(FlinkValue value)
    {
        Text("'");
        foreach (var part in value.Parts)
        {
            if (part.Placeholder is not { } placeholder)
            {
                Text(Escaped(part.Text));
                continue;
            }
            Flush();
            _pieces.Add(new FlinkPiece.Hidden(Escaped(part.Text), Escaped(placeholder)));
        }
        return Text("'");
    }

    /// <summary>
    /// A statement of the definition's author, with the input's name for each <c>{{ input }}</c>. Flink reserves words that are
    /// names here, such as VALUE: where this engine can tell names from keywords, they get backticks.
    /// </summary>
    public FlinkSql Written(SqlText sql, string input)
    {
        var start = 0;
        var quoted = QueryParser.UnquotedNames(sql.Text).Select(name => (name.Start, name.Length, IsName: true));
        foreach (var (at, length, isName) in StatementScan.Inputs(sql.Text).Select(place => (place.Start, place.Length, IsName: false)).Concat(quoted).OrderBy(place => place.Start))
        {
            Piece(start, at);
            if (isName)
            {
                Text("`");
                Piece(at, at + length);
                Text("`");
            }
            else Name(input);
            start = at + length;
        }
        Piece(start, StatementScan.EndOf(sql.Text));
        return this;

        void Piece(int from, int to)
        {
            if (to <= from) return;
            Flush();
            _pieces.Add(new FlinkPiece.Written(sql, from, to - from));
        }
    }

    /// <summary><c>(\n  'key' = 'value', …)</c>.</summary>
    public FlinkSql Options(IEnumerable<KeyValuePair<string, FlinkValue>> options)
    {
        Text("(");
        var isFirst = true;
        foreach (var (key, value) in options)
        {
            Text(isFirst ? "\n  " : ",\n  ").Text(Literal(key)).Text(" = ").Value(value);
            isFirst = false;
        }
        return Text("\n)");
    }

    public FlinkStatement Build(string subject)
    {
        Flush();
        return new FlinkStatement(_pieces.ToImmutable(), subject);
    }

    private static string Escaped(string value) => value.Replace("'", "''", StringComparison.Ordinal);

    private void Flush()
    {
        if (_text.Length == 0) return;
        _pieces.Add(new FlinkPiece.Text(_text.ToString()));
        _text.Clear();
    }
}
