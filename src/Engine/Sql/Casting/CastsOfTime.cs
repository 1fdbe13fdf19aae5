using Matih.Batches;
using Matih.Sql.Kernels;
using Matih.Sql.Values;

namespace Matih.Sql.Casting;

/// <summary>Casts between DATE, TIME, TIMESTAMP and TIMESTAMP_LTZ.</summary>
internal static class CastsOfTime
{
    public static Kernel? Find(DataType from, DataType to) => (from, to) switch
    {
        (DataType.Date, DataType.Timestamp) => new Kernel("CAST", Maps.Unary<int, long, DateToTimestamp>),
        (DataType.Date, DataType.TimestampLtz) => FromLocal<int>(days => days * CivilDate.MicrosPerDay, 6),
        (DataType.Timestamp, DataType.Date) => new Kernel("CAST", Maps.Unary<long, int, TimestampToDate>),
        (DataType.Timestamp, DataType.Time) => new Kernel("CAST", Maps.Unary<long, int, TimestampToTime>),
        (DataType.Timestamp, DataType.Timestamp target) => Cut(target.Precision),
        (DataType.TimestampLtz, DataType.TimestampLtz target) => Cut(target.Precision),
        (DataType.Timestamp, DataType.TimestampLtz target) => FromLocal<long>(micros => micros, target.Precision),
        (DataType.TimestampLtz, DataType.Timestamp target) => ToLocal<long>(micros => TemporalText.Cut(micros, target.Precision)),
        (DataType.TimestampLtz, DataType.Date) => ToLocal<int>(micros => CivilDate.Split(micros).Days),
        (DataType.TimestampLtz, DataType.Time) => ToLocal<int>(TimestampToTime.Apply),
        _ => null,
    };

    private static Kernel Cut(int precision) => new("CAST", call =>
    {
        var values = call.Values<long>(0);
        var result = call.ResultOf<long>().AppendUninitialized(call.Count, call.Validity);
        for (var i = 0; i < result.Length; i++) result[i] = TemporalText.Cut(values[i], precision);
    });

    private static Kernel FromLocal<T>(Func<T, long> toMicros, int precision) where T : unmanaged => new("CAST", call =>
    {
        var values = call.Values<T>(0);
        var result = call.ResultOf<long>();
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i)) result.AppendNull();
            else result.Append(TemporalText.Cut(SessionZone.ToInstant(toMicros(values[i]), call.TimeZone), precision));
        }
    }) { IsDeterministic = true };

    private static Kernel ToLocal<T>(Func<long, T> convert) where T : unmanaged => new("CAST", call =>
    {
        var values = call.Values<long>(0);
        var result = call.ResultOf<T>();
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i)) result.AppendNull();
            else result.Append(convert(SessionZone.ToLocal(values[i], call.TimeZone)));
        }
    });

    private readonly struct DateToTimestamp : IUnary<int, long> { public static long Apply(int value) => value * CivilDate.MicrosPerDay; }
    private readonly struct TimestampToDate : IUnary<long, int> { public static int Apply(long value) => CivilDate.Split(value).Days; }

    // TIME(0) is what the cast gives: whole seconds.
    private readonly struct TimestampToTime : IUnary<long, int>
    {
        public static int Apply(long value) => (int)(CivilDate.Split(value).MicrosOfDay / CivilDate.MicrosPerSecond) * 1000;
    }
}
