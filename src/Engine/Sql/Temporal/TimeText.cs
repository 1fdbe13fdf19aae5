using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Casting;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;
using Matih.Sql.Values;

namespace Matih.Sql.Temporal;

/// <summary>Dates and times by a pattern, both ways, with patterns known at compile time.</summary>
/// <remarks>
/// As Flink 1.20's DateTimeUtils, which reads leniently in places (31st of February, 25 o'clock, one digit for two), by
/// java.time (TO_TIMESTAMP) or by SimpleDateFormat (the other functions). Moments outside of the years 1 to 9999 reject the row.
/// SimpleDateFormat's Julian calendar before 1582-10-15 is left out: a date has the same fields in every function.
/// </remarks>
internal static class TimeText
{
    private const string DefaultPattern = "yyyy-MM-dd HH:mm:ss";
    private static readonly long MicrosMin = CivilDate.ToDays(1, 1, 1) * CivilDate.MicrosPerDay;
    private static readonly long MicrosEnd = CivilDate.ToDays(10_000, 1, 1) * CivilDate.MicrosPerDay;

    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        new("DATE_FORMAT", DateFormat),
        new("TO_TIMESTAMP", ToTimestamp),
        new("TO_DATE", ToDate),
        new("FROM_UNIXTIME", FromUnixTime),
        new("UNIX_TIMESTAMP", UnixTimestamp),
        new("CONVERT_TZ", ConvertZone),
    ];

    private static DatePattern PatternAt(FunctionCall call, int index, bool isModern)
    {
        if (call.Text(index) is not Expression.Literal { Value: { IsNull: false } literal }) throw call.Unsupported($"{call.Name} with a computed pattern (write it as a string)");
        return DatePattern.TryParse(literal.AsText(), isModern, out var unsupported)
            ?? throw SqlErrorException.Unsupported(call.OffsetOf(index), $"{unsupported} in the pattern '{literal.AsText()}'");
    }

    private static DatePattern WritingPatternAt(FunctionCall call, int index, bool isModern)
    {
        var pattern = PatternAt(call, index, isModern);
        return pattern.CanWrite ? pattern : throw SqlErrorException.Unsupported(call.OffsetOf(index), $"Writing an offset from UTC by the pattern {call.Text(index)}");
    }

    /// <param name="canHaveZone">Whether an offset from UTC in the text is understood.</param>
    private static DatePattern ReadingPatternAt(FunctionCall call, int index, bool isModern, bool canHaveZone)
    {
        var pattern = PatternAt(call, index, isModern);
        if (pattern.HasZone && !canHaveZone) throw SqlErrorException.Unsupported(call.OffsetOf(index), $"Reading an offset from UTC by {call.Name}");
        return pattern.CanRead ? pattern : throw SqlErrorException.Unsupported(call.OffsetOf(index), $"Reading by the pattern {call.Text(index)}");
    }

    private static DatePattern Default { get; } = DatePattern.TryParse(DefaultPattern, isModern: false, out _)!;

    private static Expression DateFormat(FunctionCall call)
    {
        call.ExpectCount(2, 2);
        var operand = call[0];
        var isText = TypeRules.IsText(operand.Type);
        if (operand.Type is DataType.Date) throw SqlErrorException.Wrong(call.Offset, "DATE_FORMAT takes a TIMESTAMP or a string, found DATE; cast it to TIMESTAMP(3).");
        if (!isText && operand.Type is not (DataType.Timestamp or DataType.TimestampLtz)) throw call.Unsupported($"DATE_FORMAT of {operand.Type.Name}");
        var pattern = WritingPatternAt(call, 1, isModern: !isText);
        var isInstant = operand.Type is DataType.TimestampLtz;
        return call.ApplyAs(RowKernels.Each("DATE_FORMAT", (values, row) =>
        {
            if (isText) Reformat(values, row, pattern);
            else
            {
                var micros = TemporalText.MicrosOf(values.Values<long>(0)[row], operand.Type, out var below);
                Write(values, row, pattern, isInstant ? SessionZone.ToLocal(micros, values.TimeZone) : micros, below);
            }
        }, canFail: true), DataType.String.OrNull(), operand, call.Text(1));
    }

    private static void Reformat(KernelCall call, int row, DatePattern pattern)
    {
        var text = call.Bytes(0)[row];
        var reading = Default.Read(text, out var local);
        if (reading == DateReading.Read) Write(call, row, pattern, local);
        else if (reading == DateReading.Unreadable) call.Result.AppendNull();
        else RejectOutOfRange(call, row, "DATE_FORMAT", text);
    }

    /// <param name="below">Nanoseconds after the microsecond, 0 to 999.</param>
    private static void Write(KernelCall call, int row, DatePattern pattern, long local, int below = 0)
    {
        if (local < MicrosMin || local >= MicrosEnd)
        {
            call.Reject(row, "The year is out of the range that can be written by a pattern.");
            return;
        }
        call.ResultBytes.End(pattern.Write(local, below, call.ResultBytes.Begin(pattern.LengthMax)));
    }

    private static void RejectOutOfRange(KernelCall call, int row, string name, ReadOnlySpan<byte> text) =>
        call.Reject(row, $"{name}: '{CastsFromText.Excerpt(text)}' is no date of the years 1 to 9999.");

    private static Expression ToTimestamp(FunctionCall call)
    {
        call.ExpectCount(1, 2);
        var type = new DataType.Timestamp(3).OrNull();
        if (call.Count == 1)
            return call.ApplyAs(RowKernels.Each("TO_TIMESTAMP", (values, row) =>
            {
                if (TemporalText.TryReadTimestamp(values.Bytes(0)[row], out var micros, out _)) values.ResultOf<long>().Append(TemporalText.Cut(micros, 3));
                else values.Result.AppendNull();
            }), type, call.Text(0));
        var pattern = ReadingPatternAt(call, 1, isModern: true, canHaveZone: true);
        return call.ApplyAs(RowKernels.Each("TO_TIMESTAMP", (values, row) => AppendRead(values, row, pattern), canFail: true), type, call.Text(0), call.Text(1));
    }

    private static void AppendRead(KernelCall call, int row, DatePattern pattern)
    {
        var text = call.Bytes(0)[row];
        var reading = pattern.Read(text, out var micros);
        if (reading == DateReading.Read && micros < MicrosEnd) call.ResultOf<long>().Append(TemporalText.Cut(micros, 3));
        else if (reading == DateReading.Unreadable) call.Result.AppendNull();
        else RejectOutOfRange(call, row, "TO_TIMESTAMP", text);
    }

    private static Expression ToDate(FunctionCall call)
    {
        call.ExpectCount(1, 2);
        var type = new DataType.Date().OrNull();
        if (call.Count == 1)
            return call.ApplyAs(RowKernels.Each("TO_DATE", (values, row) =>
            {
                if (TemporalText.TryReadDate(values.Bytes(0)[row], out var days)) values.ResultOf<int>().Append(days);
                else values.Result.AppendNull();
            }), type, call.Text(0));
        var pattern = ReadingPatternAt(call, 1, isModern: false, canHaveZone: false);
        return call.ApplyAs(RowKernels.Each("TO_DATE", (values, row) =>
        {
            var text = values.Bytes(0)[row];
            // Flink gives a meaningless date for what it cannot read.
            var reading = pattern.Read(text, out var micros);
            if (reading == DateReading.Read && micros >= MicrosMin && micros < MicrosEnd) values.ResultOf<int>().Append(CivilDate.Split(micros).Days);
            else if (reading == DateReading.Unreadable) values.Reject(row, $"TO_DATE: '{CastsFromText.Excerpt(text)}' does not follow the pattern.");
            else RejectOutOfRange(values, row, "TO_DATE", text);
        }, canFail: true), type, call.Text(0), call.Text(1));
    }

    private static Expression FromUnixTime(FunctionCall call)
    {
        call.ExpectCount(1, 2);
        var pattern = call.Count == 2 ? WritingPatternAt(call, 1, isModern: false) : Default;
        ImmutableArray<Expression> arguments = call.Count == 2 ? [call.BigInt(0), call.Text(1)] : [call.BigInt(0)];
        return call.ApplyAs(RowKernels.Each("FROM_UNIXTIME", (values, row) =>
        {
            var seconds = values.Values<long>(0)[row];
            var isNear = Int128.Abs(seconds) < MicrosEnd / CivilDate.MicrosPerSecond;
            Write(values, row, pattern, isNear ? LegacyZone.ToLocal(seconds * CivilDate.MicrosPerSecond, values.TimeZone) : long.MaxValue);
        }, canFail: true), DataType.String.OrNull(), arguments);
    }

    private static Expression UnixTimestamp(FunctionCall call)
    {
        call.ExpectCount(0, 2);
        if (call.Count == 0) return ClockFunctions.UnixTimestamp(call);
        var pattern = call.Count == 2 ? ReadingPatternAt(call, 1, isModern: false, canHaveZone: true) : Default;
        ImmutableArray<Expression> arguments = call.Count == 2 ? [call.Text(0), call.Text(1)] : [call.Text(0)];
        return call.Apply(RowKernels.Each("UNIX_TIMESTAMP", (values, row) =>
        {
            var text = values.Bytes(0)[row];
            var reading = pattern.Read(text, out var local, out var offset);
            if (reading == DateReading.Unreadable) values.ResultOf<long>().Append(long.MinValue);
            else if (reading == DateReading.Read && offset is { } seconds) values.ResultOf<long>().Append(SecondsOf(local) - seconds);
            else if (reading == DateReading.Read) values.ResultOf<long>().Append(SecondsOf(LegacyZone.ToInstant(local, values.TimeZone)));
            else RejectOutOfRange(values, row, "UNIX_TIMESTAMP", text);
        }, canFail: true), new DataType.BigInt(), arguments);
    }

    private static long SecondsOf(long micros) => (long)Math.Floor((decimal)micros / CivilDate.MicrosPerSecond);

    private static Expression ConvertZone(FunctionCall call)
    {
        call.ExpectCount(3, 3);
        var (from, to) = (ZoneAt(call, 1), ZoneAt(call, 2));
        return call.ApplyAs(RowKernels.Each("CONVERT_TZ", (values, row) =>
        {
            var text = values.Bytes(0)[row];
            var reading = Default.Read(text, out var local);
            if (reading == DateReading.Unreadable) values.Result.AppendNull();
            else if (reading == DateReading.Read) Write(values, row, Default, LegacyZone.ToLocal(LegacyZone.ToInstant(local, from), to));
            else RejectOutOfRange(values, row, "CONVERT_TZ", text);
        }, canFail: true), DataType.String.OrNull(), call.Text(0), call.Text(1), call.Text(2));
    }

    // Java takes a zone that it does not know for GMT, silently.
    private static TimeZoneInfo ZoneAt(FunctionCall call, int index)
    {
        if (call.Text(index) is not Expression.Literal { Value: { IsNull: false } literal }) throw call.Unsupported("CONVERT_TZ with a computed zone (write it as a string)");
        var name = literal.AsText();
        if ((name == "UTC" || name.Contains('/', StringComparison.Ordinal)) && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone)) return zone;
        throw SqlErrorException.Unsupported(call.OffsetOf(index), $"The time zone '{name}' (UTC or a region such as 'Europe/Berlin' is expected)");
    }
}
