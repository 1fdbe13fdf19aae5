using System.Collections.Immutable;

namespace Matih.Sql.Values;

/// <summary>
/// Reads a text by a pattern as java.time's DateTimeFormatter does: the whole text, digits by their count, the 31st of a short month
/// as its last day, 24:00 as the end of the day.
/// </summary>
/// <remarks>Source: java.time.format.DateTimeFormatterBuilder and Parsed of Java 17 (resolver style SMART), checked against them at random.</remarks>
internal static class ModernDateReader
{
    private const int DigitsMax = 19;

    /// <summary>A number's widths, and what of the digits it leaves to the numbers of fixed width that follow at once.</summary>
    private readonly record struct Width(int Min, int Max, int Reserved);

    public static DateReading Read(ImmutableArray<DatePatternPart> parts, ReadOnlySpan<char> text, out long localMicros)
    {
        localMicros = 0;
        long year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0, micros = 0;
        var (half, weekday, hasEra) = (-1, -1, true);
        var at = 0;
        for (var i = 0; i < parts.Length; i++)
        {
            var part = parts[i];
            if (part.Letter == '\0')
            {
                if (!text[at..].StartsWith(part.Text, StringComparison.Ordinal)) return DateReading.Unreadable;
                at += part.Text.Length;
                continue;
            }
            if (part.Letter == 'a')
            {
                half = text[at..].StartsWith("AM", StringComparison.Ordinal) ? 0 : text[at..].StartsWith("PM", StringComparison.Ordinal) ? 12 : -1;
                if (half < 0) return DateReading.Unreadable;
                at += 2;
                continue;
            }
            if (part.IsZone)
            {
                // Flink asks for the local time, whatever the offset.
                if (!TryPassOffset(part, text, ref at)) return DateReading.Unreadable;
                continue;
            }
            if (part.Letter == 'E')
            {
                if (!TryReadName(DatePattern.Days, part.Count == 4, text, ref at, out weekday)) return DateReading.Unreadable;
                continue;
            }
            if (part.IsText)
            {
                if (!TryReadName(DatePattern.Months, part.Count == 4, text, ref at, out var index)) return DateReading.Unreadable;
                month = index + 1;
                continue;
            }
            if (!TryReadNumber(part, WidthOf(parts, i), text, ref at, out var value)) return DateReading.Unreadable;
            switch (part.Letter)
            {
                case 'y' or 'u':
                    year = part.Count == 2 ? 2000 + value : value;
                    hasEra = part.Letter == 'y';
                    break;
                case 'D': day = value; break;
                case 'M': month = value; break;
                case 'd': day = value; break;
                case 'H' or 'h': hour = value; break;
                case 'm': minute = value; break;
                case 's': second = value; break;
                default:
                    for (var digit = part.Count; digit < 9; digit++) value *= 10;
                    micros = value / 1000;
                    break;
            }
        }
        if (at < text.Length) return DateReading.Unreadable;
        if (half >= 0)
        {
            // The clock's 12 is 0, and 0 is taken as well.
            if (hour is < 0 or > 12) return DateReading.Unreadable;
            hour = hour % 12 + half;
        }
        var reading = Resolve(parts, (year, month, day), (hour, minute, second, micros), hasEra, out localMicros);
        // A day of the week that is another one is a conflict.
        return reading == DateReading.Read && weekday >= 0 && weekday != CivilDate.DayOfWeek(DateOf(localMicros, hour)) ? DateReading.Unreadable : reading;
    }

    /// <summary>The date that was read: 24:00 has moved the moment to the next one.</summary>
    private static int DateOf(long localMicros, long hour) => CivilDate.Split(localMicros).Days - (hour == 24 ? 1 : 0);

    /// <summary>An offset such as <c>Z</c>, <c>+02</c>, <c>+0200</c> or <c>+02:00</c>, as many parts as the letters ask for; up to 18 hours.</summary>
    private static bool TryPassOffset(DatePatternPart part, ReadOnlySpan<char> text, ref int at)
    {
        if (part.Letter == 'X' && at < text.Length && text[at] == 'Z')
        {
            at++;
            return true;
        }
        if (at >= text.Length || text[at] is not ('+' or '-') || !TryTakeTwo(text, at + 1, 18, out var hours)) return false;
        var isOne = part is { Letter: 'X' or 'x', Count: 1 };
        var minutesAt = at + 3;
        var hasColon = part is { Letter: 'X' or 'x', Count: 3 };
        if (hasColon && (minutesAt >= text.Length || text[minutesAt] != ':')) return false;
        if (hasColon) minutesAt++;
        var hasMinutes = TryTakeTwo(text, minutesAt, hours == 18 ? 0 : 59, out _);
        if (!hasMinutes && !isOne) return false;
        at = hasMinutes ? minutesAt + 2 : at + 3;
        return true;
    }

