using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;
using Matih.Sql.Values;

namespace Matih.Sql.Casting;

/// <summary>
/// Casts between TIMESTAMP and TIMESTAMP_LTZ of more than 6 fraction digits and the other dates and times. A time that nanoseconds
/// do not reach rejects the row, in TRY_CAST it is NULL.
/// </summary>
internal static class CastsOfNanoseconds
{
    /// <summary>The type in microseconds by which the cast goes, or null where one kernel does it.</summary>
    public static DataType? Between(DataType from, DataType to)
    {
        if (TypeRules.IsText(from) || TypeRules.IsText(to) || IsSameFamily(from, to)) return null;
        if (from.HasNanoseconds && to.HasNanoseconds) return null;
        if (from.HasNanoseconds) return WithPrecision(from, DataType.Timestamp.MicrosPrecisionMax);
        return to.HasNanoseconds && TypeRules.IsTemporal(from) ? WithPrecision(to, DataType.Timestamp.MicrosPrecisionMax) : null;
    }

    public static Kernel? Find(DataType from, DataType to, bool isTry) => (from, to) switch
    {
        _ when IsSameFamily(from, to) => to.HasNanoseconds ? from.HasNanoseconds ? Cut(to.TimestampPrecision) : FromMicros(to, isTry) : ToMicros(to.TimestampPrecision),
        (DataType.Timestamp, DataType.TimestampLtz) => InZone(to, SessionZone.ToInstant, isTry),
        (DataType.TimestampLtz, DataType.Timestamp) => InZone(to, SessionZone.ToLocal, isTry),
        _ => null,
    };

    /// <summary>Microseconds as nanoseconds for a comparison, to which any time beyond is the same.</summary>
    public static Expression ForComparison(Expression operand, DataType type) => new Expression.Apply(Saturating, [operand], TypeRules.NullableLike(type, operand.Type));

    /// <summary>A TIMESTAMP or TIMESTAMP_LTZ in microseconds, for functions that read no more; other types as they are.</summary>
    public static Expression InMicros(Expression operand, int offset) =>
        operand.Type.HasNanoseconds ? Casts.Bind(operand, WithPrecision(operand.Type, DataType.Timestamp.MicrosPrecisionMax), isTry: false, offset) : operand;

    private static bool IsSameFamily(DataType from, DataType to) => (from, to) is (DataType.Timestamp, DataType.Timestamp) or (DataType.TimestampLtz, DataType.TimestampLtz);

    private static DataType WithPrecision(DataType type, int precision) => type switch
    {
        DataType.Timestamp timestamp => timestamp with { Precision = precision },
        DataType.TimestampLtz timestamp => timestamp with { Precision = precision },
        _ => throw new ArgumentException($"{type} is no timestamp.", nameof(type)),
    };

    /// <summary>What a row is rejected with whose time nanoseconds do not reach.</summary>
    public static string OutOfRange(string what, DataType type) => $"{what} lies outside of {Nanoseconds.Range}, the range of {type.Name} here; use {WithPrecision(type, DataType.Timestamp.MicrosPrecisionMax).Name}.";

    private static Kernel Cut(int precision) => new("CAST", call =>
    {
        var values = call.Values<long>(0);
        var result = call.ResultOf<long>().AppendUninitialized(call.Count, call.Validity);
        for (var i = 0; i < result.Length; i++) result[i] = TemporalText.CutNanos(values[i], precision);
    });

    private static Kernel ToMicros(int precision) => new("CAST", call =>
    {
        var values = call.Values<long>(0);
        var result = call.ResultOf<long>().AppendUninitialized(call.Count, call.Validity);
        for (var i = 0; i < result.Length; i++) result[i] = TemporalText.Cut(Nanoseconds.ToMicros(values[i], out _), precision);
    });

    private static Kernel FromMicros(DataType to, bool isTry) => new(NameOf(isTry), call =>
    {
        var values = call.Values<long>(0);
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i)) call.Result.AppendNull();
            else Append(call, i, values[i], 0, to, isTry);
        }
    }) { CanFail = !isTry };

    private static Kernel Saturating { get; } = new("CAST FOR COMPARISON", call =>
    {
        var values = call.Values<long>(0);
        var result = call.ResultOf<long>().AppendUninitialized(call.Count, call.Validity);
        for (var i = 0; i < result.Length; i++) result[i] = Nanoseconds.Saturate(values[i]);
    });

    private static Kernel InZone(DataType to, Func<long, TimeZoneInfo, long> convert, bool isTry) => new(NameOf(isTry), call =>
    {
        var values = call.Values<long>(0);
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i)) call.Result.AppendNull();
            else Append(call, i, convert(Nanoseconds.ToMicros(values[i], out var below), call.TimeZone), below, to, isTry);
        }
    }) { CanFail = !isTry };

    private static string NameOf(bool isTry) => isTry ? "TRY_CAST" : "CAST";

    private static void Append(KernelCall call, int row, long micros, int below, DataType to, bool isTry)
    {
        if (Nanoseconds.TryFromMicros(micros, below, out var nanos)) call.ResultOf<long>().Append(TemporalText.CutNanos(nanos, to.TimestampPrecision));
        else if (isTry) call.Result.AppendNull();
        else call.Reject(row, OutOfRange("CAST: The time", to));
    }
}
