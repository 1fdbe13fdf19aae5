using System.Runtime.CompilerServices;
using Matih.Batches;
using Matih.Sql.Expressions;

namespace Matih.Sql.Binding;

/// <summary>
/// Pass: lets the decoder answer plain JSON_VALUE calls over the record's value, in the one pass that it makes anyway; the
/// value itself is then not needed. Likewise fields of rows, so that the rest of the row is not read. Only where the source
/// promises that every value is a JSON document.
/// </summary>
internal sealed class JsonPushDown(QueryInput source)
{
    private readonly ConditionalWeakTable<Expression, Expression> _rewritten = [];

    public Expression Apply(Expression expression)
    {
        if (source.Format != InputFormat.Json) return expression;
        if (_rewritten.TryGetValue(expression, out var known)) return known;
        if (expression is Expression.FieldOf { Operand: var operand, Name: var field } && Apply(operand) is Expression.Input { Source: InputColumn.SchemaField or InputColumn.NestedField } row)
            return Remember(expression, new Expression.Input(new InputColumn.NestedField(row.Source, field, expression.Type)));
        return Remember(expression, expression is Expression.Json { Question.IsPlain: true, Document: Expression.Input { Source: InputColumn.Metadata { Part: RecordMetadata.Value } } } json
            ? new Expression.Input(new InputColumn.JsonScalar(json.Question.Path))
            : ExpressionRewriter.WithChildren(expression, Apply));
    }

    private Expression Remember(Expression expression, Expression result)
    {
        _rewritten.Add(expression, result);
        return result;
    }
}
