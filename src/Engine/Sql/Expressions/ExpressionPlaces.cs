namespace Matih.Sql.Expressions;

/// <summary>Where an expression stands: the statement of the chain and the characters before it.</summary>
internal readonly record struct ExpressionPlace(int Statement, int Offset);

/// <summary>Remembers where bound expressions stand, for errors that later passes find, and numbers what a chain has several of. One for a chain.</summary>
internal sealed class ExpressionPlaces
{
    private readonly Dictionary<Expression, ExpressionPlace> _places = new(ReferenceEqualityComparer.Instance);

    private int _unnestCount;

    /// <summary>A number for the next UNNEST of the chain.</summary>
    public int NumberUnnest() => ++_unnestCount;

    /// <summary>The first place stays: a column that a later statement names stands where it was computed.</summary>
    public void Add(Expression expression, ExpressionPlace place) => _places.TryAdd(expression, place);

    public ExpressionPlace? Find(Expression expression) => _places.TryGetValue(expression, out var place) ? place : null;
}
