using System.Collections.Immutable;
using Matih.Batches;

namespace Matih.Sql.Expressions;

/// <summary>Pass: lists the columns that are still needed, each once, in the order in which they are first named.</summary>
internal sealed class InputCollector
{
    private readonly HashSet<Expression> _seen = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<InputColumn> _known = [];
    private readonly ImmutableArray<InputColumn>.Builder _inputs = ImmutableArray.CreateBuilder<InputColumn>();

    public static ImmutableArray<InputColumn> Collect(IEnumerable<Expression> expressions)
    {
        var collector = new InputCollector();
        foreach (var expression in expressions) collector.Visit(expression);
        return collector._inputs.ToImmutable();
    }

    private void Visit(Expression expression)
    {
        if (!_seen.Add(expression)) return;
        if (expression is Expression.Input input && _known.Add(input.Source)) _inputs.Add(input.Source);
        foreach (var child in expression.Children) Visit(child);
    }
}
