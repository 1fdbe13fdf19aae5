using System.Globalization;
using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Syntax;

namespace Matih.Sql.Binding;

/// <summary>INTERVAL literals: '3' MONTH, '1-6' YEAR TO MONTH, '1 02:03:04.5' DAY TO SECOND.</summary>
internal static class IntervalLiteral
{
    private static readonly string[] DayTimeUnits = ["DAY", "HOUR", "MINUTE", "SECOND"];

    public static Expression Bind(SqlNode.Interval interval)
    {
        var text = interval.Value.Trim();
        var isNegative = interval.IsNegative;
        if (text.StartsWith('-') || text.StartsWith('+'))
        {
            isNegative ^= text[0] == '-';
            text = text[1..];
        }
        var sign = isNegative ? -1 : 1;
        if (interval.From is "YEAR" or "MONTH" or "QUARTER") return Expression.Literal.Of(new DataType.YearMonthInterval(), sign * Months(interval, text));
        return Expression.Literal.Of(new DataType.DayTimeInterval(), sign * Milliseconds(interval, text));
    }

    private static int Months(SqlNode.Interval interval, string text)
    {
        var parts = text.Split('-');
        return (interval.From, interval.To, parts.Length) switch
        {
            ("YEAR", "YEAR", 1) => checked(12 * Number(interval, parts[0])),
            ("QUARTER", "QUARTER", 1) => checked(3 * Number(interval, parts[0])),
            ("MONTH", "MONTH", 1) => Number(interval, parts[0]),
            ("YEAR", "MONTH", 2) when Number(interval, parts[1]) < 12 => checked(12 * Number(interval, parts[0]) + Number(interval, parts[1])),
            _ => throw Malformed(interval),
        };
    }

    private static long Milliseconds(SqlNode.Interval interval, string text)
    {
        if (interval is { From: "WEEK", To: "WEEK" }) return Number(interval, text) * 7L * 86_400_000;
        var from = Array.IndexOf(DayTimeUnits, interval.From);
        var to = Array.IndexOf(DayTimeUnits, interval.To);
        if (from < 0 || to < from) throw Malformed(interval);
        var parts = text.Split([' ', ':'], StringSplitOptions.None);
        if (parts.Length != to - from + 1) throw Malformed(interval);
        long total = 0;
        for (var i = 0; i < parts.Length; i++)
        {
            var unit = from + i;
            long value = unit == 3 ? Seconds(interval, parts[i]) : Number(interval, parts[i]);
            if (i > 0 && value >= (unit switch { 1 => 24, 2 => 60, _ => 60_000 })) throw Malformed(interval);
            total += value * (unit switch { 0 => 86_400_000L, 1 => 3_600_000L, 2 => 60_000L, _ => 1L });
        }
        return total;
    }

    private static long Seconds(SqlNode.Interval interval, string text)
    {
        var point = text.IndexOf('.', StringComparison.Ordinal);
        if (point < 0) return Number(interval, text) * 1000L;
        var fraction = text[(point + 1)..];
        if (fraction.Length is 0 or > 9 || !fraction.All(char.IsAsciiDigit)) throw Malformed(interval);
        if (fraction.AsSpan(Math.Min(3, fraction.Length)).ContainsAnyExcept('0')) throw SqlErrorException.Unsupported(interval.Offset, "An interval of less than a millisecond");
        return Number(interval, text[..point]) * 1000L + int.Parse(fraction.PadRight(3, '0').AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private static int Number(SqlNode.Interval interval, string text) =>
        text.Length is > 0 and <= 8 && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : throw Malformed(interval);

    private static SqlErrorException Malformed(SqlNode.Interval interval) => SqlErrorException.Wrong(
        interval.Offset,
        $"'{interval.Value}' is no interval of {interval.From}{(interval.From == interval.To ? "" : " TO " + interval.To)}.");
}
