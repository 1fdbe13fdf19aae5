using System.Collections.Immutable;

namespace Matih.Sql.Syntax;

/// <summary>Reads <c>[WITH …] SELECT … [FROM … [WHERE …]] [UNION ALL …]</c>. The first error ends it: after a syntax error nothing can be trusted.</summary>
internal sealed class QueryParser
{
    private const int ItemsMax = 2000;
    private const int DepthMax = 50;
    private const int UnionsMax = 49;

    private readonly TokenReader _tokens;
    private readonly ExpressionParser _expressions;
    private int _depth;

    private QueryParser(TokenReader tokens)
    {
        _tokens = tokens;
        _expressions = new ExpressionParser(tokens);
    }

    public static SelectStatement Parse(string text) => new QueryParser(new TokenReader(text)).ParseStatement();

    /// <summary>Where unquoted words stand that are names, in the order of the text; empty where the statement is none of this dialect.</summary>
    public static IReadOnlyList<(int Start, int Length)> UnquotedNames(string text)
    {
        try
        {
            var tokens = new TokenReader(text);
            new QueryParser(tokens).ParseStatement();
            return [.. tokens.Names.Where(token => token.Kind == TokenKind.Word).Select(token => (token.Offset, token.Length)).Order()];
        }
        catch (SqlErrorException)
        {
            return [];
        }
    }

    private SelectStatement ParseStatement()
    {
        if (_tokens.IsAtEnd) throw SqlErrorException.Wrong(0, "The statement is empty; expected SELECT.");
        var statement = ParseQuery();
        _tokens.TryTakeSymbol(";");
        if (!_tokens.IsAtEnd) throw _tokens.Expected("the end of the statement", EndOf(statement));
        return statement;
    }

    private static string EndOf(SelectStatement query) => query.Unions is [.., var last] ? EndOf(last) : query.Where is not null ? "the WHERE condition" : query.From is not null ? "the table" : "the SELECT list";

    /// <summary>[WITH …] and a SELECT …, VALUES (…) or query in parentheses, or several with UNION ALL between them.</summary>
    private SelectStatement ParseQuery()
    {
        if (++_depth > DepthMax) throw SqlErrorException.Wrong(_tokens.Current.Offset, $"Queries nest at most {DepthMax} deep.");
        var tables = _tokens.TryTakeWords("WITH") ? ParseCommonTables() : [];
        var first = _tokens.Current;
        var query = ParseTerm();
        while (_tokens.IsWord("UNION"))
        {
            var offset = _tokens.Current.Offset;
            if (!_tokens.TryTakeWords("UNION", "ALL")) throw Remembering(offset, "UNION (without ALL)");
            if (!query.With.IsEmpty) throw SqlErrorException.Unsupported(first.Offset, "WITH in parentheses before UNION ALL");
            if (query.Unions.Length == UnionsMax) throw SqlErrorException.Wrong(offset, $"UNION ALL joins at most {UnionsMax + 1} queries.");
            query = query with { Unions = query.Unions.Add(ParseTerm()) };
        }
        foreach (var word in (string[])["INTERSECT", "EXCEPT", "MINUS"])
            if (_tokens.IsWord(word)) throw Remembering(_tokens.Current.Offset, word);
        RefuseTail();
        _depth--;
        return tables.IsEmpty ? query : query with { With = tables };
    }

    private static SqlErrorException Remembering(int offset, string what) =>
        SqlErrorException.Unsupported(offset, $"{what}, which has to remember every row that there ever was,");

    private SelectStatement ParseTerm() =>
        _tokens.Current.IsSymbol("(") ? ParseParenthesized("UNION ALL") : _tokens.IsWord("VALUES") ? ParseValues() : ParseSelect();

    private SelectStatement ParseSelect()
    {
        RefuseOtherStatements();
        var start = _tokens.Take();
        _tokens.TryTakeWords("ALL");
        if (_tokens.IsWord("DISTINCT")) throw Remembering(_tokens.Current.Offset, "SELECT DISTINCT");
        var items = ParseItems();
        TableReference? from = null;
        SqlNode? where = null;
        var joins = ImmutableArray.CreateBuilder<UnnestJoin>();
        if (_tokens.TryTakeWords("FROM"))
        {
            from = ParseTable();
            while (ParseUnnest() is { } join) joins.Add(join);
            RefuseJoin();
            if (_tokens.TryTakeWords("WHERE")) where = _expressions.Parse();
        }
        RefuseTail();
        return new SelectStatement([], items, from, joins.ToImmutable(), where) { Offset = start.Offset };
    }

