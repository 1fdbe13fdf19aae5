using System.Collections.Immutable;
using Matih.Batches;

namespace Matih.Sql.Syntax;

/// <summary>What a statement says, before names and types mean anything. <paramref name="Offset"/> is where a message points.</summary>
internal abstract record SqlNode(int Offset)
{
    /// <summary>A name; several parts are qualified: <c>t.a</c>.</summary>
    public sealed record Name(int Offset, ImmutableArray<string> Parts) : SqlNode(Offset);

    /// <summary>Exact or (with an exponent) approximate; the sign is in the text.</summary>
    public sealed record Number(int Offset, string Digits, bool IsApproximate) : SqlNode(Offset);

    public sealed record Characters(int Offset, string Value) : SqlNode(Offset);

    public sealed record Binary(int Offset, string Hex) : SqlNode(Offset);

    /// <summary>TRUE, FALSE, or UNKNOWN as null.</summary>
    public sealed record Truth(int Offset, bool? Value) : SqlNode(Offset);

    public sealed record Null(int Offset) : SqlNode(Offset);

    /// <summary>DATE '…', TIME '…' or TIMESTAMP '…'.</summary>
    public sealed record Temporal(int Offset, string Kind, string Value) : SqlNode(Offset);

    /// <summary>INTERVAL '…' DAY [TO SECOND].</summary>
    public sealed record Interval(int Offset, bool IsNegative, string Value, string From, string To) : SqlNode(Offset);

    /// <summary>+, - or NOT before an operand.</summary>
    public sealed record Prefix(int Offset, string Operator, SqlNode Operand) : SqlNode(Offset);

    /// <summary>An operator between two operands: arithmetic, <c>||</c>, comparison.</summary>
    public sealed record Infix(int Offset, string Operator, SqlNode Left, SqlNode Right) : SqlNode(Offset);

    /// <summary>Operands joined by AND, or by OR.</summary>
    public sealed record Junction(int Offset, bool IsAnd, ImmutableArray<SqlNode> Operands) : SqlNode(Offset);

    public sealed record Between(int Offset, bool IsNegated, bool IsSymmetric, SqlNode Operand, SqlNode Low, SqlNode High) : SqlNode(Offset);

    public sealed record In(int Offset, bool IsNegated, SqlNode Operand, ImmutableArray<SqlNode> Items) : SqlNode(Offset);

    /// <summary>LIKE, or SIMILAR TO.</summary>
    public sealed record Like(int Offset, bool IsNegated, bool IsSimilar, SqlNode Operand, SqlNode Pattern, SqlNode? Escape) : SqlNode(Offset);

    /// <summary>IS [NOT] NULL, TRUE, FALSE, UNKNOWN.</summary>
    public sealed record Is(int Offset, bool IsNegated, string What, SqlNode Operand) : SqlNode(Offset);

    /// <summary>IS [NOT] JSON VALUE, OBJECT, ARRAY or SCALAR.</summary>
    public sealed record IsJson(int Offset, bool IsNegated, string Kind, SqlNode Operand) : SqlNode(Offset);

    /// <summary>IS [NOT] DISTINCT FROM.</summary>
    public sealed record Distinct(int Offset, bool IsNegated, SqlNode Left, SqlNode Right) : SqlNode(Offset);

    public sealed record Case(int Offset, SqlNode? Operand, ImmutableArray<(SqlNode When, SqlNode Then)> Branches, SqlNode? Otherwise) : SqlNode(Offset);

    public sealed record Cast(int Offset, bool IsTry, SqlNode Operand, DataType Type) : SqlNode(Offset);

    /// <summary>JSON_VALUE, JSON_QUERY or JSON_EXISTS; clauses that are not written are null.</summary>
    public sealed record JsonAsked(
        int Offset, JsonFunction Function, SqlNode Document, SqlNode Path, DataType? Returning, JsonWrapper Wrapper, JsonBehavior? OnEmpty, JsonBehavior? OnError) : SqlNode(Offset);

    /// <summary>JSON_OBJECT, or JSON_ARRAY where there are no keys.</summary>
    public sealed record JsonMade(int Offset, ImmutableArray<SqlNode>? Keys, ImmutableArray<SqlNode> Values, bool IsAbsentOnNull) : SqlNode(Offset);

    /// <summary>A function by name. Keyword syntax has become plain arguments, e.g. EXTRACT(<see cref="Keyword"/>, x).</summary>
    public sealed record Call(int Offset, string Function, ImmutableArray<SqlNode> Arguments) : SqlNode(Offset);

    /// <summary>A word that is an argument by itself: a time unit, BOTH, LEADING, TRAILING. Upper case.</summary>
    public sealed record Keyword(int Offset, string Word) : SqlNode(Offset);

    public sealed record Subscript(int Offset, SqlNode Operand, SqlNode Index) : SqlNode(Offset);

    /// <summary>A field of what is no plain name: <c>a[1].b</c>.</summary>
    public sealed record Member(int Offset, SqlNode Operand, string Field) : SqlNode(Offset);

    /// <summary>ARRAY[…], MAP[…], ROW(…) or (…, …).</summary>
    public sealed record Constructor(int Offset, string Kind, ImmutableArray<SqlNode> Parts) : SqlNode(Offset);
}

internal enum JsonBehaviorKind { Null, Error, Default }

/// <summary>What JSON_VALUE, JSON_QUERY or JSON_EXISTS gives ON EMPTY or ON ERROR.</summary>
internal sealed record JsonBehavior(JsonBehaviorKind Kind, SqlNode? Value)
{
    public static JsonBehavior Null { get; } = new(JsonBehaviorKind.Null, null);
}

/// <summary>An entry of the SELECT list; a null expression is <c>*</c>.</summary>
/// <param name="Table">The table of <c>t.*</c>; null for that of all.</param>
internal sealed record SelectItem(int Offset, SqlNode? Expression, string? Alias, string? Table = null);

/// <summary>The table of FROM.</summary>
/// <param name="Name">Null for <c>{{ input }}</c> and for a query.</param>
internal sealed record TableReference(int Offset, string? Name, string? Alias)
{
    /// <summary>The query in parentheses; null for a table.</summary>
    public SelectStatement? Query { get; init; }

    /// <summary>New names of all columns, as in <c>AS t (a, b)</c>; empty where they keep theirs.</summary>
    public ImmutableArray<string> Columns { get; init; } = [];
}

/// <summary>name [(columns)] AS (query), of WITH.</summary>
internal sealed record CommonTable(int Offset, string Name, ImmutableArray<string> Columns, SelectStatement Query);

/// <summary>A join with the elements of an array or a map of the row: <c>CROSS JOIN UNNEST(a) AS u(x)</c>.</summary>
/// <param name="KeepsEmpty">LEFT JOIN: a row without elements stays, with NULL.</param>
/// <param name="Columns">The names in parentheses; empty where none are given.</param>
/// <param name="Condition">ON of an inner join; null for none, or for ON TRUE.</param>
internal sealed record UnnestJoin(int Offset, bool KeepsEmpty, SqlNode List, string? Alias, ImmutableArray<string> Columns, SqlNode? Condition);

internal sealed record SelectStatement(ImmutableArray<CommonTable> With, ImmutableArray<SelectItem> Items, TableReference? From, ImmutableArray<UnnestJoin> Joins, SqlNode? Where)
{
    /// <summary>Where it begins.</summary>
    public int Offset { get; init; }

    /// <summary>Queries whose rows UNION ALL adds to those of this one.</summary>
    public ImmutableArray<SelectStatement> Unions { get; init; } = [];
}
