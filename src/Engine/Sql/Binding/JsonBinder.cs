using System.Collections.Immutable;
using Matih.Batches;
using Matih.Json;
using Matih.Sql.Execution;
using Matih.Sql.Expressions;
using Matih.Sql.Strings;
using Matih.Sql.Syntax;

namespace Matih.Sql.Binding;

/// <summary>Binds the JSON functions that have clauses of their own.</summary>
internal static class JsonBinder
{
    /// <summary>JSON_VALUE, JSON_QUERY and JSON_EXISTS.</summary>
    public static Expression Bind(SqlNode.JsonAsked json, Func<SqlNode, Expression> bind)
    {
        var name = $"JSON_{json.Function.ToString().ToUpperInvariant()}";
        var document = bind(json.Document);
        if (document.Type is DataType.Null) document = new Expression.Literal(Constant.Null(DataType.String));
        if (!TypeRules.IsText(document.Type)) throw SqlErrorException.Wrong(json.Document.Offset, $"{name} takes a string, found {document.Type.Name}.");
        var type = TypeOf(json).OrNull();
        var empty = json is { Function: JsonFunction.Exists } ? Constant.Boolean(false) with { Type = type } : BindBehavior(json.OnEmpty, json.Offset, type, name, bind);
        var error = json is { Function: JsonFunction.Exists, OnError: null } ? empty : BindBehavior(json.OnError, json.Offset, type, name, bind);
        if (bind(json.Path) is not Expression.Literal literal) throw SqlErrorException.Unsupported(json.Path.Offset, "A computed JSON path (write it as a string)");
        if (literal.Value.IsNull) return new Expression.Literal(Constant.Null(type));
        if (!TypeRules.IsText(literal.Type)) throw SqlErrorException.Wrong(json.Path.Offset, $"A JSON path is a string, found {literal.Type.Name}.");
        var path = literal.Value.AsText();
        if (!JsonPath.TryParse(path, out var parsed, out var reason, out var at))
            throw SqlErrorException.Unsupported(json.Path.Offset + 1 + at, $"The JSON path '{path}' ({reason}; Flink gives what ON ERROR says, for every row)");
        if (!parsed.IsSupported) throw SqlErrorException.Unsupported(json.Path.Offset, $"{parsed.Unsupported} in a JSON path");
        return new Expression.Json(document, new JsonQuestion(path, type, empty, error) { Function = json.Function, Wrapper = json.Wrapper, IsDefinite = parsed.IsDefinite });
    }

    private static DataType TypeOf(SqlNode.JsonAsked json)
    {
        if (json.Function == JsonFunction.Exists) return new DataType.Boolean();
        var type = json.Returning ?? DataType.String;
        if (type is DataType.Varchar { Length: DataType.Varchar.LengthMax }) return type;
        if (json.Function == JsonFunction.Query) throw SqlErrorException.Unsupported(json.Offset, $"JSON_QUERY … RETURNING {type.Name} (RETURNING STRING is)");
        if (type is DataType.Int or DataType.Double or DataType.Boolean) return type;
        throw SqlErrorException.Wrong(json.Offset, $"JSON_VALUE cannot return {type.Name}; RETURNING knows STRING, INTEGER, DOUBLE and BOOLEAN. Use CAST(JSON_VALUE(…) AS {type.Name}).");
    }

    private static Constant? BindBehavior(JsonBehavior? behavior, int offset, DataType type, string name, Func<SqlNode, Expression> bind)
    {
        if (behavior is null or { Kind: JsonBehaviorKind.Null }) return Constant.Null(type);
        if (behavior.Kind == JsonBehaviorKind.Error) return null;
        var value = ConstantFolder.Fold(bind(behavior.Value!));
        if (value is not Expression.Literal literal) throw SqlErrorException.Unsupported(behavior.Value!.Offset, $"A computed DEFAULT of {name}");
        if (literal.Value.IsNull) return Constant.Null(type);
        if (literal.Type.Layout != type.Layout || TypeRules.IsBinary(literal.Type) || TypeRules.IsTemporal(literal.Type))
            throw SqlErrorException.Unsupported(behavior.Value!.Offset, $"A DEFAULT of type {literal.Type.Name} for {name} … RETURNING {type.Name}");
        return literal.Value with { Type = type };
    }

    /// <summary>JSON_OBJECT and JSON_ARRAY.</summary>
    public static Expression Bind(SqlNode.JsonMade json, Func<SqlNode, Expression> bind)
    {
        var name = json.Keys is null ? "JSON_ARRAY" : "JSON_OBJECT";
        var values = ImmutableArray.CreateBuilder<Expression>(json.Values.Length);
        foreach (var node in json.Values)
        {
            var value = bind(node);
            if (value.Type is DataType.Null) throw TypeRules.BareNull(name, node.Offset);
            if (JsonOutput.WhyNot(value.Type) is { } what) throw SqlErrorException.Wrong(node.Offset, $"{name} takes no {what}; cast it to STRING.");
            if (JsonConstructors.IsJsonInBranch(value)) throw SqlErrorException.Unsupported(node.Offset, $"JSON_OBJECT or JSON_ARRAY within CASE, IF or COALESCE as a value of {name} (put the {name} into each branch)");
            values.Add(value);
        }
        if (json.Keys is not { } keys) return JsonConstructors.Array(values.ToImmutable(), json.IsAbsentOnNull);
        var members = new SortedDictionary<string, Expression>(StringComparer.Ordinal);
        for (var i = 0; i < keys.Length; i++)
        {
            if (ConstantFolder.Fold(bind(keys[i])) is not Expression.Literal { Value: var key }) throw SqlErrorException.Unsupported(keys[i].Offset, "A computed key of JSON_OBJECT (write it as a string)");
            if (key.IsNull || !TypeRules.IsText(key.Type)) throw SqlErrorException.Wrong(keys[i].Offset, $"A key of JSON_OBJECT is a string, found {key}.");
            if (!members.TryAdd(key.AsText(), values[i])) throw SqlErrorException.Unsupported(keys[i].Offset, $"The key {key} twice in JSON_OBJECT");
        }
        return JsonConstructors.Object([.. members.Keys], [.. members.Values], json.IsAbsentOnNull);
    }
}