    private ImmutableArray<CommonTable> ParseCommonTables()
    {
        var tables = ImmutableArray.CreateBuilder<CommonTable>();
        do
        {
            var offset = _tokens.Current.Offset;
            if (!IsAlias()) throw _tokens.Expected("a name", "WITH");
            var name = _tokens.TakeName().Text;
            var columns = ParseColumns();
            _tokens.ExpectWord("AS", "the name of the query");
            if (tables.Any(table => table.Name == name)) throw SqlErrorException.Wrong(offset, $"WITH gives the name '{name}' twice.");
            tables.Add(new CommonTable(offset, name, columns, ParseParenthesized("AS")));
        }
        while (_tokens.TryTakeSymbol(","));
        return tables.ToImmutable();
    }

    private SelectStatement ParseParenthesized(string after)
    {
        _tokens.ExpectSymbol("(", after);
        var query = ParseQuery();
        _tokens.ExpectSymbol(")", EndOf(query));
        return query;
    }

    /// <summary>(a, b), the new names of a table's columns; empty where there are none.</summary>
    private ImmutableArray<string> ParseColumns()
    {
        if (!_tokens.TryTakeSymbol("(")) return [];
        var columns = ImmutableArray.CreateBuilder<string>();
        do
        {
            if (!IsAlias()) throw _tokens.Expected("a column name", columns.Count == 0 ? "'('" : "','");
            columns.Add(_tokens.TakeName().Text);
        }
        while (_tokens.TryTakeSymbol(","));
        _tokens.ExpectSymbol(")", "the column names");
        return columns.ToImmutable();
    }

    /// <summary>VALUES (…), (…) is a SELECT of each row with UNION ALL between them.</summary>
    private SelectStatement ParseValues()
    {
        _tokens.Take();
        var rows = ImmutableArray.CreateBuilder<SelectStatement>();
        do
        {
            if (rows.Count > UnionsMax) throw SqlErrorException.Wrong(_tokens.Current.Offset, $"VALUES has at most {UnionsMax + 1} rows.");
            rows.Add(ParseRow());
        }
        while (_tokens.TryTakeSymbol(","));
        RefuseTail();
        return rows[0] with { Unions = [.. rows.Skip(1)] };
    }

    private SelectStatement ParseRow()
    {
        var offset = _tokens.Current.Offset;
        var hasParentheses = _tokens.TryTakeSymbol("(");
        var items = ImmutableArray.CreateBuilder<SelectItem>();
        do items.Add(new SelectItem(_tokens.Current.Offset, _expressions.Parse(), null));
        while (hasParentheses && _tokens.TryTakeSymbol(","));
        if (hasParentheses) _tokens.ExpectSymbol(")", "the row of VALUES");
        return new SelectStatement([], items.ToImmutable(), null, [], null) { Offset = offset };
    }

    private void RefuseOtherStatements()
    {
        var first = _tokens.Current;
        if (first.IsWord("SELECT")) return;
        if (first.Kind == TokenKind.Word && first.Text.ToUpperInvariant() is "INSERT" or "CREATE" or "DROP" or "ALTER" or "SET"
            or "RESET" or "EXPLAIN" or "SHOW" or "DESCRIBE" or "DESC" or "USE" or "EXECUTE" or "BEGIN" or "UPDATE" or "DELETE" or "TRUNCATE"
            or "ANALYZE" or "CALL" or "LOAD" or "UNLOAD" or "ADD" or "REMOVE" or "COMPILE" or "STOP" or "TABLE")
            throw SqlErrorException.Unsupported(first.Offset, $"A statement that starts with {first.Text.ToUpperInvariant()} (a transformation is one SELECT)");
        throw SqlErrorException.Wrong(first.Offset, $"Expected SELECT, found {first.Describe()}.");
    }

    private ImmutableArray<SelectItem> ParseItems()
    {
        var items = ImmutableArray.CreateBuilder<SelectItem>();
        do
        {
            if (items.Count == ItemsMax) throw SqlErrorException.Wrong(_tokens.Current.Offset, $"A SELECT list has at most {Quantity.Of(ItemsMax, "entry", "entries")}.");
            items.Add(ParseItem());
        }
        while (_tokens.TryTakeSymbol(","));
        return items.ToImmutable();
    }

    private SelectItem ParseItem()
    {
        var offset = _tokens.Current.Offset;
        if (_tokens.TryTakeSymbol("*")) return new SelectItem(offset, null, null);
        if (_tokens.Ahead().IsSymbol(".") && _tokens.Ahead(2).IsSymbol("*") && IsAlias())
        {
            var table = _tokens.TakeName().Text;
            _tokens.Take();
            _tokens.Take();
            return new SelectItem(offset, null, null, table);
        }
        var expression = _expressions.Parse();
        if (_tokens.TryTakeWords("AS"))
        {
            if (!IsAlias()) throw _tokens.Expected("a name", "AS");
            return new SelectItem(offset, expression, _tokens.TakeName().Text);
        }
        return new SelectItem(offset, expression, IsAlias() ? _tokens.TakeName().Text : null);
    }

