using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Casting;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;
using Matih.Sql.Values;

namespace Matih.Sql.Temporal;

/// <summary>+ and − between dates or times and intervals, TIMESTAMPADD and TIMESTAMPDIFF.</summary>
/// <remarks>As Flink 1.20's ScalarOperatorGens and TimestampDiffCallGen. Results outside of the years 1 to 9999 are rejected.</remarks>
internal static class TimeArithmetic
{
    private static readonly int DayMin = CivilDate.ToDays(1, 1, 1);
    private static readonly int DayMax = CivilDate.ToDays(9999, 12, 31);
    /// <summary>Whether a day lies in the years 1 to 9999.</summary>
    internal static bool IsDay(long days) => days >= DayMin && days <= DayMax;

    internal const string OutOfRange = "The date lies outside of the years 1 to 9999.";

    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        new("TIMESTAMPADD", Add),
        new("TIMESTAMPDIFF", Difference),
    ];

    public static Expression Bind(string symbol, Expression left, Expression right, int offset)
    {
        if (symbol == "+" && IsInterval(left.Type) && TypeRules.IsTemporal(right.Type)) (left, right) = (right, left);
        if (TypeRules.IsTemporal(left.Type) && TypeRules.IsTemporal(right.Type) && symbol is "+" or "-")
            throw SqlErrorException.Wrong(offset, $"'{symbol}' takes no two dates or times ({left.Type.Name} {symbol} {right.Type.Name}); TIMESTAMPDIFF gives a difference.");
        if (TypeRules.IsTemporal(left.Type) && TypeRules.IsNumeric(right.Type))
            throw SqlErrorException.Wrong(offset, $"'{symbol}' cannot take {left.Type.Name} and {right.Type.Name}; write an INTERVAL.");
        var isKnown = symbol is "+" or "-" && TypeRules.IsTemporal(left.Type) && IsInterval(right.Type);
        if (!isKnown || right is not Expression.Literal { Value: { IsNull: false } interval }) throw SqlErrorException.Unsupported(offset, $"{left.Type.Name} {symbol} {right.Type.Name}");
        var sign = symbol == "-" ? -1 : 1;
        var kernel = right.Type is DataType.YearMonthInterval ? Months(left.Type, sign * (int)interval.Value!) : Millis(left.Type, sign * (long)interval.Value!);
        if (kernel is null) throw SqlErrorException.Unsupported(offset, $"{left.Type.Name} {symbol} {right.Type.Name}");
        // The interval is an argument although the kernel has it, so that plans show it and different ones can be distinguished.
        return new Expression.Apply(kernel with { Name = symbol }, [left, right], TypeRules.NullableLike(left.Type, left.Type));
    }

    private static bool IsInterval(DataType type) => type is DataType.DayTimeInterval or DataType.YearMonthInterval;

    private static Kernel? Months(DataType type, int months) => type switch
    {
        DataType.Date => RowKernels.Each("+", (call, row) => AppendDate(call, row, CivilDate.AddMonths(call.Values<int>(0)[row], months)), canFail: true),
        // Months of an instant are those of its date in UTC.
        DataType.Timestamp or DataType.TimestampLtz => RowKernels.Each("+", (call, row) => AppendMoment(call, row, AddMonths(MicrosAt(call, 0, row, out var below), months), below), canFail: true),
        _ => null,
    };

    private static Kernel? Millis(DataType type, long millis) => type switch
    {
        DataType.Timestamp { Precision: < 3 } or DataType.TimestampLtz { Precision: < 3 } when millis % 1000 != 0 => null,
        DataType.Timestamp or DataType.TimestampLtz => RowKernels.Each("+", (call, row) => AppendMoment(call, row, Saturate(MicrosAt(call, 0, row, out var below), millis), below), canFail: true),
        // Only the whole days of the interval count.
        DataType.Date => RowKernels.Each("+", (call, row) => AppendDate(call, row, call.Values<int>(0)[row] + millis / 86_400_000), canFail: true),
        DataType.Time => millis % 1000 != 0 ? null : RowKernels.Each("+", (call, row) => call.ResultOf<int>().Append(Wrap(call.Values<int>(0)[row] + millis))),
        _ => null,
    };

    /// <summary>The time of day, which goes round at midnight.</summary>
    private static int Wrap(long millis)
    {
        var rest = (int)(millis % 86_400_000);
        return rest < 0 ? rest + 86_400_000 : rest;
    }

    private static void AppendDate(KernelCall call, int row, long days)
    {
        if (!IsDay(days)) call.Reject(row, OutOfRange);
        else call.ResultOf<int>().Append((int)days);
    }

    /// <summary>A moment that is of the result's type.</summary>
    /// <param name="below">Nanoseconds after the microsecond, 0 to 999.</param>
    private static long MicrosAt(KernelCall call, int argument, int row, out int below) => TemporalText.MicrosOf(call.Values<long>(argument)[row], call.Result.Type, out below);

    private static void AppendMoment(KernelCall call, int row, long micros, int below = 0)
    {
        if (micros < DayMin * CivilDate.MicrosPerDay || micros >= (DayMax + 1L) * CivilDate.MicrosPerDay) call.Reject(row, OutOfRange);
        else if (!call.Result.Type.HasNanoseconds) call.ResultOf<long>().Append(micros);
        else if (Nanoseconds.TryFromMicros(micros, below, out var nanos)) call.ResultOf<long>().Append(nanos);
        else call.Reject(row, CastsOfNanoseconds.OutOfRange("The time", call.Result.Type));
    }

    private static long AddMonths(long micros, int months)
    {
        var (days, clock) = CivilDate.Split(micros);
        return CivilDate.AddMonths(days, months) * CivilDate.MicrosPerDay + clock;
    }

    private static int MonthsOf(string unit) => unit switch
    {
        "YEAR" => 12,
        "QUARTER" => 3,
        "MONTH" => 1,
        _ => 0,
    };

    private static long MillisOf(string unit) => unit switch
    {
        "WEEK" => 604_800_000,
        "DAY" => 86_400_000,
        "HOUR" => 3_600_000,
        "MINUTE" => 60_000,
        "SECOND" => 1000,
        _ => 0,
    };

    private static string UnitOf(FunctionCall call)
    {
        call.ExpectCount(3, 3);
        var unit = call.Keyword(0);
        return unit is not null && (MonthsOf(unit) > 0 || MillisOf(unit) > 0) ? unit : throw call.Unsupported($"{call.Name} with the unit {unit}");
    }

    private static Expression Add(FunctionCall call)
    {
        var unit = UnitOf(call);
        var (months, millis) = (MonthsOf(unit), MillisOf(unit));
        var (count, moment) = (call.Int(1), call[2]);
        var name = "TIMESTAMPADD " + unit;
        return moment.Type switch
        {
            DataType.Date when months > 0 || millis % 86_400_000 == 0 => call.Apply(RowKernels.Each(name, (values, row) =>
            {
                long n = values.Values<int>(0)[row];
                if (months > 0 && Math.Abs(n) > 120_000) values.Reject(row, OutOfRange);
                else AppendDate(values, row, months > 0 ? CivilDate.AddMonths(values.Values<int>(1)[row], (int)n * months) : values.Values<int>(1)[row] + n * (millis / 86_400_000));
            }, canFail: true), moment.Type, count, moment),
            DataType.Date => call.Apply(
                RowKernels.Each(name, (values, row) => AppendMoment(values, row, values.Values<int>(1)[row] * CivilDate.MicrosPerDay + values.Values<int>(0)[row] * millis * 1000), canFail: true),
                new DataType.Timestamp(6), count, moment),
            DataType.Timestamp or DataType.TimestampLtz => call.Apply(RowKernels.Each(name, (values, row) =>
            {
                long n = values.Values<int>(0)[row];
                if (months > 0 && Math.Abs(n) > 120_000) values.Reject(row, OutOfRange);
                else
                {
                    var micros = MicrosAt(values, 1, row, out var below);
                    AppendMoment(values, row, months > 0 ? AddMonths(micros, (int)n * months) : Saturate(micros, n * millis), below);
                }
            }, canFail: true), moment.Type, count, moment),
            DataType.Time when millis is > 0 and < 86_400_000 =>
                call.Apply(RowKernels.Each(name, (values, row) => values.ResultOf<int>().Append(Wrap(values.Values<int>(1)[row] + values.Values<int>(0)[row] * millis))), moment.Type, count, moment),
            _ => throw call.Unsupported($"TIMESTAMPADD of {unit} to {moment.Type.Name}"),
        };
    }

    /// <summary>The sum in microseconds, or one that is out of range anyhow.</summary>
    private static long Saturate(long micros, long millis) => (long)Int128.Clamp((Int128)micros + (Int128)millis * 1000, long.MinValue, long.MaxValue);

    private static Expression Difference(FunctionCall call)
    {
        var unit = UnitOf(call);
        var (from, to) = (CastsOfNanoseconds.InMicros(call[1], call.OffsetOf(1)), CastsOfNanoseconds.InMicros(call[2], call.OffsetOf(2)));
        var areInstants = from.Type is DataType.TimestampLtz && to.Type is DataType.TimestampLtz;
        if (!areInstants && (from.Type is not (DataType.Date or DataType.Timestamp) || to.Type is not (DataType.Date or DataType.Timestamp)))
            throw call.Unsupported($"TIMESTAMPDIFF between {from.Type.Name} and {to.Type.Name}");
        var (isDateFrom, isDateTo) = (from.Type is DataType.Date, to.Type is DataType.Date);
        var (months, millis) = (MonthsOf(unit), MillisOf(unit));
        return call.Apply(RowKernels.Each("TIMESTAMPDIFF " + unit, (values, row) =>
        {
            var (first, second) = (MillisAt(values, 0, row, isDateFrom), MillisAt(values, 1, row, isDateTo));
            values.ResultOf<int>().Append(months > 0 ? MonthsBetween(second, first) / months : unchecked((int)((second - first) / millis)));
        }), new DataType.Int(), from, to);
    }

    private static long MillisAt(KernelCall call, int argument, int row, bool isDate)
    {
        if (isDate) return call.Values<int>(argument)[row] * 86_400_000L;
        var (days, clock) = CivilDate.Split(call.Values<long>(argument)[row]);
        return days * 86_400_000L + clock / 1000;
    }

    /// <summary>Whole months from one moment to a later one; of an earlier one one too few where the days fall together and the clock does not.</summary>
    private static int MonthsBetween(long later, long earlier)
    {
        var (laterDay, laterClock) = CivilDate.Split(later * 1000);
        var (earlierDay, earlierClock) = CivilDate.Split(earlier * 1000);
        var months = laterDay >= earlierDay ? MonthsBetween(laterDay, earlierDay) : -MonthsBetween(earlierDay, laterDay);
        return CivilDate.AddMonths(earlierDay, months) == laterDay && laterClock < earlierClock ? months - 1 : months;
    }

    private static int MonthsBetween(int later, int earlier)
    {
        var (laterYear, laterMonth, _) = CivilDate.FromDays(later);
        var (earlierYear, earlierMonth, _) = CivilDate.FromDays(earlier);
        var months = (laterYear - earlierYear) * 12 + laterMonth - earlierMonth;
        return CivilDate.AddMonths(earlier, months) > later ? months - 1 : months;
    }
}