    /// <summary>Two digits, up to a number.</summary>
    internal static bool TryTakeTwo(ReadOnlySpan<char> text, int at, int max, out int value)
    {
        value = 0;
        if (at + 1 >= text.Length || !char.IsAsciiDigit(text[at]) || !char.IsAsciiDigit(text[at + 1])) return false;
        value = (text[at] - '0') * 10 + text[at + 1] - '0';
        return value <= max;
    }

    private static DateReading Resolve(
        ImmutableArray<DatePatternPart> parts, (long Year, long Month, long Day) date, (long Hour, long Minute, long Second, long Micros) time, bool hasEra, out long localMicros)
    {
        localMicros = 0;
        var isEndOfDay = time is { Hour: 24, Minute: 0, Second: 0, Micros: 0 };
        if ((time.Hour is < 0 or > 23 && !isEndOfDay) || time.Minute is < 0 or > 59 || time.Second is < 0 or > 59) return DateReading.Unreadable;
        if (date.Year < 1) return hasEra ? DateReading.Unreadable : DateReading.OutOfRange;
        // A date without its day is put together later, where a wrong month fails the job.
        var isWhole = parts.Any(part => part.Letter is 'd' or 'D');
        if (parts.Any(part => part.Letter == 'D'))
        {
            // The day counts from the first of January.
            if (date.Year > 9999) return DateReading.OutOfRange;
            var first = CivilDate.ToDays((int)date.Year, 1, 1);
            if (date.Day < 1 || date.Day > CivilDate.ToDays((int)date.Year + 1, 1, 1) - first) return DateReading.Unreadable;
            var (_, monthOfDay, dayOfMonth) = CivilDate.FromDays(first + (int)date.Day - 1);
            (date.Month, date.Day) = (monthOfDay, dayOfMonth);
        }
        if (date.Month is < 1 or > 12) return isWhole ? DateReading.Unreadable : DateReading.OutOfRange;
        if (date.Day is < 1 or > 31) return DateReading.Unreadable;
        if (date.Year > 9999) return DateReading.OutOfRange;
        var (year, month) = ((int)date.Year, (int)date.Month);
        var days = CivilDate.ToDays(year, month, Math.Min((int)date.Day, CivilDate.DaysInMonth(year, month)));
        if (isEndOfDay) time.Hour = isWhole ? 24 : 0;
        localMicros = days * CivilDate.MicrosPerDay + ((time.Hour * 60 + time.Minute) * 60 + time.Second) * CivilDate.MicrosPerSecond + time.Micros;
        return DateReading.Read;
    }

    private static Width WidthOf(ImmutableArray<DatePatternPart> parts, int index)
    {
        var part = parts[index];
        var own = WidthOf(part);
        if (own.Min == own.Max) return own;
        var reserved = 0;
        for (var next = index + 1; next < parts.Length && parts[next] is { Letter: not '\0', IsText: false } follower; next++)
        {
            var width = WidthOf(follower);
            // A number of any width takes what it can: nothing is kept for it.
            if (width.Min != width.Max) break;
            reserved += width.Max;
        }
        return own with { Reserved = reserved };
    }

    private static Width WidthOf(DatePatternPart part) => part.Letter switch
    {
        'y' or 'u' when part.Count != 2 => new Width(part.Count, DigitsMax, 0),
        'S' => new Width(part.Count, part.Count, 0),
        _ => part.Count == 1 ? new Width(1, DigitsMax, 0) : new Width(part.Count, part.Count, 0),
    };

    private static bool TryReadNumber(DatePatternPart part, Width width, ReadOnlySpan<char> text, ref int at, out long value)
    {
        value = 0;
        var start = at;
        var isVariable = width.Min != width.Max;
        var sign = at < text.Length && text[at] is '+' or '-' ? text[at] : '\0';
        if (sign != '\0')
        {
            if (!isVariable || (sign == '+' && part is not { Letter: 'y' or 'u', Count: 4 })) return false;
            start++;
        }
        var count = 0;
        var countMax = width.Max + width.Reserved;
        while (count < countMax && start + count < text.Length && char.IsAsciiDigit(text[start + count])) count++;
        if (count < width.Min) return false;
        if (width.Reserved > 0) count = Math.Min(count, Math.Max(width.Min, count - width.Reserved));
        // A year of more digits than the pattern has needs a plus sign, and only such a year has one.
        if (part is { Letter: 'y' or 'u', Count: 4 } && sign != '-' && count > part.Count != (sign == '+')) return false;
        for (var i = 0; i < count; i++)
        {
            if (value > 100_000_000_000_000_000) return false;
            value = value * 10 + (text[start + i] - '0');
        }
        if (sign == '-')
        {
            if (value == 0) return false;
            value = -value;
        }
        at = start + count;
        return true;
    }

