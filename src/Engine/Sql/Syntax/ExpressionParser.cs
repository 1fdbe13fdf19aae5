using System.Collections.Immutable;

namespace Matih.Sql.Syntax;

/// <summary>
/// Reads an expression by recursive descent, loosest operators first: OR, AND, NOT, IS, comparison, BETWEEN/IN/LIKE,
/// + − and IS DISTINCT FROM, * / % and ||, unary.
/// </summary>
/// <remarks>The order is that of Calcite's SqlStdOperatorTable, which Flink parses with.</remarks>
internal sealed class ExpressionParser(TokenReader tokens)
{
    private const int DepthMax = 200;
    private const int OperandsMax = 1000;

    private int _depth;
    private int _chained;

    public SqlNode Parse()
    {
        if (++_depth > DepthMax) throw SqlErrorException.Wrong(tokens.Current.Offset, $"Expressions nest at most {DepthMax} deep.");
        var node = ParseJunction(isAnd: false);
        _depth--;
        return node;
    }

    /// <summary>Reads an operand that IN ends: the first argument of POSITION.</summary>
    public SqlNode ParseOperand() => ParseAdditive();

    public TokenReader Tokens => tokens;

    private SqlNode ParseJunction(bool isAnd)
    {
        var first = isAnd ? ParseNot() : ParseJunction(isAnd: true);
        var word = isAnd ? "AND" : "OR";
        if (!tokens.IsWord(word)) return first;
        var offset = tokens.Current.Offset;
        var operands = ImmutableArray.CreateBuilder<SqlNode>();
        operands.Add(first);
        while (tokens.TryTakeWords(word)) operands.Add(isAnd ? ParseNot() : ParseJunction(isAnd: true));
        return new SqlNode.Junction(offset, isAnd, operands.ToImmutable());
    }

    private SqlNode ParseNot()
    {
        if (!tokens.IsWord("NOT")) return ParseIs();
        if (++_depth > DepthMax) throw SqlErrorException.Wrong(tokens.Current.Offset, $"Expressions nest at most {DepthMax} deep.");
        var node = new SqlNode.Prefix(tokens.Take().Offset, "NOT", ParseNot());
        _depth--;
        return node;
    }

    private SqlNode ParseIs()
    {
        var node = ParseComparison();
        while (tokens.IsWord("IS"))
        {
            var offset = tokens.Take().Offset;
            var isNegated = tokens.TryTakeWords("NOT");
            var what = tokens.Current;
            if (tokens.TryTakeWords("JSON"))
            {
                var kind = tokens.IsWord("OBJECT") || tokens.IsWord("ARRAY") || tokens.IsWord("SCALAR") || tokens.IsWord("VALUE") ? tokens.Take().Text.ToUpperInvariant() : "VALUE";
                node = new SqlNode.IsJson(offset, isNegated, kind, node);
                continue;
            }
            if (what.Kind != TokenKind.Word || what.Text.ToUpperInvariant() is not ("NULL" or "TRUE" or "FALSE" or "UNKNOWN"))
                throw tokens.Expected("NULL, TRUE, FALSE, UNKNOWN, JSON or DISTINCT FROM", isNegated ? "IS NOT" : "IS");
            tokens.Take();
            node = new SqlNode.Is(offset, isNegated, what.Text.ToUpperInvariant(), node);
        }
        return node;
    }

    private SqlNode ParseComparison()
    {
        var node = ParsePredicate();
        while (tokens.Current is { Kind: TokenKind.Symbol, Text: "=" or "<>" or "<" or ">" or "<=" or ">=" or "!=" } symbol)
        {
            if (symbol.Text == "!=") throw SqlErrorException.Wrong(symbol.Offset, "Flink SQL has no '!='; write '<>'.");
            CountOperand();
            tokens.Take();
            node = new SqlNode.Infix(symbol.Offset, symbol.Text, node, ParsePredicate());
        }
        return node;
    }

    private SqlNode ParsePredicate()
    {
        var node = ParseAdditive();
        while (true)
        {
            var start = tokens.Current;
            if (node is SqlNode.Constructor && start.Kind == TokenKind.Word && start.Text.ToUpperInvariant() is "OVERLAPS" or "CONTAINS" or "PRECEDES" or "SUCCEEDS" or "EQUALS")
                throw SqlErrorException.Unsupported(start.Offset, start.Text.ToUpperInvariant());
            var isNegated = start.IsWord("NOT");
            var word = isNegated ? tokens.Ahead() : start;
            if (word.Kind != TokenKind.Word || word.Text.ToUpperInvariant() is not ("BETWEEN" or "IN" or "LIKE" or "SIMILAR")) return node;
            CountOperand();
            if (isNegated) tokens.Take();
            tokens.Take();
            node = word.Text.ToUpperInvariant() switch
            {
                "BETWEEN" => ParseBetween(node, start.Offset, isNegated),
                "IN" => ParseIn(node, start.Offset, isNegated),
                var other => ParseLike(node, start.Offset, isNegated, other == "SIMILAR"),
            };
        }
    }

