using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Kernels;

namespace Matih.Sql.Expressions;

/// <summary>A typed expression: names are resolved, conversions explicit. Shared sub-expressions are shared objects.</summary>
internal abstract record Expression(DataType Type)
{
    /// <summary>Whether some row may be rejected by evaluating it.</summary>
    public abstract bool CanFail { get; }

    public abstract ImmutableArray<Expression> Children { get; }

    /// <summary>Longest way down to a leaf, which passes recurse along; limited by <see cref="DepthMax"/>.</summary>
    public virtual int Depth => 1;

    /// <summary>Deepest expression, 1500: what the passes can recurse on the smallest thread stack with room to spare.</summary>
    public const int DepthMax = 1500;

    private static int Above(IEnumerable<Expression> children) => 1 + children.Max(child => (int?)child.Depth) ?? 1;

    public sealed override string ToString() => ExpressionText.Of(this);

    /// <summary>A column that the decoder fills.</summary>
    public sealed record Input(InputColumn Source) : Expression(Source.Type)
    {
        public override bool CanFail => false;
        public override ImmutableArray<Expression> Children => [];
    }

    public sealed record Literal(Constant Value) : Expression(Value.Type)
    {
        /// <summary>A value that is not NULL.</summary>
        public static Literal Of(DataType type, object value) => new(new Constant(type.NotNull(), value));

        public override bool CanFail => false;
        public override ImmutableArray<Expression> Children => [];
    }

    /// <summary>A kernel over the values of its arguments, all of them evaluated.</summary>
    public sealed record Apply(Kernel Kernel, ImmutableArray<Expression> Arguments, DataType ResultType) : Expression(ResultType)
    {
        public override bool CanFail { get; } = Kernel.CanFail || Arguments.Any(argument => argument.CanFail);
        public override ImmutableArray<Expression> Children => Arguments;
        public override int Depth { get; } = Above(Arguments);
    }

    /// <summary>The same values under another type of the same layout.</summary>
    public sealed record Retype(Expression Operand, DataType ResultType) : Expression(ResultType)
    {
        public override bool CanFail { get; } = Operand.CanFail;
        public override ImmutableArray<Expression> Children => [Operand];
        public override int Depth { get; } = 1 + Operand.Depth;
    }

    /// <summary>AND or OR: an operand is evaluated only for rows that the ones before leave undecided.</summary>
    public sealed record Junction(bool IsAnd, ImmutableArray<Expression> Operands, DataType ResultType) : Expression(ResultType)
    {
        public override bool CanFail { get; } = Operands.Any(operand => operand.CanFail);
        public override ImmutableArray<Expression> Children => Operands;
        public override int Depth { get; } = Above(Operands);
    }

    /// <summary>The value of the first branch whose condition is TRUE; only rows that reach a part evaluate it.</summary>
    public sealed record Choice(ImmutableArray<(Expression When, Expression Then)> Branches, Expression Otherwise, DataType ResultType) : Expression(ResultType)
    {
        public override bool CanFail { get; } = Otherwise.CanFail || Branches.Any(branch => branch.When.CanFail || branch.Then.CanFail);
        public override ImmutableArray<Expression> Children { get; } = [.. Branches.SelectMany(branch => new[] { branch.When, branch.Then }), Otherwise];
        public override int Depth { get; } = Above(Branches.SelectMany(branch => new[] { branch.When, branch.Then }).Append(Otherwise));
    }

    /// <summary>The element of the row that an UNNEST makes of it.</summary>
    /// <param name="Unnest">The UNNEST's number in the chain.</param>
    public sealed record Element(int Unnest, DataType ElementType) : Expression(ElementType)
    {
        public override bool CanFail => false;
        public override ImmutableArray<Expression> Children => [];
    }

    /// <summary>A field of a ROW; NULL where the row is.</summary>
    /// <param name="Index">The field's position.</param>
    public sealed record FieldOf(Expression Operand, int Index) : Expression(TypeOf((DataType.Row)Operand.Type, Index))
    {
        public override bool CanFail { get; } = Operand.CanFail;
        public override ImmutableArray<Expression> Children => [Operand];
        public override int Depth { get; } = 1 + Operand.Depth;

        public string Name => ((DataType.Row)Operand.Type).Type[Index].Name;

        private static DataType TypeOf(DataType.Row row, int index) => row.IsNullable ? row.Type[index].Type.OrNull() : row.Type[index].Type;
    }

    /// <summary>JSON_VALUE, JSON_QUERY or JSON_EXISTS with a constant path.</summary>
    public sealed record Json(Expression Document, JsonQuestion Question) : Expression(Question.Type)
    {
        public override bool CanFail { get; } = Document.CanFail || Question.CanFail;
        public override ImmutableArray<Expression> Children => [Document];
        public override int Depth { get; } = 1 + Document.Depth;
    }
}
