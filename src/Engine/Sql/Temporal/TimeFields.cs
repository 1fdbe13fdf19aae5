using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Casting;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;
using Matih.Sql.Values;

namespace Matih.Sql.Temporal;

/// <summary>EXTRACT, and the functions named after what they extract: YEAR, HOUR, DAYOFWEEK, …</summary>
/// <remarks>
/// As Flink 1.20's ExtractCallGen and DateTimeUtils, but for a TIMESTAMP before 1970: Flink cuts it towards 1970, so that the day may
/// be the next one and hours are negative. Here it has the fields that it shows, and EPOCH is the second that it lies in.
/// </remarks>
internal static class TimeFields
{
    private static readonly ImmutableArray<string> OfDate = ["YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DOY", "DOW", "ISODOW", "ISOYEAR", "DECADE", "CENTURY", "MILLENNIUM"];
    private static readonly ImmutableArray<string> OfClock = ["HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND"];

    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        new("EXTRACT", call =>
        {
            call.ExpectCount(2, 2);
            return Bind(call, call.Keyword(0)!, 1);
        }),
        Named("YEAR", "YEAR"),
        Named("QUARTER", "QUARTER"),
        Named("MONTH", "MONTH"),
        Named("WEEK", "WEEK"),
        Named("DAYOFYEAR", "DOY"),
        Named("DAYOFMONTH", "DAY"),
        Named("DAYOFWEEK", "DOW"),
        Named("HOUR", "HOUR"),
        Named("MINUTE", "MINUTE"),
        Named("SECOND", "SECOND"),
    ];

    private static ScalarFunction Named(string name, string unit) => new(name, call =>
    {
        call.ExpectCount(1, 1);
        return Bind(call, unit, 0);
    });

    private static Expression Bind(FunctionCall call, string unit, int index)
    {
        var operand = CastsOfNanoseconds.InMicros(call[index], call.OffsetOf(index));
        var isOfDate = OfDate.Contains(unit);
        return operand.Type switch
        {
            DataType.Date when isOfDate => call.Apply(OfDays(unit), new DataType.BigInt(), operand),
            DataType.Timestamp when isOfDate || OfClock.Contains(unit) || unit == "EPOCH" => call.Apply(OfMoment(unit, isOfDate, false), new DataType.BigInt(), operand),
            // Even EPOCH is that of the local time.
            DataType.TimestampLtz when isOfDate || OfClock.Contains(unit) || unit == "EPOCH" => call.Apply(OfMoment(unit, isOfDate, true), new DataType.BigInt(), operand),
            DataType.Time when unit is "HOUR" or "MINUTE" or "SECOND" or "MILLISECOND" => call.Apply(OfTime(unit), new DataType.BigInt(), operand),
            _ => throw call.Unsupported($"{unit} of {operand.Type.Name}"),
        };
    }

    private static Kernel OfDays(string unit) => new("EXTRACT " + unit, call =>
    {
        var days = call.Values<int>(0);
        var result = call.ResultOf<long>().AppendUninitialized(call.Count, call.Validity);
        for (var row = 0; row < result.Length; row++) result[row] = FieldOfDate(unit, days[row]);
    });

    private static Kernel OfTime(string unit) => new("EXTRACT " + unit, call =>
    {
        var times = call.Values<int>(0);
        var result = call.ResultOf<long>().AppendUninitialized(call.Count, call.Validity);
        for (var row = 0; row < result.Length; row++) result[row] = FieldOfClock(unit, 0, times[row] * 1000L);
    });

    private static Kernel OfMoment(string unit, bool isOfDate, bool isInstant) => RowKernels.Each("EXTRACT " + unit, (call, row) =>
    {
        var micros = call.Values<long>(0)[row];
        if (isInstant) micros = SessionZone.ToLocal(micros, call.TimeZone);
        var (days, clock) = CivilDate.Split(micros);
        call.ResultOf<long>().Append(isOfDate ? FieldOfDate(unit, days) : FieldOfClock(unit, days, clock));
    });

    private static long FieldOfClock(string unit, int days, long clock) => unit switch
    {
        "HOUR" => clock / 3_600_000_000,
        "MINUTE" => clock / 60_000_000 % 60,
        "SECOND" => clock / 1_000_000 % 60,
        "MILLISECOND" => clock / 1000 % 1000,
        "MICROSECOND" => clock % 1_000_000,
        _ => days * 86_400L + clock / 1_000_000,
    };

    private static long FieldOfDate(string unit, int days)
    {
        var (year, month, day) = CivilDate.FromDays(days);
        return unit switch
        {
            "YEAR" => year,
            "QUARTER" => (month + 2) / 3,
            "MONTH" => month,
            "DAY" => day,
            "DOY" => days - CivilDate.ToDays(year, 1, 1) + 1,
            "DOW" => CivilDate.DayOfWeek(days) + 1,
            "ISODOW" => IsoDay(days) + 1,
            // ISO 8601: a week belongs to the year of its Thursday.
            "ISOYEAR" => CivilDate.FromDays(Thursday(days)).Year,
            "WEEK" => (Thursday(days) - CivilDate.ToDays(CivilDate.FromDays(Thursday(days)).Year, 1, 1)) / 7 + 1,
            "DECADE" => year / 10,
            "CENTURY" => year > 0 ? (year + 99) / 100 : (year - 99) / 100,
            _ => year > 0 ? (year + 999) / 1000 : (year - 999) / 1000,
        };
    }

    private static int IsoDay(int days) => (CivilDate.DayOfWeek(days) + 6) % 7;

    private static int Thursday(int days) => days - IsoDay(days) + 3;
}
