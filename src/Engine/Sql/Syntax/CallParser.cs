using System.Collections.Immutable;
using Matih.Batches;

namespace Matih.Sql.Syntax;

/// <summary>Reads a call: CAST, and functions, those with keywords between their arguments included.</summary>
internal readonly struct CallParser(ExpressionParser expressions)
{
    private TokenReader Tokens => expressions.Tokens;

    public SqlNode Parse()
    {
        var name = Tokens.Take();
        var function = name.Text.ToUpperInvariant();
        Tokens.ExpectSymbol("(", function);
        var node = function switch
        {
            "CAST" or "TRY_CAST" => ParseCast(name, function),
            "EXTRACT" => ParseExtract(name),
            "TRIM" => ParseTrim(name),
            "POSITION" => ParsePosition(name),
            "SUBSTRING" or "OVERLAY" => ParseFromFor(name, function),
            "JSON_OBJECTAGG" or "JSON_ARRAYAGG" or "LISTAGG" or "GROUPING" =>
                throw SqlErrorException.Unsupported(name.Offset, function),
            _ => new JsonCallParser(expressions).TryParse(name, function) ?? ParsePlain(name, function),
        };
        Tokens.ExpectSymbol(")", $"the arguments of {function}");
        foreach (var word in (string[])["OVER", "FILTER", "WITHIN"])
            if (Tokens.IsWord(word) && (word == "OVER" || Tokens.Ahead().IsSymbol("(") || Tokens.Ahead().IsWord("GROUP")))
                throw SqlErrorException.Unsupported(Tokens.Current.Offset, $"{function} … {word}");
        return node;
    }

    private SqlNode ParseCast(Token name, string function)
    {
        var operand = expressions.Parse();
        Tokens.ExpectWord("AS", $"the operand of {function}");
        var type = new TypeParser(Tokens).ParseTarget();
        if (Tokens.IsWord("NULL") || Tokens.AreWords("NOT", "NULL"))
            throw SqlErrorException.Wrong(Tokens.Current.Offset, $"{function} takes a type without NULL or NOT NULL; the result can be NULL where the operand can{(function == "CAST" ? "" : ", or where it does not convert")}.");
        return new SqlNode.Cast(name.Offset, function == "TRY_CAST", operand, type);
    }

    private SqlNode ParseExtract(Token name)
    {
        var unit = ParseKeyword("a time unit", "EXTRACT(");
        Tokens.ExpectWord("FROM", "the unit of EXTRACT");
        return new SqlNode.Call(name.Offset, "EXTRACT", [unit, expressions.Parse()]);
    }

    private SqlNode.Keyword ParseKeyword(string what, string after)
    {
        var word = Tokens.Expect(TokenKind.Word, what, after);
        return new SqlNode.Keyword(word.Offset, word.Text.ToUpperInvariant());
    }

    /// <summary>TRIM(x); or TRIM([side] [characters] FROM x) as TRIM(side, characters, x).</summary>
    private SqlNode ParseTrim(Token name)
    {
        var side = new SqlNode.Keyword(name.Offset, "BOTH");
        var hasSide = Tokens.IsWord("BOTH") || Tokens.IsWord("LEADING") || Tokens.IsWord("TRAILING");
        if (hasSide) side = ParseKeyword("a side", "TRIM(");
        SqlNode characters = new SqlNode.Characters(name.Offset, " ");
        if (!Tokens.IsWord("FROM"))
        {
            characters = expressions.Parse();
            if (!hasSide && !Tokens.IsWord("FROM")) return new SqlNode.Call(name.Offset, "TRIM", [characters]);
        }
        Tokens.ExpectWord("FROM", "the characters of TRIM");
        return new SqlNode.Call(name.Offset, "TRIM", [side, characters, expressions.Parse()]);
    }

    /// <summary>POSITION(x IN y [FROM start]) as POSITION(x, y[, start]).</summary>
    private SqlNode ParsePosition(Token name)
    {
        var needle = expressions.ParseOperand();
        if (Tokens.Current.IsSymbol(",")) throw Tokens.Expected("IN", "the first argument of POSITION");
        Tokens.ExpectWord("IN", "the first argument of POSITION");
        var arguments = ImmutableArray.Create(needle, expressions.Parse());
        if (Tokens.TryTakeWords("FROM")) arguments = arguments.Add(expressions.Parse());
        return new SqlNode.Call(name.Offset, "POSITION", arguments);
    }

    /// <summary>SUBSTRING(x FROM a [FOR b]) and OVERLAY(x PLACING y FROM a [FOR b]) as plain arguments.</summary>
    private SqlNode ParseFromFor(Token name, string function)
    {
        var arguments = ImmutableArray.CreateBuilder<SqlNode>();
        arguments.Add(expressions.Parse());
        if (function == "OVERLAY" && Tokens.TryTakeWords("PLACING")) arguments.Add(expressions.Parse());
        if (Tokens.TryTakeWords("FROM"))
        {
            arguments.Add(expressions.Parse());
            if (Tokens.TryTakeWords("FOR")) arguments.Add(expressions.Parse());
        }
        else
        {
            while (Tokens.TryTakeSymbol(",")) arguments.Add(expressions.Parse());
        }
        return new SqlNode.Call(name.Offset, function, arguments.ToImmutable());
    }

    private SqlNode ParsePlain(Token name, string function)
    {
        var arguments = ImmutableArray.CreateBuilder<SqlNode>();
        if (Tokens.Current.IsSymbol(")")) return new SqlNode.Call(name.Offset, function, []);
        if (Tokens.IsWord("DISTINCT") || Tokens.Current.IsSymbol("*")) throw SqlErrorException.Unsupported(name.Offset, $"The aggregate {function}");
        if (function is "TIMESTAMPADD" or "TIMESTAMPDIFF" && Tokens.Current.Kind == TokenKind.Word)
        {
            arguments.Add(ParseKeyword("a time unit", function));
            Tokens.ExpectSymbol(",", "the unit");
        }
        do arguments.Add(expressions.Parse());
        while (Tokens.TryTakeSymbol(","));
        if (function is "FLOOR" or "CEIL" or "CEILING" && Tokens.TryTakeWords("TO")) arguments.Add(ParseKeyword("a time unit", "TO"));
        return new SqlNode.Call(name.Offset, function, arguments.ToImmutable());
    }
}
