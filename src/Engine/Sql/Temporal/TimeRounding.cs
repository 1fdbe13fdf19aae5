using Matih.Batches;
using Matih.Sql.Casting;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;
using Matih.Sql.Values;

namespace Matih.Sql.Temporal;

/// <summary>FLOOR and CEIL of dates and times to a unit.</summary>
/// <remarks>
/// As Flink 1.20's DateTimeUtils, its oddities included: CEIL to MONTH, QUARTER or YEAR looks at the date alone, CEIL to
/// QUARTER takes the next one for every day but January 1st, and the offset of a time zone is that of the value, not of the result.
/// Two are left out: a time before 1970 is of the day that it shows, where Flink takes the next one; and a date before 1582-10-15
/// is counted in the proleptic Gregorian calendar, as everywhere here and in Iceberg, where Flink counts in the Julian one.
/// </remarks>
internal static class TimeRounding
{
    public static Expression Bind(FunctionCall call, bool isUp)
    {
        var name = isUp ? "CEIL" : "FLOOR";
        var unit = call.Keyword(1) ?? throw call.Unsupported($"{name} with two arguments");
        var isOfDate = unit is "YEAR" or "QUARTER" or "MONTH" or "WEEK";
        var isOfClock = unit is "DAY" or "HOUR" or "MINUTE" or "SECOND";
        var operand = CastsOfNanoseconds.InMicros(call[0], call.OffsetOf(0));
        var rounded = operand.Type switch
        {
            DataType.Date when isOfDate => call.Apply(RowKernels.Each($"{name} {unit}", (values, row) =>
            {
                var day = RoundDate(values.Values<int>(0)[row], unit, isUp);
                if (!TimeArithmetic.IsDay(day)) values.Reject(row, TimeArithmetic.OutOfRange);
                else values.ResultOf<int>().Append(day);
            }, canFail: true), operand.Type, operand),
            DataType.Timestamp when isOfDate || isOfClock => call.Apply(OfMoment(name, unit, isOfDate, isUp, isInstant: false), operand.Type, operand),
            DataType.TimestampLtz when isOfDate || unit is "DAY" or "HOUR" => call.Apply(OfMoment(name, unit, isOfDate, isUp, isInstant: true), operand.Type, operand),
            DataType.Time when unit is "HOUR" or "MINUTE" or "SECOND" => call.Apply(RowKernels.Each($"{name} {unit}", (values, row) =>
            {
                var millis = RoundClock(values.Values<int>(0)[row] * 1000L, unit, isUp) / 1000;
                if (millis >= 86_400_000) values.Reject(row, "CEIL gives the end of the day, which is no TIME.");
                else values.ResultOf<int>().Append((int)millis);
            }, canFail: isUp), operand.Type, operand),
            _ => throw call.Unsupported($"{name} of {operand.Type.Name} to {unit}"),
        };
        return Casts.ImplicitCast(rounded, call[0].Type, call.Offset);
    }

    private static Kernel OfMoment(string name, string unit, bool isOfDate, bool isUp, bool isInstant) => RowKernels.Each($"{name} {unit}", (call, row) =>
    {
        var value = call.Values<long>(0)[row];
        var local = isInstant ? SessionZone.ToLocal(value, call.TimeZone) : value;
        var (days, _) = CivilDate.Split(local);
        var rounded = isOfDate ? RoundDate(days, unit, isUp) * CivilDate.MicrosPerDay : RoundClock(local, unit, isUp);
        if (!TimeArithmetic.IsDay(CivilDate.Split(rounded).Days)) call.Reject(row, TimeArithmetic.OutOfRange);
        else call.ResultOf<long>().Append(rounded - (local - value));
    }, canFail: true);

    private static long RoundClock(long micros, string unit, bool isUp)
    {
        var millis = Math.DivRem(micros, 1000, out var below);
        if (below < 0) millis--;
        var size = unit switch
        {
            "DAY" => 86_400_000L,
            "HOUR" => 3_600_000L,
            "MINUTE" => 60_000L,
            _ => 1000L,
        };
        var rest = millis % size;
        var floor = millis - (rest < 0 ? rest + size : rest);
        return (isUp && rest != 0 ? floor + size : floor) * 1000;
    }

    private static int RoundDate(int days, string unit, bool isUp)
    {
        var (year, month, day) = CivilDate.FromDays(days);
        switch (unit)
        {
            case "WEEK":
                var weekday = CivilDate.DayOfWeek(days);
                return days - weekday + (isUp && weekday > 0 ? 7 : 0);
            case "MONTH": return CivilDate.AddMonths(CivilDate.ToDays(year, month, 1), isUp && day > 1 ? 1 : 0);
            case "QUARTER": return CivilDate.AddMonths(CivilDate.ToDays(year, (month + 2) / 3 * 3 - 2, 1), isUp && (month > 1 || day > 1) ? 3 : 0);
            default: return CivilDate.ToDays(isUp && (month > 1 || day > 1) ? year + 1 : year, 1, 1);
        }
    }
}
