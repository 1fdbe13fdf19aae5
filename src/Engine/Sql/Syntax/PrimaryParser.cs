using System.Collections.Immutable;

namespace Matih.Sql.Syntax;

/// <summary>Reads what operators stand between: literals, names, parentheses, CASE, CAST, and calls.</summary>
internal readonly struct PrimaryParser(ExpressionParser expressions)
{
    private TokenReader Tokens => expressions.Tokens;

    public SqlNode Parse()
    {
        var token = Tokens.Current;
        switch (token.Kind)
        {
            case TokenKind.Number or TokenKind.ApproximateNumber:
                Tokens.Take();
                return new SqlNode.Number(token.Offset, token.Text, token.Kind == TokenKind.ApproximateNumber);
            case TokenKind.String:
                Tokens.Take();
                return new SqlNode.Characters(token.Offset, token.Text);
            case TokenKind.BinaryString:
                Tokens.Take();
                return new SqlNode.Binary(token.Offset, token.Text);
            case TokenKind.QuotedName: return ParseName();
            case TokenKind.Symbol when token.Text == "(": return ParseParenthesized();
            case TokenKind.Word: return ParseWord(token);
            default: throw Unexpected(token);
        }
    }

    private static SqlErrorException Unexpected(Token token) =>
        SqlErrorException.Wrong(token.Offset, $"Expected an expression, found {token.Describe()}.");

    private SqlNode ParseParenthesized()
    {
        var open = Tokens.Take();
        if (Tokens.IsWord("SELECT")) throw SqlErrorException.Unsupported(open.Offset, "A subquery");
        var node = expressions.Parse();
        if (!Tokens.Current.IsSymbol(","))
        {
            Tokens.ExpectSymbol(")", "the expression");
            return node;
        }
        var parts = ImmutableArray.CreateBuilder<SqlNode>();
        parts.Add(node);
        while (Tokens.TryTakeSymbol(",")) parts.Add(expressions.Parse());
        Tokens.ExpectSymbol(")", "the row's fields");
        return new SqlNode.Constructor(open.Offset, "ROW", parts.ToImmutable());
    }

    private SqlNode ParseConstructor(Token word, string close)
    {
        var kind = word.Text.ToUpperInvariant();
        Tokens.Take();
        Tokens.Take();
        var parts = ImmutableArray.CreateBuilder<SqlNode>();
        if (!Tokens.Current.IsSymbol(close))
        {
            do parts.Add(expressions.Parse());
            while (Tokens.TryTakeSymbol(","));
        }
        Tokens.ExpectSymbol(close, $"the parts of {kind}");
        return new SqlNode.Constructor(word.Offset, kind, parts.ToImmutable());
    }

    private SqlNode ParseWord(Token token)
    {
        switch (token.Text.ToUpperInvariant())
        {
            case "TRUE": Tokens.Take(); return new SqlNode.Truth(token.Offset, true);
            case "FALSE": Tokens.Take(); return new SqlNode.Truth(token.Offset, false);
            case "UNKNOWN": Tokens.Take(); return new SqlNode.Truth(token.Offset, null);
            case "NULL": Tokens.Take(); return new SqlNode.Null(token.Offset);
            case "CASE": return ParseCase();
            case "INTERVAL": return ParseInterval();
            case "DATE" or "TIME" or "TIMESTAMP" when Tokens.Ahead().Kind == TokenKind.String:
                Tokens.Take();
                return new SqlNode.Temporal(token.Offset, token.Text.ToUpperInvariant(), Tokens.Take().Text);
            case "EXISTS": throw SqlErrorException.Unsupported(token.Offset, "A subquery");
            case "ARRAY" or "MAP" when Tokens.Ahead().IsSymbol("["):
                return ParseConstructor(token, "]");
            case "ROW" when Tokens.Ahead().IsSymbol("("): return ParseConstructor(token, ")");
        }
        if (Tokens.Ahead().IsSymbol("(") && (!Keywords.IsReserved(token.Text) || token.Text.ToUpperInvariant() is "CAST" or "LEFT" or "RIGHT"))
            return new CallParser(expressions).Parse();
        if (Keywords.NiladicFunctions.Contains(token.Text))
        {
            Tokens.Take();
            return new SqlNode.Call(token.Offset, token.Text.ToUpperInvariant(), []);
        }
        if (Keywords.IsReserved(token.Text)) throw Unexpected(token);
        return ParseName();
    }

    private SqlNode ParseName()
    {
        var first = Tokens.TakeName();
        var parts = ImmutableArray.Create(first.Text);
        while (Tokens.Current.IsSymbol(".") && Tokens.Ahead().Kind is TokenKind.Word or TokenKind.QuotedName)
        {
            Tokens.Take();
            parts = parts.Add(Tokens.TakeName().Text);
        }
        return new SqlNode.Name(first.Offset, parts);
    }

    private SqlNode ParseCase()
    {
        var offset = Tokens.Take().Offset;
        var operand = Tokens.IsWord("WHEN") ? null : expressions.Parse();
        var branches = ImmutableArray.CreateBuilder<(SqlNode, SqlNode)>();
        Tokens.ExpectWord("WHEN", "CASE");
        do
        {
            var when = expressions.Parse();
            if (Tokens.Current.IsSymbol(",")) throw SqlErrorException.Unsupported(Tokens.Current.Offset, "Several values after WHEN");
            Tokens.ExpectWord("THEN", "the condition of WHEN");
            branches.Add((when, expressions.Parse()));
        }
        while (Tokens.TryTakeWords("WHEN"));
        var otherwise = Tokens.TryTakeWords("ELSE") ? expressions.Parse() : null;
        Tokens.ExpectWord("END", otherwise is null ? "the last THEN of CASE" : "ELSE");
        return new SqlNode.Case(offset, operand, branches.ToImmutable(), otherwise);
    }

    private SqlNode ParseInterval()
    {
        var offset = Tokens.Take().Offset;
        var isNegative = Tokens.TryTakeSymbol("-");
        if (!isNegative) Tokens.TryTakeSymbol("+");
        var text = Tokens.Expect(TokenKind.String, "a string such as '1'", "INTERVAL");
        var from = ParseUnit("the interval's value");
        var to = Tokens.TryTakeWords("TO") ? ParseUnit("TO") : from;
        return new SqlNode.Interval(offset, isNegative, text.Text, from, to);
    }

    private string ParseUnit(string after)
    {
        var unit = Tokens.Current;
        if (unit.Kind != TokenKind.Word || unit.Text.TrimEnd('s', 'S').ToUpperInvariant() is not ("YEAR" or "QUARTER" or "MONTH" or "WEEK" or "DAY" or "HOUR" or "MINUTE" or "SECOND"))
            throw Tokens.Expected("YEAR, MONTH, WEEK, DAY, HOUR, MINUTE or SECOND", after);
        Tokens.Take();
        if (Tokens.TryTakeSymbol("("))
        {
            do Tokens.Expect(TokenKind.Number, "a precision", "'('");
            while (Tokens.TryTakeSymbol(","));
            Tokens.ExpectSymbol(")", "the precision");
        }
        return unit.Text.TrimEnd('s', 'S').ToUpperInvariant();
    }
}
