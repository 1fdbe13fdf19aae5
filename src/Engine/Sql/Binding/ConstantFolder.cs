using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Matih.Batches;

namespace Matih.Sql;

/// <summary>
/// Pass: computes what depends on no row, with the kernels that rows would use. What fails is left as it is, for only a row
/// that reaches it may fail.
/// </summary>
internal sealed class ConstantFolder(QuerySettings settings)
{
    private readonly ConditionalWeakTable<Expression, Expression> _folded = [];

    public static Expression Fold(Expression expression) => new ConstantFolder(QuerySettings.Default).Apply(expression);

    public Expression Apply(Expression expression)
    {
        if (_folded.TryGetValue(expression, out var known)) return known;
        var result = Evaluate(FoldChildren(expression));
        _folded.Add(expression, result);
        return result;
    }

    private Expression FoldChildren(Expression expression) => ExpressionRewriter.WithChildren(expression, Apply);

    private Expression Evaluate(Expression expression)
    {
        if (expression is Expression.Literal or Expression.Input || expression.Type.Lane == Lane.None) return expression;
        if (expression is Expression.Apply { Kernel.IsDeterministic: false }) return expression;
        if (!expression.Children.All(child => child is Expression.Literal)) return expression;
        return ConstantEvaluator.TryEvaluate(expression, settings) is { } constant ? new Expression.Literal(constant) : expression;
    }
}

/// <summary>Evaluates an expression over a single row without columns.</summary>
internal static class ConstantEvaluator
{
    public static Constant? TryEvaluate(Expression expression, QuerySettings settings)
    {
        var errors = new RowErrors();
        errors.Clear(1);
        var context = new ExecutionContext(new NoClock(), MemoryAccount.Unlimited(), settings.TimeZone) { Errors = errors };
        using var builder = new NodeBuilder(context, ImmutableArray<InputColumn>.Empty);
        var scope = builder.CreateScope(null);
        scope.Frame.FillWhole(1);
        var operand = builder.Build(expression, scope).Evaluate();
        return errors.IsAnyLeftOut ? null : Constant.At(operand.Column, 0, expression.Type);
    }

    /// <summary>What depends on the time is not deterministic, and never evaluated here.</summary>
    private sealed class NoClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => throw new InvalidOperationException("A constant cannot depend on the time.");
    }
}
