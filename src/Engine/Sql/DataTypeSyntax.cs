using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Matih.Batches;
using Matih.Sql.Syntax;

namespace Matih.Sql;

/// <summary>Reads types and column lists in Flink's words. Pure and thread-safe.</summary>
public static class DataTypeSyntax
{
    /// <summary>
    /// Reads one type, e.g. <c>DECIMAL(10, 2) NOT NULL</c>, with all of Flink's synonyms. Nested types and TIMESTAMP above
    /// precision 6 are read too, although no column holds them (<see cref="DataType.Layout"/>, <see cref="DataType.Timestamp.HeldPrecisionMax"/>).
    /// </summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out DataType? type, [NotNullWhen(false)] out SqlError? error)
    {
        (type, error) = (null, null);
        try
        {
            var tokens = new TokenReader(text);
            var parsed = new TypeParser(tokens).Parse();
            if (!tokens.IsAtEnd) throw tokens.Expected("nothing more", "the type");
            type = parsed;
            return true;
        }
        catch (SqlErrorException exception)
        {
            error = exception.At(text);
            return false;
        }
    }

    /// <summary>
    /// Reads a column list as in a Flink CREATE TABLE, without its parentheses: <c>c STRING, n INT NOT NULL COMMENT 'x'</c>.
    /// Computed and metadata columns, watermarks and constraints are refused.
    /// </summary>
    public static bool TryParseColumns(string text, [NotNullWhen(true)] out RowType? columns, [NotNullWhen(false)] out SqlError? error)
    {
        (columns, error) = (null, null);
        try
        {
            columns = ParseColumns(new TokenReader(text));
            return true;
        }
        catch (SqlErrorException exception)
        {
            error = exception.At(text);
            return false;
        }
    }

    private static RowType ParseColumns(TokenReader tokens)
    {
        var types = new TypeParser(tokens);
        var fields = ImmutableArray.CreateBuilder<Field>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        do
        {
            RefuseClause(tokens);
            var name = types.TakeName("a column name", fields.Count == 0 ? "the start" : "','");
            if (tokens.IsWord("AS")) throw SqlErrorException.Unsupported(tokens.Current.Offset, $"The computed column `{name.Text}`");
            if (tokens.IsAtEnd || tokens.Current.IsSymbol(",")) throw tokens.Expected("a type", $"the column name `{name.Text}`");
            if (!names.Add(name.Text)) throw SqlErrorException.Wrong(name.Offset, $"The column `{name.Text}` is named twice.");
            fields.Add(new Field(name.Text, types.Parse()));
            RefuseColumnClause(tokens, name.Text);
            if (tokens.TryTakeWords("COMMENT")) tokens.Expect(TokenKind.String, "a string", "COMMENT");
        }
        while (tokens.TryTakeSymbol(","));
        if (!tokens.IsAtEnd) throw tokens.Expected("',' or the end", $"the column `{fields[^1].Name}`");
        return new RowType(fields.ToImmutable());
    }

    private static void RefuseClause(TokenReader tokens)
    {
        var offset = tokens.Current.Offset;
        if (tokens.AreWords("WATERMARK", "FOR")) throw SqlErrorException.Unsupported(offset, "A WATERMARK clause in a schema");
        if (tokens.AreWords("PRIMARY", "KEY")) throw SqlErrorException.Unsupported(offset, "A PRIMARY KEY clause in a schema");
        if (tokens.IsWord("CONSTRAINT") && tokens.Ahead(2).IsWord("PRIMARY")) throw SqlErrorException.Unsupported(offset, "A CONSTRAINT in a schema");
    }

    private static void RefuseColumnClause(TokenReader tokens, string column)
    {
        var offset = tokens.Current.Offset;
        if (tokens.IsWord("METADATA"))
            throw SqlErrorException.Unsupported(offset, $"The metadata column `{column}` (`key`, `topic`, `offset` and the like can be named without being declared)");
        if (tokens.AreWords("PRIMARY", "KEY")) throw SqlErrorException.Unsupported(offset, "A PRIMARY KEY clause in a schema");
    }
}
