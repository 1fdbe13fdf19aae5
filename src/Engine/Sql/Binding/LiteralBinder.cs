using System.Globalization;
using System.Numerics;
using Matih.Batches;
using Matih.Sql.Casting;
using Matih.Sql.Expressions;
using Matih.Sql.Syntax;
using Matih.Sql.Values;

namespace Matih.Sql.Binding;

/// <summary>Gives literals their value and type.</summary>
/// <remarks>
/// As Calcite: an exact number is INT, else BIGINT, without a fraction; with one DECIMAL of as many digits as are written,
/// leading and trailing zeros included. A string is CHAR of its length.
/// </remarks>
internal static class LiteralBinder
{
    public static Expression? Bind(SqlNode node) => node switch
    {
        SqlNode.Number { IsApproximate: true } number => Expression.Literal.Of(new DataType.Double(), double.Parse(number.Digits, CultureInfo.InvariantCulture)),
        SqlNode.Number number => Exact(number),
        SqlNode.Characters text => new Expression.Literal(Constant.Text(text.Value)),
        SqlNode.Binary binary => Expression.Literal.Of(new DataType.Binary(binary.Hex.Length / 2), Convert.FromHexString(binary.Hex)),
        SqlNode.Truth truth => new Expression.Literal(Constant.Boolean(truth.Value)),
        SqlNode.Null => new Expression.Literal(Constant.Null(new DataType.Null())),
        SqlNode.Temporal temporal => Temporal(temporal),
        SqlNode.Interval interval => IntervalLiteral.Bind(interval),
        _ => null,
    };

    private static Expression Exact(SqlNode.Number number)
    {
        var isNegative = number.Digits.StartsWith('-');
        var digits = isNegative ? number.Digits[1..] : number.Digits;
        var point = digits.IndexOf('.', StringComparison.Ordinal);
        var scale = point < 0 ? 0 : digits.Length - point - 1;
        var unscaled = BigInteger.Parse((isNegative ? "-" : "") + digits.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        if (scale == 0)
        {
            if (unscaled >= int.MinValue && unscaled <= int.MaxValue) return Expression.Literal.Of(new DataType.Int(), (int)unscaled);
            if (unscaled >= long.MinValue && unscaled <= long.MaxValue) return Expression.Literal.Of(new DataType.BigInt(), (long)unscaled);
            throw SqlErrorException.Wrong(number.Offset, $"The number {number.Digits} is out of range; whole numbers have at most 64 bits.");
        }
        var precision = digits.Length - 1;
        if (precision > DataType.Decimal.PrecisionMax)
            throw SqlErrorException.Wrong(number.Offset, $"The number {number.Digits} has {Quantity.Of(precision, "digit")}; at most {DataType.Decimal.PrecisionMax} are possible.");
        return Expression.Literal.Of(new DataType.Decimal(precision, scale), (Int128)unscaled);
    }

    private static Expression Temporal(SqlNode.Temporal literal)
    {
        var isRead = false;
        Expression? value = null;
        switch (literal.Kind)
        {
            case "DATE":
                isRead = TemporalText.TryReadDateLiteral(literal.Value, out var days);
                value = Expression.Literal.Of(new DataType.Date(), days);
                break;
            case "TIME":
                isRead = TemporalText.TryReadTimeLiteral(literal.Value, out var millis, out _);
                // Flink's TIME literals are TIME(0), but compare and extract a fraction that they do not show.
                if (isRead && millis % 1000 != 0) throw SqlErrorException.Unsupported(literal.Offset, "A TIME with a fraction of a second");
                value = Expression.Literal.Of(new DataType.Time(0), millis);
                break;
            default:
                isRead = TemporalText.TryReadTimestampLiteral(literal.Value, out var moment, out var below, out var precision);
                var type = new DataType.Timestamp(precision);
                if (isRead && !TemporalText.TryFit(ref moment, below, precision)) throw new SqlErrorException(literal.Offset, CastsOfNanoseconds.OutOfRange($"'{literal.Value}'", type), isUnsupported: true);
                value = Expression.Literal.Of(type, moment);
                break;
        }
        return isRead ? value : throw SqlErrorException.Wrong(literal.Offset, $"'{literal.Value}' is no {literal.Kind}; expected {Shape(literal.Kind)}.");
    }

    private static string Shape(string kind) => kind switch
    {
        "DATE" => "'yyyy-MM-dd'",
        "TIME" => "'HH:mm:ss[.fraction]'",
        _ => "'yyyy-MM-dd HH:mm:ss[.fraction]'",
    };
}