    private bool IsAlias() => _tokens.Current.Kind == TokenKind.QuotedName || (_tokens.Current.Kind == TokenKind.Word && !Keywords.IsReserved(_tokens.Current.Text));

    private TableReference ParseTable()
    {
        var token = _tokens.Current;
        if (token.IsSymbol("("))
        {
            var query = ParseParenthesized("FROM");
            var alias = ParseAlias();
            return new TableReference(token.Offset, null, alias) { Query = query, Columns = alias is null ? [] : ParseColumns() };
        }
        if (token.IsWord("TABLE") || token.IsWord("LATERAL") || token.IsWord("UNNEST"))
            throw SqlErrorException.Unsupported(token.Offset, "A table function in FROM");
        if (token.Kind == TokenKind.Template)
        {
            if (token.Text != "input") throw SqlErrorException.Wrong(token.Offset, $"The placeholder {token.Describe()} is unknown; only {{{{ input }}}} is.");
        }
        else if (!IsAlias()) throw _tokens.Expected("a table name or {{ input }}", "FROM");
        if (token.Kind == TokenKind.Template) _tokens.Take();
        else _tokens.TakeName();
        if (_tokens.Current.IsSymbol(".")) throw SqlErrorException.Unsupported(token.Offset, "A qualified table name (a query reads {{ input }})");
        var name = ParseAlias();
        if (_tokens.Current.IsSymbol("(")) throw SqlErrorException.Unsupported(_tokens.Current.Offset, "Renaming a table's columns");
        return new TableReference(token.Offset, token.Kind == TokenKind.Template ? null : token.Text, name);
    }

    private string? ParseAlias()
    {
        if (_tokens.TryTakeWords("AS") && !IsAlias()) throw _tokens.Expected("a name", "AS");
        return IsAlias() ? _tokens.TakeName().Text : null;
    }

    /// <summary>Reads a join with UNNEST in any of its forms; null where none stands here.</summary>
    private UnnestJoin? ParseUnnest()
    {
        var start = _tokens.Current;
        var isComma = start.IsSymbol(",") && _tokens.Ahead().IsWord("UNNEST");
        var isCross = _tokens.AreWords("CROSS", "JOIN", "UNNEST");
        var isLeft = _tokens.AreWords("LEFT", "JOIN", "UNNEST") || _tokens.AreWords("LEFT", "OUTER", "JOIN", "UNNEST");
        var isInner = _tokens.AreWords("JOIN", "UNNEST") || _tokens.AreWords("INNER", "JOIN", "UNNEST");
        if (!isComma && !isCross && !isLeft && !isInner) return null;
        while (!_tokens.IsWord("UNNEST")) _tokens.Take();
        _tokens.Take();
        _tokens.ExpectSymbol("(", "UNNEST");
        var list = _expressions.Parse();
        _tokens.ExpectSymbol(")", "the array of UNNEST");
        RefuseWord("WITH", "WITH ORDINALITY");
        var alias = ParseAlias();
        var columns = alias is null ? [] : ParseColumns();
        SqlNode? condition = null;
        if (isLeft || isInner)
        {
            _tokens.ExpectWord("ON", "the table of the join");
            condition = _expressions.Parse();
            if (condition is SqlNode.Truth { Value: true }) condition = null;
            else if (isLeft) throw SqlErrorException.Unsupported(condition.Offset, "LEFT JOIN UNNEST with another condition than ON TRUE");
        }
        return new UnnestJoin(start.Offset, isLeft, list, alias, columns, condition);
    }

    private void RefuseJoin()
    {
        var token = _tokens.Current;
        if (token.IsSymbol(",")) throw SqlErrorException.Unsupported(token.Offset, "A join");
        foreach (var word in (string[])["JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL"]) RefuseWord(word, "A join");
        RefuseWord("FOR", "FOR SYSTEM_TIME");
        RefuseWord("MATCH_RECOGNIZE", "MATCH_RECOGNIZE");
        RefuseWord("TABLESAMPLE", "TABLESAMPLE");
    }

    private void RefuseTail()
    {
        RefuseWord("GROUP", "GROUP BY");
        RefuseWord("HAVING", "HAVING");
        RefuseWord("WINDOW", "WINDOW");
        RefuseWord("QUALIFY", "QUALIFY");
        RefuseWord("ORDER", "ORDER BY");
        RefuseWord("LIMIT", "LIMIT");
        RefuseWord("OFFSET", "OFFSET");
        RefuseWord("FETCH", "FETCH");
    }

    private void RefuseWord(string word, string what)
    {
        if (_tokens.IsWord(word)) throw SqlErrorException.Unsupported(_tokens.Current.Offset, what);
    }
}