    /// <param name="index">The name's position in the list; -1 where there is none.</param>
    private static bool TryReadName(ImmutableArray<string> names, bool isLong, ReadOnlySpan<char> text, ref int at, out int index)
    {
        for (index = 0; index < names.Length; index++)
        {
            var length = isLong ? names[index].Length : 3;
            if (!text[at..].StartsWith(names[index].AsSpan(0, length), StringComparison.Ordinal)) continue;
            at += length;
            return true;
        }
        index = -1;
        return false;
    }

    /// <summary>
    /// What the pattern does not read Flink reads as <c>yyyy-M-d[ H:m:s[.fraction]]</c> by java.sql's valueOf, in which days, hours,
    /// minutes and seconds count on.
    /// </summary>
    public static DateReading ReadPlain(ReadOnlySpan<char> text, out long localMicros)
    {
        localMicros = 0;
        while (text.Length > 0 && text[0] <= ' ') text = text[1..];
        while (text.Length > 0 && text[^1] <= ' ') text = text[..^1];
        var blank = text.IndexOf(' ');
        var date = blank < 0 ? text : text[..blank];
        if (!TryReadPlainDate(date, out var year, out var month, out var day)) return DateReading.Unreadable;
        long seconds = 0, micros = 0;
        if (blank >= 0 && !TryReadPlainClock(text[(blank + 1)..], out seconds, out micros)) return DateReading.Unreadable;
        var moreDays = Math.DivRem(seconds, 86_400, out var clock);
        if (clock < 0)
        {
            moreDays--;
            clock += 86_400;
        }
        if (year < 1 || LenientDate.ToDays(year, month, day, moreDays) is not { } days || days is < int.MinValue / 2 or > int.MaxValue / 2) return DateReading.OutOfRange;
        if (CivilDate.FromDays((int)days).Year is < 1 or > 9999) return DateReading.OutOfRange;
        localMicros = days * CivilDate.MicrosPerDay + clock * CivilDate.MicrosPerSecond + micros;
        return DateReading.Read;
    }

    private static bool TryReadPlainDate(ReadOnlySpan<char> text, out int year, out int month, out int day)
    {
        (year, month, day) = (0, 0, 0);
        if (text.IndexOf('-') != 4) return false;
        var rest = text[5..];
        var hyphen = rest.IndexOf('-');
        return hyphen is 1 or 2 && rest.Length - hyphen is 2 or 3 && TryReadInt(text[..4], out year) && TryReadInt(rest[..hyphen], out month) && TryReadInt(rest[(hyphen + 1)..], out day)
            && month is >= 1 and <= 12 && day is >= 1 and <= 31;
    }

    private static bool TryReadPlainClock(ReadOnlySpan<char> text, out long seconds, out long micros)
    {
        (seconds, micros) = (0, 0);
        var first = text.IndexOf(':');
        if (first < 0) return false;
        var second = text[(first + 1)..].IndexOf(':') + first + 1;
        if (second == first || second >= text.Length - 1) return false;
        if (!TryReadInt(text[..first], out var hour) || !TryReadInt(text[(first + 1)..second], out var minute)) return false;
        var last = text[(second + 1)..];
        var point = last.IndexOf('.');
        if (point >= 0)
        {
            var fraction = last[(point + 1)..];
            if (fraction.Length is 0 or > 9 || !char.IsAsciiDigit(fraction[0]) || !TryReadInt(fraction, out var nanos)) return false;
            for (var digit = fraction.Length; digit < 9; digit++) nanos *= 10;
            micros = nanos / 1000;
            last = last[..point];
        }
        if (!TryReadInt(last, out var part)) return false;
        seconds = hour * 3600L + minute * 60L + part;
        return true;
    }

    /// <summary>As Integer.parseInt: a sign and digits.</summary>
    private static bool TryReadInt(ReadOnlySpan<char> text, out int value) =>
        int.TryParse(text, System.Globalization.NumberStyles.AllowLeadingSign, System.Globalization.CultureInfo.InvariantCulture, out value);
}
