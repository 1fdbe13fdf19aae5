using System.Runtime.CompilerServices;
using Matih.Batches;
using Matih.Sql.Expressions;

namespace Matih.Sql.Binding;

/// <summary>
/// Pass: lets the decoder answer plain JSON_VALUE calls over the record's value, in the one pass that it makes anyway; the
/// value itself is then not needed. Only where the source promises that every value is a JSON document.
/// </summary>
internal sealed class JsonPushDown(QueryInput source)
{
    private readonly ConditionalWeakTable<Expression, Expression> _rewritten = [];

    public Expression Apply(Expression expression)
    {
        if (source.Format != InputFormat.Json) return expression;
        if (_rewritten.TryGetValue(expression, out var known)) return known;
        var result = expression is Expression.Json { Question.IsDefault: true, Document: Expression.Input { Source: InputColumn.Metadata { Part: RecordMetadata.Value } } } json
            ? new Expression.Input(new InputColumn.JsonScalar(json.Question.Path))
            : ExpressionRewriter.WithChildren(expression, Apply);
        _rewritten.Add(expression, result);
        return result;
    }
}
