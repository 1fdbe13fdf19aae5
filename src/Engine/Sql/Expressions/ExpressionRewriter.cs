using System.Collections.Immutable;

namespace Matih.Sql.Expressions;

/// <summary>Rebuilds an expression with other children; the same object where none changes.</summary>
internal static class ExpressionRewriter
{
    public static Expression WithChildren(Expression expression, Func<Expression, Expression> rewrite)
    {
        switch (expression)
        {
            case Expression.Apply apply:
                var arguments = RewriteAll(apply.Arguments, rewrite);
                return arguments == apply.Arguments ? apply : new Expression.Apply(apply.Kernel, arguments, apply.Type);
            case Expression.Retype retype:
                var operand = rewrite(retype.Operand);
                return ReferenceEquals(operand, retype.Operand) ? retype : new Expression.Retype(operand, retype.Type);
            case Expression.Junction junction:
                var operands = RewriteAll(junction.Operands, rewrite);
                return operands == junction.Operands ? junction : new Expression.Junction(junction.IsAnd, operands, junction.Type);
            case Expression.Choice choice:
                var branches = choice.Branches.Select(branch => (When: rewrite(branch.When), Then: rewrite(branch.Then))).ToImmutableArray();
                return new Expression.Choice(branches, rewrite(choice.Otherwise), choice.Type);
            case Expression.FieldOf access:
                var row = rewrite(access.Operand);
                return ReferenceEquals(row, access.Operand) ? access : new Expression.FieldOf(row, access.Index);
            case Expression.Json json:
                var document = rewrite(json.Document);
                return ReferenceEquals(document, json.Document) ? json : new Expression.Json(document, json.Question);
            default: return expression;
        }
    }

    private static ImmutableArray<Expression> RewriteAll(ImmutableArray<Expression> expressions, Func<Expression, Expression> rewrite)
    {
        ImmutableArray<Expression>.Builder? changed = null;
        for (var i = 0; i < expressions.Length; i++)
        {
            var rewritten = rewrite(expressions[i]);
            if (changed is null && !ReferenceEquals(rewritten, expressions[i]))
            {
                changed = ImmutableArray.CreateBuilder<Expression>(expressions.Length);
                changed.AddRange(expressions.AsSpan(0, i));
            }
            changed?.Add(rewritten);
        }
        return changed?.MoveToImmutable() ?? expressions;
    }
}
