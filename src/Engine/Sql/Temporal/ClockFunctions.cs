using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;
using Matih.Sql.Values;

namespace Matih.Sql.Temporal;

/// <summary>The current time, the same for all rows and all calls of a batch; and instants from numbers.</summary>
internal static class ClockFunctions
{
    // Years 0 to 9999, as Flink 1.20's DateTimeUtils limits TO_TIMESTAMP_LTZ.
    private const long SecondsMin = -62_167_219_200;
    private const long SecondsMax = 253_402_300_799;

    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        Now("CURRENT_TIMESTAMP"),
        Now("NOW"),
        new("LOCALTIMESTAMP", call => Read(call, new DataType.Timestamp(3), values => SessionZone.ToLocal(values.NowMicros, values.TimeZone))),
        new("CURRENT_DATE", call =>
        {
            call.ExpectCount(0, 0);
            return call.ApplyAs(new Kernel("CURRENT_DATE", values =>
                values.ResultOf<int>().AppendUninitialized(values.Count).Fill(CivilDate.Split(SessionZone.ToLocal(values.NowMicros, values.TimeZone)).Days)) { IsDeterministic = false },
                new DataType.Date().NotNull());
        }),
        TimeOfDay("CURRENT_TIME"),
        TimeOfDay("LOCALTIME"),
        new("TO_TIMESTAMP_LTZ", ToInstant),
    ];

    /// <summary>UNIX_TIMESTAMP() without arguments: seconds since 1970-01-01 UTC.</summary>
    public static Expression UnixTimestamp(FunctionCall call) => Read(call, new DataType.BigInt(), values => values.NowMicros / CivilDate.MicrosPerSecond);

    private static ScalarFunction Now(string name) => new(name, call => Read(call, new DataType.TimestampLtz(3), values => values.NowMicros));

    private static ScalarFunction TimeOfDay(string name) => new(name, call =>
    {
        call.ExpectCount(0, 0);
        return call.ApplyAs(new Kernel(name, values =>
        {
            // TIME(0) has whole seconds.
            var seconds = CivilDate.Split(SessionZone.ToLocal(values.NowMicros, values.TimeZone)).Item2 / CivilDate.MicrosPerSecond;
            values.ResultOf<int>().AppendUninitialized(values.Count).Fill((int)seconds * 1000);
        }) { IsDeterministic = false }, new DataType.Time(0).NotNull());
    });

    private static Expression Read(FunctionCall call, DataType type, Func<KernelCall, long> read)
    {
        call.ExpectCount(0, 0);
        return call.ApplyAs(new Kernel(call.Name, values => values.ResultOf<long>().AppendUninitialized(values.Count).Fill(read(values))) { IsDeterministic = false }, type.NotNull());
    }

    private static Expression ToInstant(FunctionCall call)
    {
        call.ExpectCount(2, 2);
        if (call.Int(1) is not Expression.Literal { Value: { IsNull: false } precision }) throw call.Unsupported("TO_TIMESTAMP_LTZ with a computed precision");
        if ((int)precision.Value! is not (0 or 3))
            throw SqlErrorException.Wrong(call.OffsetOf(1), $"TO_TIMESTAMP_LTZ takes 0 for seconds or 3 for milliseconds, found {precision.Value}.");
        if (TypeRules.IsText(call[0].Type)) throw SqlErrorException.Wrong(call.OffsetOf(0), "TO_TIMESTAMP_LTZ takes a number, found a string.");
        if (call[0].Type is DataType.Decimal) throw call.Unsupported("TO_TIMESTAMP_LTZ of a DECIMAL (cast it to BIGINT)");
        var isSeconds = (int)precision.Value! == 0;
        var isWhole = !TypeRules.IsApproximate(call.Number(0).Type);
        return call.ApplyAs(RowKernels.Each("TO_TIMESTAMP_LTZ", (values, row) =>
        {
            long? millis = isWhole
                ? MillisOf(values.Values<long>(0)[row], isSeconds)
                : MillisOf(values.Values<double>(0)[row], isSeconds);
            if (millis is { } known) values.ResultOf<long>().Append(known * 1000);
            else values.Result.AppendNull();
        }), new DataType.TimestampLtz(3).OrNull(), isWhole ? call.BigInt(0) : call.Double(0), call.Int(1));
    }

    private static long? MillisOf(long value, bool isSeconds) =>
        isSeconds ? value is >= SecondsMin and <= SecondsMax ? value * 1000 : null : value is >= SecondsMin * 1000 and <= SecondsMax * 1000 + 999 ? value : null;

    private static long? MillisOf(double value, bool isSeconds)
    {
        // A conversion of Java: NaN is 0, what is too large the largest number.
        if (double.IsNaN(value)) return isSeconds ? null : 0;
        if (isSeconds) return value is >= SecondsMin and <= SecondsMax ? MillisOf((long)(value * 1000), false) : null;
        return Math.Abs(value) > 1e18 ? null : MillisOf((long)value, false);
    }
}
