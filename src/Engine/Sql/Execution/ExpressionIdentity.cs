using System.Runtime.CompilerServices;
using Matih.Sql.Expressions;

namespace Matih.Sql.Execution;

/// <summary>Numbers expressions so that those that say the same have the same number.</summary>
internal sealed class ExpressionIdentity
{
    private readonly Dictionary<Expression, int> _seen = new(ReferenceComparer.Instance);
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private int _next;

    public int Of(Expression expression)
    {
        if (_seen.TryGetValue(expression, out var number)) return number;
        var key = Key(expression);
        if (key is null) number = _next++;
        else if (!_numbers.TryGetValue(key, out number)) _numbers[key] = number = _next++;
        _seen[expression] = number;
        return number;
    }

    private string? Key(Expression expression) => expression switch
    {
        Expression.Input input => $"input {input.Source}",
        Expression.Element element => $"element {element.Unnest}",
        Expression.Literal literal => $"literal {literal.Type} {literal.Value}",
        Expression.Apply { Kernel.IsDeterministic: false } => null,
        Expression.Apply apply => $"{apply.Kernel.Name} {apply.Type} {Children(expression)}",
        Expression.Retype retype => $"TYPE {retype.Type} {Children(expression)}",
        Expression.Junction junction => $"{(junction.IsAnd ? "AND" : "OR")} {Children(expression)}",
        Expression.Choice choice => $"CASE {choice.Type} {Children(expression)}",
        Expression.FieldOf access => $"FIELD {access.Index} {Children(expression)}",
        Expression.Json json => $"JSON {json.Question} {Children(expression)}",
        _ => null,
    };

    private string Children(Expression expression) => string.Join(',', expression.Children.Select(Of));

    private sealed class ReferenceComparer : IEqualityComparer<Expression>
    {
        public static ReferenceComparer Instance { get; } = new();
        public bool Equals(Expression? x, Expression? y) => ReferenceEquals(x, y);
        public int GetHashCode(Expression expression) => RuntimeHelpers.GetHashCode(expression);
    }
}
