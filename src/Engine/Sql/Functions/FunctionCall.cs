using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Casting;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;
using Matih.Sql.Syntax;

namespace Matih.Sql.Functions;

/// <summary>A call while it is bound: its arguments with their types, and what a type rule wants to do with them.</summary>
internal sealed class FunctionCall(string name, int offset, ImmutableArray<SqlNode> nodes, ImmutableArray<Expression> arguments)
{
    public string Name { get; } = name;
    public int Offset { get; } = offset;

    /// <summary>Number of arguments, keywords included.</summary>
    public int Count => arguments.Length;

    /// <summary>The argument, as it was written: CHAR literals, untyped NULLs.</summary>
    public Expression this[int index] => arguments[index];

    public IEnumerable<Expression> Arguments => arguments;

    /// <summary>The argument that is a word, such as the unit of EXTRACT; null where it is an expression.</summary>
    public string? Keyword(int index) => (nodes[index] as SqlNode.Keyword)?.Word;

    /// <summary>The argument's value where it is a literal; null where it is computed.</summary>
    public Constant? Literal(int index) => (arguments[index] as Expression.Literal)?.Value;

    /// <summary>Refuses any other number of arguments, as Flink does.</summary>
    public void ExpectCount(int min, int max)
    {
        if (Count >= min && Count <= max) return;
        var expected = min == max ? $"{min}" : max == int.MaxValue ? $"at least {min}" : $"{min} to {max}";
        throw SqlErrorException.Wrong(Offset, $"{Name} takes {expected} argument{(expected == "1" ? "" : "s")}, found {Count}.");
    }

    /// <summary>A string argument (an untyped NULL becomes one).</summary>
    public Expression Text(int index) => Expect(index, "a string", TypeRules.IsText, DataType.String);

    /// <summary>A number of any type (an untyped NULL becomes an INT).</summary>
    public Expression Number(int index) => Expect(index, "a number", TypeRules.IsNumeric, new DataType.Int());

    /// <summary>A number as DOUBLE.</summary>
    public Expression Double(int index) => Casts.ImplicitCast(Number(index), new DataType.Double(), OffsetOf(index));

    /// <summary>A whole number up to INT.</summary>
    public Expression Int(int index) =>
        Casts.ImplicitCast(Expect(index, "an INT", type => TypeRules.IsInteger(type) && type is not DataType.BigInt, new DataType.Int()), new DataType.Int(), OffsetOf(index));

    /// <summary>A whole number as BIGINT.</summary>
    public Expression BigInt(int index) =>
        Casts.ImplicitCast(Expect(index, "a whole number", TypeRules.IsInteger, new DataType.BigInt()), new DataType.BigInt(), OffsetOf(index));

    /// <summary>A truth value.</summary>
    public Expression Boolean(int index) => Expect(index, "a BOOLEAN", type => type is DataType.Boolean, new DataType.Boolean());

    /// <summary>An argument of a type that <paramref name="isAccepted"/>; an untyped NULL takes <paramref name="typeOfNull"/>.</summary>
    public Expression Expect(int index, string what, Func<DataType, bool> isAccepted, DataType typeOfNull)
    {
        var argument = arguments[index];
        if (argument.Type is DataType.Null) return new Expression.Literal(Constant.Null(typeOfNull));
        if (Keyword(index) is null && isAccepted(argument.Type)) return argument;
        throw SqlErrorException.Unsupported(OffsetOf(index), $"{argument.Type.Name} as argument {index + 1} of {Name} (it takes {what})");
    }

    public int OffsetOf(int index) => nodes[index].Offset;

    /// <summary>What Flink would run, but not this engine.</summary>
    public SqlErrorException Unsupported(string what) => SqlErrorException.Unsupported(Offset, what);

    /// <summary>A kernel over arguments; the result is nullable where any argument is.</summary>
    public Expression Apply(Kernel kernel, DataType type, params ImmutableArray<Expression> over) =>
        new Expression.Apply(kernel, over, TypeRules.NullableLike(type, over.Select(argument => argument.Type)));

    /// <summary>As <see cref="Apply"/>, with the type's own nullability.</summary>
    public Expression ApplyAs(Kernel kernel, DataType type, params ImmutableArray<Expression> over) => new Expression.Apply(kernel, over, type);
}
