using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Casting;
using Matih.Sql.Expressions;

namespace Matih.Sql.Binding;

/// <summary>Pass: UNION ALL. Columns go by their positions, their names are those of the first query, and their types unite.</summary>
internal static class Uniting
{
    /// <summary>Statements that read one another multiply their branches.</summary>
    private const int BranchesMax = 64;

    /// <param name="offset">Where the second query stands.</param>
    public static BoundStatement Unite(BoundStatement first, BoundStatement second, int offset)
    {
        var (above, below) = (first.Branches[0], second.Branches[0]);
        if (above.Outputs.Length != below.Outputs.Length)
            throw SqlErrorException.Wrong(offset, $"UNION ALL needs queries of as many columns: there are {above.Outputs.Length} above, and {below.Outputs.Length} here.");
        if (above.HasInput != below.HasInput) throw SqlErrorException.Unsupported(offset, "UNION ALL of a query over a table and one without FROM");
        if (first.Branches.Length + second.Branches.Length > BranchesMax)
            throw SqlErrorException.Wrong(offset, $"More than {BranchesMax} queries are joined by UNION ALL, those of the statements before counted.");
        ImmutableArray<(string Name, DataType Type)> columns = [.. above.Outputs.Zip(below.Outputs, (left, right) => (left.Name, CommonType(left, right.Value.Type, offset)))];
        return new BoundStatement([.. first.Branches.Concat(second.Branches).Select(branch => branch with { Outputs = Convert(branch.Outputs, columns, offset) })], first.Unnamed);
    }

    private static DataType CommonType((string Name, Expression Value) left, DataType right, int offset)
    {
        if (TypeRules.Common(left.Value.Type, right) is { } common) return common;
        // Flink does unite some of these.
        var mayFlink = TypeRules.IsNumeric(left.Value.Type) && TypeRules.IsNumeric(right)
            || (left.Value.Type, right) is (DataType.Timestamp, DataType.TimestampLtz) or (DataType.TimestampLtz, DataType.Timestamp);
        throw new SqlErrorException(offset, $"UNION ALL: column '{left.Name}' is {left.Value.Type.Name} above and {right.Name} here; cast them to one type{(mayFlink ? " (`engine: flink` may convert)" : "")}.", mayFlink);
    }

    private static ImmutableArray<(string Name, Expression Value)> Convert(ImmutableArray<(string Name, Expression Value)> outputs, ImmutableArray<(string Name, DataType Type)> columns, int offset) =>
        [.. outputs.Zip(columns, (output, column) =>
        {
            var value = Casts.ImplicitCast(output.Value, column.Type, offset);
            return (column.Name, value.Type == column.Type ? value : new Expression.Retype(value, column.Type));
        })];
}
