using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Functions;
using Matih.Sql.Casting;
using Matih.Sql.Conditions;
using Matih.Sql.Execution;
using Matih.Sql.Expressions;
using Matih.Sql.Nested;
using Matih.Sql.Numbers;
using Matih.Sql.Syntax;

namespace Matih.Sql.Binding;

/// <summary>Pass: gives names their columns and everything its type; conversions become explicit.</summary>
internal sealed class Binder(FromScope scope, ExpressionPlaces places, int statement)
{
    public Expression Bind(SqlNode node)
    {
        var expression = LiteralBinder.Bind(node) ?? BindComputed(node);
        places.Add(expression, new ExpressionPlace(statement, node.Offset));
        // A chain of transformations can go deeper than any one statement may.
        return expression.Depth <= Expression.DepthMax
            ? expression
            : throw SqlErrorException.Wrong(node.Offset, $"With the transformations before, this expression is more than {Expression.DepthMax} operations deep.");
    }

    private Expression BindComputed(SqlNode node) => node switch
    {
        SqlNode.Name name => BindName(name),
        SqlNode.Prefix prefix => BindPrefix(prefix),
        SqlNode.Infix infix => BindInfix(infix),
        SqlNode.Junction junction => ComparisonOperators.Junction(junction.IsAnd, [.. junction.Operands.Select(operand => BindCondition(operand, junction.IsAnd ? "AND" : "OR"))]),
        SqlNode.Is question => BindIs(question),
        SqlNode.IsJson question => JsonPredicate.Bind(Bind(question.Operand), question.Kind, question.IsNegated, question.Offset),
        SqlNode.Distinct distinct => ComparisonOperators.Distinct(Bind(distinct.Left), Bind(distinct.Right), distinct.IsNegated, distinct.Offset),
        SqlNode.Between between => Negate(between.IsNegated, ComparisonOperators.Between(Bind(between.Operand), Bind(between.Low), Bind(between.High), between.IsSymmetric, between.Offset)),
        SqlNode.In list => Negate(list.IsNegated, ComparisonOperators.In(Bind(list.Operand), [.. list.Items.Select(item => (Bind(item), item.Offset))])),
        SqlNode.Like like => BindLike(like),
        SqlNode.Case choice => BindCase(choice),
        SqlNode.Cast cast => Casts.Bind(Bind(cast.Operand), cast.Type, cast.IsTry, cast.Offset),
        SqlNode.JsonAsked json => JsonBinder.Bind(json, Bind),
        SqlNode.JsonMade json => JsonBinder.Bind(json, Bind),
        SqlNode.Call call => BindCall(call),
        SqlNode.Subscript subscript => BindSubscript(subscript),
        SqlNode.Member member => ItemAccess.Field(Bind(member.Operand), member.Field, member.Offset),
        SqlNode.Constructor constructor => BindConstructor(constructor),
        SqlNode.Keyword keyword => new Expression.Literal(Constant.Text(keyword.Word)),
        _ => throw new InvalidOperationException($"No rule binds {node.GetType().Name}."),
    };

    /// <summary>An expression that must be a truth value.</summary>
    public Expression BindCondition(SqlNode node, string where)
    {
        var condition = Bind(node);
        if (condition.Type is DataType.Null) return where == "WHEN" ? new Expression.Literal(Constant.Boolean(null)) : throw TypeRules.BareNull(where, node.Offset);
        return condition.Type is DataType.Boolean
            ? condition
            : throw SqlErrorException.Wrong(node.Offset, $"{where} takes a BOOLEAN, found {condition.Type.Name}.");
    }

    private static Expression Negate(bool isNegated, Expression condition) => isNegated ? Logic.Not(condition) : condition;

    private Expression BindName(SqlNode.Name name)
    {
        var parts = name.Parts;
        var table = parts.Length >= 2 ? scope.FindTable(parts[0]) : null;
        if (table is not null) parts = parts[1..];
        if ((table is null ? scope.Find(parts[0], name.Offset) : table.Find(parts[0])) is { } column)
        {
            if (TypeRules.WhyNotHeld(column.Type) is { } what) throw SqlErrorException.Unsupported(name.Offset, $"{what} (column '{parts[0]}')");
            foreach (var field in parts[1..]) column = ItemAccess.Field(column, field, name.Offset);
            return column;
        }
        if (parts.Length > 1) throw SqlErrorException.Wrong(name.Offset, $"There is no table '{parts[0]}'{NearestName.Suggest(parts[0], scope.TableNames.Concat(scope.ColumnNames))}");
        if (scope.HasHeaders && parts[0] == NameScope.Headers)
            throw SqlErrorException.Unsupported(name.Offset, "The whole map of headers (take one by name: headers['name'])");
        if (scope.Tables.IsEmpty) throw SqlErrorException.Wrong(name.Offset, $"There is no column '{parts[0]}': the statement has no FROM.");
        var tables = table is null ? scope.Tables.Select(known => known.Scope) : [table];
        throw SqlErrorException.Wrong(name.Offset, $"There is no column '{parts[0]}' in {string.Join(", ", tables.Select(known => $"'{known.Table}'"))}{NearestName.Suggest(parts[0], tables.SelectMany(known => known.Names))}");
    }

