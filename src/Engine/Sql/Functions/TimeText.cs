using System.Collections.Immutable;
using Matih.Batches;

namespace Matih.Sql;

/// <summary>Dates and times by a pattern, both ways, with patterns known at compile time.</summary>
/// <remarks>
/// As Flink 1.20's DateTimeUtils. Flink reads leniently in places (31st of February, 25 o'clock, one digit for two): what
/// it may read as something else rejects the row here, what it surely cannot read gives what Flink gives.
/// </remarks>
internal static class TimeText
{
    private const string DefaultPattern = "yyyy-MM-dd HH:mm:ss";
    private static readonly long MicrosMin = CivilDate.ToDays(1, 1, 1) * CivilDate.MicrosPerDay;
    private static readonly long GregorianMin = CivilDate.ToDays(1583, 1, 1) * CivilDate.MicrosPerDay;
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

    private static DatePattern ReadingPatternAt(FunctionCall call, int index, bool isModern)
    {
        var pattern = PatternAt(call, index, isModern);
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
        var pattern = PatternAt(call, 1, isModern: !isText);
        var isInstant = operand.Type is DataType.TimestampLtz;
        return call.ApplyAs(TextRows.Each("DATE_FORMAT", (values, row) =>
        {
            if (isText) Reformat(values, row, pattern);
            else Write(values, row, pattern, isInstant ? SessionZone.ToLocal(values.Values<long>(0)[row], values.TimeZone) : values.Values<long>(0)[row], MicrosMin);
        }, canFail: true), DataType.String.OrNull(), operand, call.Text(1));
    }

    private static void Reformat(KernelCall call, int row, DatePattern pattern)
    {
        var text = call.Bytes(0)[row];
        var reading = Default.Read(text, isModern: false, out var local);
        if (reading == DateReading.Read) Write(call, row, pattern, local, GregorianMin);
        else if (reading == DateReading.Unreadable) call.Result.AppendNull();
        else RejectUnsure(call, row, "DATE_FORMAT", text);
    }

    private static void Write(KernelCall call, int row, DatePattern pattern, long local, long min)
    {
        if (local < min || local >= MicrosEnd)
        {
            call.Reject(row, "The year is out of the range that can be written by a pattern.");
            return;
        }
        call.ResultBytes.End(pattern.Write(local, call.ResultBytes.Begin(pattern.LengthMax)));
    }

    private static void RejectUnsure(KernelCall call, int row, string name, ReadOnlySpan<byte> text) =>
        call.Reject(row, $"{name}: '{CastsFromText.Excerpt(text)}' does not follow the pattern strictly, and Flink reads it leniently.");

    private static Expression ToTimestamp(FunctionCall call)
    {
        call.ExpectCount(1, 2);
        var type = new DataType.Timestamp(3).OrNull();
        if (call.Count == 1)
            return call.ApplyAs(TextRows.Each("TO_TIMESTAMP", (values, row) =>
            {
                if (TemporalText.TryReadTimestamp(values.Bytes(0)[row], out var micros)) values.ResultOf<long>().Append(TemporalText.Cut(micros, 3));
                else values.Result.AppendNull();
            }), type, call.Text(0));
        var pattern = ReadingPatternAt(call, 1, isModern: true);
        return call.ApplyAs(TextRows.Each("TO_TIMESTAMP", (values, row) => AppendRead(values, row, pattern), canFail: true), type, call.Text(0), call.Text(1));
    }

    private static void AppendRead(KernelCall call, int row, DatePattern pattern)
    {
        var text = call.Bytes(0)[row];
        var reading = pattern.Read(text, isModern: true, out var micros);
        if (reading == DateReading.Unreadable) reading = ReadFallback(text, out micros);
        if (reading == DateReading.Read) call.ResultOf<long>().Append(TemporalText.Cut(micros, 3));
        else if (reading == DateReading.Unreadable) call.Result.AppendNull();
        else RejectUnsure(call, row, "TO_TIMESTAMP", text);
    }

    /// <summary>What the pattern does not read Flink reads as a plain date or timestamp, by java.sql's valueOf.</summary>
    private static DateReading ReadFallback(ReadOnlySpan<byte> text, out long micros)
    {
        micros = 0;
        while (text.Length > 0 && text[0] <= ' ') text = text[1..];
        while (text.Length > 0 && text[^1] <= ' ') text = text[..^1];
        // Without two hyphens there is no date.
        var date = text.IndexOf((byte)' ') is >= 0 and var blank ? text[..blank] : text;
        if (date.Length < 8 || date.IndexOf((byte)'-') != 4 || date[5..].IndexOf((byte)'-') is not (1 or 2)) return DateReading.Unreadable;
        var hasClock = date.Length < text.Length;
        if (hasClock && text[date.Length..].Count((byte)':') < 2) return DateReading.Unreadable;
        if (!hasClock && date.Length > 10) return DateReading.Unreadable;
        // The strict shape is read; the rest, such as the 31st of February, is not decided here.
        var point = text.IndexOf((byte)'.');
        var isExact = TemporalText.TryReadTimestamp(text, out micros) && TemporalText.TryReadDate(date, out _) && (point < 0 || text.Length - point - 1 is >= 1 and <= 3);
        return isExact ? DateReading.Read : DateReading.Unsure;
    }

