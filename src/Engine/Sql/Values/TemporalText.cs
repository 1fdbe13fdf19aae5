using System.Globalization;
using System.Text;
using Matih.Batches;

namespace Matih.Sql.Values;

/// <summary>Dates and times as text, both ways, as Flink's casts read and write them.</summary>
internal static class TemporalText
{
    public const int TimestampLengthMax = 40;

    /// <summary>yyyy-M-d; the day exists.</summary>
    public static bool TryReadDateLiteral(string text, out int days)
    {
        days = 0;
        return text.Length is >= 8 and <= 10 && text[4] == '-' && text.Count('-') == 2 && !text.Contains(' ', StringComparison.Ordinal) && TryReadDate(Encoding.UTF8.GetBytes(text), out days);
    }

    public static bool TryReadTimeLiteral(string text, out int millis, out int precision)
    {
        (millis, precision) = (0, 0);
        var bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length < 8 || !TryReadClock(bytes, 2, out var micros, out _, out var isWhole) || !isWhole || micros == CivilDate.MicrosPerDay) return false;
        precision = text.Length > 9 ? text.Length - 9 : 0;
        millis = (int)(micros / 1000);
        return precision <= 9;
    }

    /// <param name="below">Nanoseconds after the microsecond, 0 to 999.</param>
    public static bool TryReadTimestampLiteral(string text, out long micros, out int below, out int precision)
    {
        (micros, below, precision) = (0, 0, 0);
        if (TryReadDateLiteral(text, out var day))
        {
            micros = day * CivilDate.MicrosPerDay;
            return true;
        }
        if (text.Length < 19 || text[10] != ' ') return false;
        var bytes = Encoding.UTF8.GetBytes(text);
        if (!TryReadDate(bytes.AsSpan(0, 10), out var days) || !TryReadClock(bytes.AsSpan(11), 2, out var clock, out below, out var isWhole) || !isWhole) return false;
        precision = text.Length > 20 ? text.Length - 20 : 0;
        micros = days * CivilDate.MicrosPerDay + clock;
        return precision <= 9;
    }

    /// <summary>
    /// A date that exists, as Flink's cast reads it: y, y-M or y-M-d (what is missing is 1), digits as written; anything
    /// after a blank is passed over.
    /// </summary>
    public static bool TryReadDate(ReadOnlySpan<byte> text, out int days)
    {
        days = 0;
        var blank = text.IndexOf((byte)' ');
        if (blank > 0) text = text[..blank];
        text = text.Trim((byte)' ');
        int month = 1, day = 1, at = 0;
        if (!TryReadNumber(text, ref at, 1, 9, out var year) || year > 9999) return false;
        if (at < text.Length && (!Skip(text, ref at, '-') || !TryReadNumber(text, ref at, 1, 2, out month))) return false;
        if (at < text.Length && (!Skip(text, ref at, '-') || !TryReadNumber(text, ref at, 1, 2, out day))) return false;
        if (at < text.Length || month is < 1 or > 12 || day < 1 || day > CivilDate.DaysInMonth(year, month)) return false;
        days = CivilDate.ToDays(year, month, day);
        return true;
    }

    /// <summary>
    /// <c>yyyy-M-d[ H:m:s[.fraction]]</c>. Flink reads months as having 31 days at most and takes the last day that exists;
    /// at most nine fraction digits.
    /// </summary>
    /// <param name="below">Nanoseconds after the microsecond, 0 to 999.</param>
    public static bool TryReadTimestamp(ReadOnlySpan<byte> text, out long micros, out int below)
    {
        (micros, below) = (0, 0);
        var blank = text.IndexOf((byte)' ');
        var date = blank < 0 ? text : text[..blank];
        if (date.Length < 8 || date.IndexOf((byte)'-') != 4 || !TryReadParts(date, out var year, out var month, out var day)) return false;
        long clock = 0;
        if (blank >= 0 && (!TryReadClock(text[(blank + 1)..], 1, out clock, out below, out var isWhole) || !isWhole)) return false;
        micros = CivilDate.ToDays(year, month, Math.Min(day, CivilDate.DaysInMonth(year, month))) * CivilDate.MicrosPerDay + clock;
        return true;
    }

    private static bool TryReadParts(ReadOnlySpan<byte> text, out int year, out int month, out int day)
    {
        month = day = 0;
        var at = 0;
        return TryReadNumber(text, ref at, 1, 4, out year) && year > 0 && Skip(text, ref at, '-') && TryReadNumber(text, ref at, 1, 2, out month)
            && month is >= 1 and <= 12 && Skip(text, ref at, '-') && TryReadNumber(text, ref at, 1, 2, out day) && day is >= 1 and <= 31
            && at == text.Length;
    }

    /// <summary>H:m:s[.fraction], each part of at least so many digits; 24:00:00 is the end of the day.</summary>
    /// <param name="below">Nanoseconds after the microsecond, 0 to 999.</param>
    public static bool TryReadClock(ReadOnlySpan<byte> text, int digitsMin, out long micros, out int below, out bool isWhole)
    {
        (micros, below, isWhole) = (0, 0, false);
        var at = 0;
        if (!TryReadNumber(text, ref at, digitsMin, 2, out var hour) || hour > 24 || !Skip(text, ref at, ':')) return false;
        if (!TryReadNumber(text, ref at, digitsMin, 2, out var minute) || minute > 59 || !Skip(text, ref at, ':')) return false;
        if (!TryReadNumber(text, ref at, digitsMin, 2, out var second) || second > 59) return false;
        long fraction = 0;
        if (at < text.Length && text[at] == '.')
        {
            var digits = 0;
            for (at++; at < text.Length && char.IsAsciiDigit((char)text[at]); at++, digits++)
                if (digits < 9) fraction = fraction * 10 + (text[at] - '0');
            if (digits > 9) return false;
            for (; digits < 9; digits++) fraction *= 10;
        }
        (fraction, below) = (fraction / Nanoseconds.PerMicro, (int)(fraction % Nanoseconds.PerMicro));
        isWhole = at == text.Length;
        micros = ((hour * 60L + minute) * 60 + second) * CivilDate.MicrosPerSecond + fraction;
        return micros < CivilDate.MicrosPerDay || (micros == CivilDate.MicrosPerDay && below == 0);
    }

    private static bool TryReadNumber(ReadOnlySpan<byte> text, ref int at, int digitsMin, int digitsMax, out int value)
    {
        value = 0;
        var start = at;
        while (at < text.Length && at - start < digitsMax && char.IsAsciiDigit((char)text[at])) value = value * 10 + (text[at++] - '0');
        return at - start >= digitsMin;
    }

    private static bool Skip(ReadOnlySpan<byte> text, ref int at, char expected)
    {
        if (at >= text.Length || text[at] != expected) return false;
        at++;
        return true;
    }

    /// <summary>yyyy-MM-dd.</summary>
    public static int WriteDate(int days, Span<byte> target)
    {
        var (year, month, day) = CivilDate.FromDays(days);
        var length = WriteYear(year, target);
        target[length++] = (byte)'-';
        WriteTwo(month, target[length..]);
        target[length + 2] = (byte)'-';
        WriteTwo(day, target[(length + 3)..]);
        return length + 5;
    }

    private static int WriteYear(int year, Span<byte> target)
    {
        year.TryFormat(target, out var length, year < 0 ? "D4" : "D4", CultureInfo.InvariantCulture);
        return length;
    }

    /// <summary>HH:mm:ss and so many fractional digits.</summary>
    /// <param name="below">Nanoseconds after the microsecond, 0 to 999.</param>
    public static int WriteClock(long microsOfDay, int precision, Span<byte> target, int below = 0)
    {
        var seconds = (int)(microsOfDay / CivilDate.MicrosPerSecond);
        WriteTwo(seconds / 3600, target);
        target[2] = (byte)':';
        WriteTwo(seconds / 60 % 60, target[3..]);
        target[5] = (byte)':';
        WriteTwo(seconds % 60, target[6..]);
        if (precision == 0) return 8;
        target[8] = (byte)'.';
        var fraction = microsOfDay % CivilDate.MicrosPerSecond * Nanoseconds.PerMicro + below;
        for (var digit = 8; digit >= 0; digit--)
        {
            if (digit < precision) target[9 + digit] = (byte)('0' + fraction % 10);
            fraction /= 10;
        }
        return 9 + precision;
    }

    /// <summary>yyyy-MM-dd HH:mm:ss and so many fractional digits.</summary>
    /// <param name="below">Nanoseconds after the microsecond, 0 to 999.</param>
    public static int WriteTimestamp(long micros, int precision, Span<byte> target, byte separator = (byte)' ', int below = 0)
    {
        var (days, microsOfDay) = CivilDate.Split(micros);
        var length = WriteDate(days, target);
        target[length++] = separator;
        return length + WriteClock(microsOfDay, precision, target[length..], below);
    }

    private static void WriteTwo(int value, Span<byte> target)
    {
        target[0] = (byte)('0' + value / 10);
        target[1] = (byte)('0' + value % 10);
    }

    /// <summary>Cuts a timestamp to so many fractional digits, towards the past.</summary>
    public static long Cut(long micros, int precision) => Cut(micros, precision, 6);

    /// <summary>Cuts nanoseconds to so many fractional digits, towards the past.</summary>
    public static long CutNanos(long nanos, int precision) => Cut(nanos, precision, 9);

    private static long Cut(long value, int precision, int digits)
    {
        if (precision >= digits) return value;
        long unit = 1;
        for (var i = precision; i < digits; i++) unit *= 10;
        var rest = value % unit;
        return value - (rest < 0 ? rest + unit : rest);
    }

    /// <summary>The microsecond that a value of a TIMESTAMP or TIMESTAMP_LTZ type lies in.</summary>
    /// <param name="below">Nanoseconds after it, 0 to 999.</param>
    public static long MicrosOf(long value, DataType type, out int below)
    {
        below = 0;
        return type.HasNanoseconds ? Nanoseconds.ToMicros(value, out below) : value;
    }

    /// <summary>Makes a moment a value of a type of so many fractional digits.</summary>
    /// <param name="value">Microseconds; the value afterwards.</param>
    /// <param name="below">Nanoseconds after the microsecond, 0 to 999.</param>
    /// <returns>False where nanoseconds do not reach the moment.</returns>
    public static bool TryFit(ref long value, int below, int precision)
    {
        if (precision > DataType.Timestamp.MicrosPrecisionMax)
        {
            if (!Nanoseconds.TryFromMicros(value, below, out value)) return false;
            value = CutNanos(value, precision);
            return true;
        }
        value = Cut(value, precision);
        return true;
    }
}