    private Expression BindSubscript(SqlNode.Subscript subscript)
    {
        if (subscript.Operand is not SqlNode.Name name || !scope.HasHeaders || name.Parts[^1] != NameScope.Headers)
            return ItemAccess.Item(Bind(subscript.Operand), Bind(subscript.Index), subscript.Offset, subscript.Index.Offset);
        if (subscript.Index is not SqlNode.Characters key) throw SqlErrorException.Unsupported(subscript.Offset, "A computed header name (write it as a string)");
        return new Expression.Input(new InputColumn.Header(key.Value));
    }

    private Expression BindConstructor(SqlNode.Constructor constructor)
    {
        var parts = constructor.Parts.Select(part => (Bind(part), part.Offset)).ToImmutableArray();
        return constructor.Kind switch
        {
            "ARRAY" => Constructors.Array(parts, constructor.Offset),
            "MAP" => Constructors.Map(parts, constructor.Offset),
            _ => Constructors.Row(parts),
        };
    }

    private Expression BindPrefix(SqlNode.Prefix prefix)
    {
        if (prefix.Operator == "NOT") return Logic.Not(BindCondition(prefix.Operand, "NOT"));
        var operand = Bind(prefix.Operand);
        if (operand.Type is DataType.Null) throw TypeRules.BareNull($"'{prefix.Operator}'", prefix.Offset);
        if (!TypeRules.IsNumeric(operand.Type) && operand.Type is not (DataType.DayTimeInterval or DataType.YearMonthInterval))
            throw SqlErrorException.Wrong(prefix.Offset, $"'{prefix.Operator}' takes a number, found {operand.Type.Name}.");
        return prefix.Operator == "+" ? operand : Arithmetic.Negate(operand);
    }

    private Expression BindInfix(SqlNode.Infix infix)
    {
        var (left, right) = (Bind(infix.Left), Bind(infix.Right));
        return infix.Operator switch
        {
            "+" or "-" or "*" or "/" or "%" => Operators.Arithmetic(infix.Operator, left, right, infix.Offset),
            "||" => Operators.Concatenate(left, right, infix.Offset),
            _ => ComparisonOperators.Compare(infix.Operator, left, right, infix.Offset),
        };
    }

    private Expression BindIs(SqlNode.Is question)
    {
        if (question.What == "NULL")
        {
            var operand = Bind(question.Operand);
            return operand.Type is DataType.Null ? new Expression.Literal(Constant.Boolean(!question.IsNegated)) : Logic.IsNull(operand, question.IsNegated);
        }
        var condition = BindCondition(question.Operand, $"IS {question.What}");
        return question.What == "UNKNOWN"
            ? Logic.IsNull(condition, question.IsNegated)
            : Logic.IsTruth(condition, question.What == "TRUE", question.IsNegated);
    }

    private Expression BindLike(SqlNode.Like like)
    {
        var escape = like.Escape is null ? null : Bind(like.Escape);
        if (like.IsSimilar) return Negate(like.IsNegated, Operators.Similar(Bind(like.Operand), Bind(like.Pattern), escape, like.Offset));
        return Negate(like.IsNegated, Operators.Like(Bind(like.Operand), Bind(like.Pattern), escape, like.Offset));
    }

    private Expression BindCase(SqlNode.Case choice)
    {
        var operand = choice.Operand is null ? null : Bind(choice.Operand);
        var branches = choice.Branches.Select(branch => (
            When: operand is null ? BindCondition(branch.When, "WHEN") : ComparisonOperators.Compare("=", operand, Bind(branch.When), branch.When.Offset),
            Then: Bind(branch.Then),
            branch.Then.Offset)).ToArray();
        var otherwise = choice.Otherwise is null ? new Expression.Literal(Constant.Null(new DataType.Null())) : Bind(choice.Otherwise);
        var type = otherwise.Type;
        foreach (var (_, then, offset) in branches)
            type = TypeRules.Common(then.Type, type)
                ?? throw ConditionalFunctions.Mixed("CASE", then.Type, type, offset);
        if (type is DataType.Null) throw SqlErrorException.Unsupported(choice.Offset, "CASE of nothing but NULL (give it a type: CAST(NULL AS INT))");
        return new Expression.Choice(
            [.. branches.Select(branch => (branch.When, Casts.ImplicitCast(branch.Then, type, branch.Offset)))],
            Casts.ImplicitCast(otherwise, type, choice.Otherwise?.Offset ?? choice.Offset), type);
    }

    private Expression BindCall(SqlNode.Call call)
    {
        var function = FunctionTable.Find(call.Function);
        if (function is null)
        {
            if (UnsupportedFunctions.WhyNeverRun(call.Function) is { } reason) throw SqlErrorException.Unsupported(call.Offset, $"The function {call.Function} ({reason})");
            if (UnsupportedFunctions.IsLater(call.Function)) throw SqlErrorException.Wrong(call.Offset, $"Flink SQL 1.20 has no function {call.Function}; later versions have it.");
            if (UnsupportedFunctions.Knows(call.Function)) throw SqlErrorException.Unsupported(call.Offset, $"The function {call.Function}");
            throw SqlErrorException.Wrong(call.Offset, $"There is no function {call.Function}{NearestName.Suggest(call.Function, FunctionTable.Names)}");
        }
        return function.Bind(new FunctionCall(call.Function, call.Offset, call.Arguments, [.. call.Arguments.Select(Bind)]));
    }
}