    private static Expression ToDate(FunctionCall call)
    {
        call.ExpectCount(1, 2);
        var type = new DataType.Date().OrNull();
        if (call.Count == 1)
            return call.ApplyAs(TextRows.Each("TO_DATE", (values, row) =>
            {
                if (TemporalText.TryReadDate(values.Bytes(0)[row], out var days)) values.ResultOf<int>().Append(days);
                else values.Result.AppendNull();
            }), type, call.Text(0));
        var pattern = ReadingPatternAt(call, 1, isModern: false);
        return call.ApplyAs(TextRows.Each("TO_DATE", (values, row) =>
        {
            var text = values.Bytes(0)[row];
            // Flink gives a meaningless date for what it cannot read.
            if (pattern.Read(text, isModern: false, out var micros) == DateReading.Read) values.ResultOf<int>().Append(CivilDate.Split(micros).Days);
            else values.Reject(row, $"TO_DATE: '{CastsFromText.Excerpt(text)}' does not follow the pattern.");
        }, canFail: true), type, call.Text(0), call.Text(1));
    }

    private static Expression FromUnixTime(FunctionCall call)
    {
        call.ExpectCount(1, 2);
        var pattern = call.Count == 2 ? PatternAt(call, 1, isModern: false) : Default;
        ImmutableArray<Expression> arguments = call.Count == 2 ? [call.BigInt(0), call.Text(1)] : [call.BigInt(0)];
        return call.ApplyAs(TextRows.Each("FROM_UNIXTIME", (values, row) =>
        {
            var seconds = values.Values<long>(0)[row];
            var isNear = Int128.Abs(seconds) < MicrosEnd / CivilDate.MicrosPerSecond;
            Write(values, row, pattern, isNear ? SessionZone.ToLocal(seconds * CivilDate.MicrosPerSecond, values.TimeZone) : long.MaxValue, GregorianMin);
        }, canFail: true), DataType.String.OrNull(), arguments);
    }

    private static Expression UnixTimestamp(FunctionCall call)
    {
        call.ExpectCount(0, 2);
        if (call.Count == 0) return ClockFunctions.UnixTimestamp(call);
        var pattern = call.Count == 2 ? ReadingPatternAt(call, 1, isModern: false) : Default;
        ImmutableArray<Expression> arguments = call.Count == 2 ? [call.Text(0), call.Text(1)] : [call.Text(0)];
        return call.Apply(TextRows.Each("UNIX_TIMESTAMP", (values, row) =>
        {
            var text = values.Bytes(0)[row];
            var reading = pattern.Read(text, isModern: false, out var local);
            if (reading == DateReading.Unreadable) values.ResultOf<long>().Append(long.MinValue);
            else if (reading == DateReading.Read && TryToInstant(local, values.TimeZone, out var micros)) values.ResultOf<long>().Append(micros / CivilDate.MicrosPerSecond);
            else RejectUnsure(values, row, "UNIX_TIMESTAMP", text);
        }, canFail: true), new DataType.BigInt(), arguments);
    }

    /// <summary>False for a local time that a zone has twice or never: Java's old calendar decides those in its own way.</summary>
    private static bool TryToInstant(long local, TimeZoneInfo zone, out long instant)
    {
        instant = SessionZone.ToInstant(local, zone);
        var time = new DateTime(DateTime.UnixEpoch.Ticks + local * 10, DateTimeKind.Unspecified);
        return !zone.IsAmbiguousTime(time) && !zone.IsInvalidTime(time);
    }

    private static Expression ConvertZone(FunctionCall call)
    {
        call.ExpectCount(3, 3);
        var (from, to) = (ZoneAt(call, 1), ZoneAt(call, 2));
        return call.ApplyAs(TextRows.Each("CONVERT_TZ", (values, row) =>
        {
            var text = values.Bytes(0)[row];
            var reading = Default.Read(text, isModern: false, out var local);
            if (reading == DateReading.Unreadable) values.Result.AppendNull();
            else if (reading == DateReading.Read && TryToInstant(local, from, out var instant)) Write(values, row, Default, SessionZone.ToLocal(instant, to), GregorianMin);
            else RejectUnsure(values, row, "CONVERT_TZ", text);
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
