using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Execution;

/// <summary>
/// Pass: computes what depends on no row, with the kernels that rows would use, and leaves out branches that no row can reach.
/// What fails is left as it is and remembered: unless it is left out with its branch, the statement is wrong, as in Flink.
/// </summary>
internal sealed class ConstantFolder(QuerySettings settings)
{
    private readonly ConditionalWeakTable<Expression, Expression> _folded = [];
    private readonly Dictionary<Expression, Expression> _originals = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Expression, string> _failures = new(ReferenceEqualityComparer.Instance);

    public static Expression Fold(Expression expression) => new ConstantFolder(QuerySettings.Default).Apply(expression);

    public Expression Apply(Expression expression)
    {
        if (_folded.TryGetValue(expression, out var known)) return known;
        var result = Evaluate(DropUnreached(FoldChildren(expression)));
        _folded.Add(expression, result);
        _originals.TryAdd(result, expression);
        return result;
    }

    /// <summary>What fails in a folded expression whatever the row, each with the place that was bound to it or to what it is part of.</summary>
    public IEnumerable<(ExpressionPlace? Place, string Reason)> Failures(Expression folded, ExpressionPlaces places)
    {
        var seen = new HashSet<Expression>(ReferenceEqualityComparer.Instance);
        var open = new Stack<(Expression, ExpressionPlace?)>([(folded, null)]);
        while (open.TryPop(out var next))
        {
            var (expression, around) = next;
            if (!seen.Add(expression)) continue;
            var place = places.Find(_originals.GetValueOrDefault(expression, expression)) ?? around;
            if (_failures.TryGetValue(expression, out var reason)) yield return (place, reason);
            else foreach (var child in expression.Children) open.Push((child, place));
        }
    }

    private Expression FoldChildren(Expression expression) => ExpressionRewriter.WithChildren(expression, Apply);

    private static Expression DropUnreached(Expression expression) => expression switch
    {
        Expression.Choice choice => DropUnreached(choice),
        Expression.Junction junction => DropUnreached(junction),
        _ => expression,
    };

    private static Expression DropUnreached(Expression.Choice choice)
    {
        var branches = ImmutableArray.CreateBuilder<(Expression When, Expression Then)>();
        var otherwise = choice.Otherwise;
        foreach (var (when, then) in choice.Branches)
        {
            if (TruthOf(when) is not { } isTaken)
            {
                branches.Add((when, then));
                continue;
            }
            if (!isTaken) continue;
            otherwise = then;
            break;
        }
        if (branches.Count == choice.Branches.Length) return choice;
        if (branches.Count > 0) return new Expression.Choice(branches.ToImmutable(), otherwise, choice.Type);
        return otherwise.Type == choice.Type ? otherwise : new Expression.Retype(otherwise, choice.Type);
    }

    /// <summary>What comes after an operand that decides is never asked.</summary>
    private static Expression DropUnreached(Expression.Junction junction)
    {
        for (var i = 0; i < junction.Operands.Length; i++)
        {
            if (junction.Operands[i] is not Expression.Literal { Value.Value: byte truth } literal || truth != 0 == junction.IsAnd) continue;
            if (i == 0) return literal.Type == junction.Type ? literal : new Expression.Literal(literal.Value with { Type = junction.Type });
            return i + 1 == junction.Operands.Length ? junction : new Expression.Junction(junction.IsAnd, junction.Operands[..(i + 1)], junction.Type);
        }
        return junction;
    }

    /// <summary>Whether a condition holds for every row or for none; null where that depends on the row.</summary>
    private static bool? TruthOf(Expression condition) =>
        condition is Expression.Literal { Value: var value } ? !value.IsNull && (byte)value.Value! != 0 : null;

    private Expression Evaluate(Expression expression)
    {
        if (expression is Expression.Literal or Expression.Input or Expression.Element || expression.Type.Layout is Layout.List or Layout.Row or Layout.None) return expression;
        if (expression is Expression.Apply { Kernel.IsDeterministic: false }) return expression;
        if (!expression.Children.All(child => child is Expression.Literal)) return expression;
        if (ConstantEvaluator.TryEvaluate(expression, settings, out var failure) is { } constant) return new Expression.Literal(constant);
        _failures.TryAdd(expression, failure);
        return expression;
    }
}

/// <summary>Evaluates an expression over a single row without columns.</summary>
internal static class ConstantEvaluator
{
    public static Constant? TryEvaluate(Expression expression, QuerySettings settings, out string failure)
    {
        var errors = new RowErrors();
        errors.Clear(1);
        var context = new QueryContext(NoClock.Instance, MemoryAccount.Unlimited(), settings.TimeZone) { Errors = errors };
        using var builder = new NodeBuilder(context, ImmutableArray<InputColumn>.Empty);
        var scope = builder.CreateScope(null);
        scope.Frame.FillWhole(1);
        var operand = builder.Build(expression, scope).Evaluate();
        failure = errors.Errors.Count > 0 ? errors.Errors[0].Reason : "";
        return errors.IsAnyLeftOut ? null : Constant.At(operand.Column, 0, expression.Type);
    }
}

/// <summary>For expressions that do not depend on the time.</summary>
internal sealed class NoClock : TimeProvider
{
    public static NoClock Instance { get; } = new();

    public override DateTimeOffset GetUtcNow() => throw new InvalidOperationException("A constant cannot depend on the time.");
}
