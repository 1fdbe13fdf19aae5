using System.Collections.Immutable;
using Matih.Batches;

namespace Matih.Sql.Syntax;

/// <summary>Reads the calls of the JSON functions, whose arguments have clauses of their own.</summary>
internal readonly struct JsonCallParser(ExpressionParser expressions)
{
    private TokenReader Tokens => expressions.Tokens;

    /// <summary>What stands between the parentheses; null where the function is not one of these.</summary>
    public SqlNode? TryParse(Token name, string function) => function switch
    {
        "JSON_VALUE" => ParseQuestion(name, JsonFunction.Value),
        "JSON_QUERY" => ParseQuestion(name, JsonFunction.Query),
        "JSON_EXISTS" => ParseQuestion(name, JsonFunction.Exists),
        "JSON_OBJECT" => ParseObject(name),
        "JSON_ARRAY" => ParseArray(name),
        _ => null,
    };

    private SqlNode.JsonAsked ParseQuestion(Token name, JsonFunction function)
    {
        var title = name.Text.ToUpperInvariant();
        var document = expressions.Parse();
        Tokens.ExpectSymbol(",", $"the first argument of {title}");
        var path = expressions.Parse();
        DataType? returning = function != JsonFunction.Exists && Tokens.TryTakeWords("RETURNING") ? new TypeParser(Tokens).ParseTarget() : null;
        if (returning is not null && Tokens.AreWords("NOT", "NULL")) throw SqlErrorException.Wrong(Tokens.Current.Offset, "RETURNING takes a type without NOT NULL; write what happens ON EMPTY and ON ERROR.");
        var wrapper = function == JsonFunction.Query ? ParseWrapper() : JsonWrapper.Never;
        JsonBehavior? onEmpty = null, onError = null;
        while (!Tokens.Current.IsSymbol(")"))
        {
            var start = Tokens.Current;
            var behavior = ParseBehavior(function, title);
            Tokens.ExpectWord("ON", "the behaviour");
            if (function == JsonFunction.Value && onError is not null && Tokens.IsWord("EMPTY")) throw SqlErrorException.Wrong(start.Offset, "ON EMPTY comes before ON ERROR.");
            if (function != JsonFunction.Exists && Tokens.TryTakeWords("EMPTY")) Set(ref onEmpty, behavior, start, "ON EMPTY");
            else if (Tokens.TryTakeWords("ERROR")) Set(ref onError, behavior, start, "ON ERROR");
            else throw Tokens.Expected(function == JsonFunction.Exists ? "ERROR" : "EMPTY or ERROR", "ON");
        }
        return new SqlNode.JsonAsked(name.Offset, function, document, path, returning, wrapper, onEmpty, onError);
    }

    private static void Set(ref JsonBehavior? target, JsonBehavior behavior, Token start, string what)
    {
        if (target is not null) throw SqlErrorException.Wrong(start.Offset, $"{what} is given twice.");
        target = behavior;
    }

    private JsonWrapper ParseWrapper()
    {
        var isWithout = Tokens.TryTakeWords("WITHOUT");
        if (!isWithout && !Tokens.TryTakeWords("WITH")) return JsonWrapper.Never;
        var isConditional = !isWithout && Tokens.TryTakeWords("CONDITIONAL");
        if (!isWithout && !isConditional) Tokens.TryTakeWords("UNCONDITIONAL");
        Tokens.TryTakeWords("ARRAY");
        Tokens.ExpectWord("WRAPPER", isWithout ? "WITHOUT" : "WITH");
        return isWithout ? JsonWrapper.Never : isConditional ? JsonWrapper.UnlessArray : JsonWrapper.Always;
    }

    private JsonBehavior ParseBehavior(JsonFunction function, string title)
    {
        var start = Tokens.Current;
        if (Tokens.TryTakeWords("ERROR")) return new JsonBehavior(JsonBehaviorKind.Error, null);
        switch (function)
        {
            case JsonFunction.Value:
                if (Tokens.TryTakeWords("NULL")) return JsonBehavior.Null;
                if (Tokens.TryTakeWords("DEFAULT")) return new JsonBehavior(JsonBehaviorKind.Default, expressions.Parse());
                throw Tokens.Expected("')', RETURNING, NULL, ERROR or DEFAULT", "the path of JSON_VALUE");
            case JsonFunction.Query:
                if (Tokens.TryTakeWords("NULL")) return JsonBehavior.Null;
                if (Tokens.TryTakeWords("EMPTY", "ARRAY")) return new JsonBehavior(JsonBehaviorKind.Default, new SqlNode.Characters(start.Offset, "[]"));
                if (Tokens.TryTakeWords("EMPTY", "OBJECT")) return new JsonBehavior(JsonBehaviorKind.Default, new SqlNode.Characters(start.Offset, "{}"));
                throw Tokens.Expected("')', RETURNING, WITH, WITHOUT, NULL, ERROR, EMPTY ARRAY or EMPTY OBJECT", "the path of JSON_QUERY");
            default:
                if (Tokens.TryTakeWords("TRUE")) return new JsonBehavior(JsonBehaviorKind.Default, new SqlNode.Truth(start.Offset, true));
                if (Tokens.TryTakeWords("FALSE")) return new JsonBehavior(JsonBehaviorKind.Default, new SqlNode.Truth(start.Offset, false));
                if (Tokens.TryTakeWords("UNKNOWN")) return JsonBehavior.Null;
                throw Tokens.Expected("')', TRUE, FALSE, UNKNOWN or ERROR", $"the path of {title}");
        }
    }

    /// <summary>JSON_OBJECT([KEY] name VALUE value, name : value, … [NULL | ABSENT ON NULL]).</summary>
    private SqlNode.JsonMade ParseObject(Token name)
    {
        var keys = ImmutableArray.CreateBuilder<SqlNode>();
        var values = ImmutableArray.CreateBuilder<SqlNode>();
        if (!Tokens.Current.IsSymbol(")") && !IsNullClause())
        {
            do
            {
                var hasKeyword = Tokens.IsWord("KEY") && !Tokens.Ahead().IsWord("VALUE") && !Tokens.Ahead().IsSymbol(":");
                if (hasKeyword) Tokens.Take();
                keys.Add(expressions.Parse());
                if (hasKeyword || !Tokens.TryTakeSymbol(":")) Tokens.ExpectWord("VALUE", "the key of JSON_OBJECT");
                values.Add(expressions.Parse());
            }
            while (Tokens.TryTakeSymbol(","));
        }
        return new SqlNode.JsonMade(name.Offset, keys.ToImmutable(), values.ToImmutable(), ParseIsAbsentOnNull(isAbsent: false));
    }

    /// <summary>JSON_ARRAY(value, … [NULL | ABSENT ON NULL]).</summary>
    private SqlNode.JsonMade ParseArray(Token name)
    {
        var values = ImmutableArray.CreateBuilder<SqlNode>();
        if (!Tokens.Current.IsSymbol(")") && !IsNullClause())
        {
            do values.Add(expressions.Parse());
            while (Tokens.TryTakeSymbol(","));
        }
        return new SqlNode.JsonMade(name.Offset, null, values.ToImmutable(), ParseIsAbsentOnNull(isAbsent: true));
    }

    private bool IsNullClause() => Tokens.AreWords("NULL", "ON", "NULL") || Tokens.AreWords("ABSENT", "ON", "NULL");

    private bool ParseIsAbsentOnNull(bool isAbsent)
    {
        if (Tokens.TryTakeWords("ABSENT", "ON", "NULL")) return true;
        return !Tokens.TryTakeWords("NULL", "ON", "NULL") && isAbsent;
    }
}
