using Matih.Batches;

namespace Matih.Sql;

/// <summary>+ and − between dates, times and intervals.</summary>
internal static class TimeArithmetic
{
    public static Expression Bind(string symbol, Expression left, Expression right, int offset) =>
        throw SqlErrorException.Unsupported(offset, $"{left.Type.Name} {symbol} {right.Type.Name}");
}