    private SqlNode ParseBetween(SqlNode operand, int offset, bool isNegated)
    {
        var isSymmetric = tokens.TryTakeWords("SYMMETRIC");
        if (!isSymmetric) tokens.TryTakeWords("ASYMMETRIC");
        var low = ParseAdditive();
        tokens.ExpectWord("AND", "the lower bound of BETWEEN");
        return new SqlNode.Between(offset, isNegated, isSymmetric, operand, low, ParseAdditive());
    }

    private SqlNode ParseIn(SqlNode operand, int offset, bool isNegated)
    {
        tokens.ExpectSymbol("(", "IN");
        if (tokens.IsWord("SELECT")) throw SqlErrorException.Unsupported(tokens.Current.Offset, "A subquery");
        var items = ImmutableArray.CreateBuilder<SqlNode>();
        do items.Add(Parse());
        while (tokens.TryTakeSymbol(","));
        tokens.ExpectSymbol(")", "the list of IN");
        return new SqlNode.In(offset, isNegated, operand, items.ToImmutable());
    }

    private SqlNode ParseLike(SqlNode operand, int offset, bool isNegated, bool isSimilar)
    {
        if (isSimilar) tokens.ExpectWord("TO", "SIMILAR");
        var pattern = ParseAdditive();
        return new SqlNode.Like(offset, isNegated, isSimilar, operand, pattern, tokens.TryTakeWords("ESCAPE") ? ParseAdditive() : null);
    }

    private SqlNode ParseAdditive()
    {
        var node = ParseMultiplicative();
        while (true)
        {
            var current = tokens.Current;
            if (current is { Kind: TokenKind.Symbol, Text: "+" or "-" })
            {
                CountOperand();
                tokens.Take();
                node = new SqlNode.Infix(current.Offset, current.Text, node, ParseMultiplicative());
            }
            else if (tokens.AreWords("IS", "DISTINCT", "FROM") || tokens.AreWords("IS", "NOT", "DISTINCT", "FROM"))
            {
                CountOperand();
                tokens.Take();
                var isNegated = tokens.TryTakeWords("NOT");
                tokens.TryTakeWords("DISTINCT", "FROM");
                node = new SqlNode.Distinct(current.Offset, isNegated, node, ParseMultiplicative());
            }
            else return node;
        }
    }

    private SqlNode ParseMultiplicative()
    {
        var node = ParseUnary();
        while (tokens.Current is { Kind: TokenKind.Symbol, Text: "*" or "/" or "%" or "||" } symbol)
        {
            CountOperand();
            tokens.Take();
            node = new SqlNode.Infix(symbol.Offset, symbol.Text, node, ParseUnary());
        }
        return node;
    }

    private SqlNode ParseUnary()
    {
        if (tokens.Current is not { Kind: TokenKind.Symbol, Text: "+" or "-" } sign) return ParsePostfix();
        if (++_depth > DepthMax) throw SqlErrorException.Wrong(sign.Offset, $"Expressions nest at most {DepthMax} deep.");
        tokens.Take();
        var operand = ParseUnary();
        _depth--;
        // A sign before a number is part of the literal (-2147483648 is an INT), also through parentheses.
        if (operand is not SqlNode.Number number) return new SqlNode.Prefix(sign.Offset, sign.Text, operand);
        if (sign.Text == "+") return number with { Offset = sign.Offset };
        return number with { Offset = sign.Offset, Digits = number.Digits.StartsWith('-') ? number.Digits[1..] : "-" + number.Digits };
    }

    private SqlNode ParsePostfix()
    {
        var node = new PrimaryParser(this).Parse();
        while (true)
        {
            var offset = tokens.Current.Offset;
            if (tokens.TryTakeSymbol("["))
            {
                var index = Parse();
                tokens.ExpectSymbol("]", "the index");
                node = new SqlNode.Subscript(offset, node, index);
            }
            else if (tokens.Current.IsSymbol(".") && tokens.Ahead().Kind is TokenKind.Word or TokenKind.QuotedName)
            {
                tokens.Take();
                node = new SqlNode.Member(offset, node, tokens.TakeName().Text);
            }
            else break;
            CountOperand();
        }
        if (tokens.AreWords("AT", "TIME", "ZONE")) throw SqlErrorException.Unsupported(tokens.Current.Offset, "AT TIME ZONE");
        return node;
    }

    // Operators of one level build a tree as deep as they are many; later passes recurse over it.
    private void CountOperand()
    {
        if (++_chained > OperandsMax) throw SqlErrorException.Wrong(tokens.Current.Offset, $"An expression has at most {OperandsMax} operators.");
    }
}
