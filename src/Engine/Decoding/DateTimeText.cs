using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Matih.Batches;

namespace Matih.Decoding;

/// <summary>Dates and times in the spellings of Flink's json format. Years are 0000 to 9999; others are refused.</summary>
/// <remarks>
/// Observed on Flink 1.20.3: the TIMESTAMP formats that it builds itself resolve 30 February to the last of the month and
/// 24:00:00 to the next day; Java's own (DATE, and TIMESTAMP as ISO-8601) refuse both. At most nine fraction digits, of
/// which those beyond the type's precision are cut.
/// </remarks>
internal static class DateTimeText
{
    // 0000-00- and 00:00:00 with the first character in the lowest byte, and 0x76 for a digit, 0x7F for a separator.
    private const ulong DatePattern = 0x2D30302D30303030;
    private const ulong DateSlack = 0x7F76767F76767676;
    private const ulong TimePattern = 0x30303A30303A3030;
    private const ulong TimeSlack = 0x76767F76767F7676;
    private const long MicrosPerSecond = 1_000_000;
    private const long SecondsPerDay = 86_400;

    /// <summary><c>yyyy-MM-dd</c> as days since 1970-01-01.</summary>
    public static bool TryParseDate(ReadOnlySpan<byte> text, out int days) => TryReadDate(text, isLenient: false, out days) && text.Length == 10;

    /// <summary><c>HH:mm:ss[.fraction]</c> as milliseconds of the day, the fraction cut as in Flink 1.20; 24:00:00 is midnight.</summary>
    public static bool TryParseTime(ReadOnlySpan<byte> text, out int millis)
    {
        millis = 0;
        if (!TryReadTime(ref text, mayLackSeconds: false, isLenient: true, out var seconds, out _) || !text.IsEmpty) return false;
        millis = (int)(seconds % SecondsPerDay) * 1000;
        return true;
    }

    /// <summary>A date and time as microseconds since 1970-01-01T00:00:00, of UTC for an instant; with more than 6 fraction digits as <see cref="Nanoseconds"/>, within their range.</summary>
    /// <param name="isInstant">Whether the text must end in <c>Z</c> (TIMESTAMP_LTZ).</param>
    /// <param name="precision">Fraction digits kept, 0 to 9.</param>
    public static bool TryParseTimestamp(ReadOnlySpan<byte> text, TimestampStandard standard, bool isInstant, int precision, out long value)
    {
        value = 0;
        var isIso = standard == TimestampStandard.Iso8601;
        var isLenient = !isIso || isInstant;
        if (text.Length < 16 || !TryReadDate(text, isLenient, out var days)) return false;
        var isSeparated = isIso ? text[10] == 'T' || (!isInstant && text[10] == 't') : text[10] == ' ';
        if (!isSeparated) return false;
        text = text[11..];
        if (!TryReadTime(ref text, isIso, isLenient, out var seconds, out var fraction)) return false;
        if (isInstant)
        {
            if (text.IsEmpty || text[0] != 'Z') return false;
            text = text[1..];
        }
        if (!text.IsEmpty) return false;
        value = (days * SecondsPerDay + seconds) * MicrosPerSecond;
        if (precision > DataType.Timestamp.MicrosPrecisionMax) return Nanoseconds.TryFromMicros(value, Cut(fraction, precision), out value);
        value += Cut(fraction, precision) / Nanoseconds.PerMicro;
        return true;
    }

    /// <summary>Nanoseconds of the last digit of a fraction of that many digits.</summary>
    private static ReadOnlySpan<int> FractionUnits => [1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];

    private static int Cut(int nanos, int precision) => precision switch
    {
        3 => nanos / 1_000_000 * 1_000_000,
        6 => nanos / 1_000 * 1_000,
        _ => nanos - nanos % FractionUnits[precision],
    };

    private static bool TryReadDate(ReadOnlySpan<byte> text, bool isLenient, out int days)
    {
        days = 0;
        if (text.Length < 10 || !TryReadPairs(text, DatePattern, DateSlack, out var pairs)) return false;
        var century = (int)(pairs & 0xFF);
        var yearOfCentury = (int)(pairs >> 16 & 0xFF);
        var month = (int)(pairs >> 40 & 0xFF);
        var day = Two(text, 8);
        if (month is < 1 or > 12 || day is < 1 or > 31) return false;
        var year = century * 100 + yearOfCentury;
        if (day > 28)
        {
            var dayMax = DaysOfMonth(year, month);
            if (day > dayMax)
            {
                if (!isLenient) return false;
                day = dayMax;
            }
        }
        days = DaysSinceEpoch(year, month, day);
        return true;
    }

    private static bool TryReadTime(ref ReadOnlySpan<byte> text, bool mayLackSeconds, bool isLenient, out int seconds, out int fractionNanos)
    {
        seconds = 0;
        fractionNanos = 0;
        int hour, minute, second;
        ulong pairs = 0;
        var hasSeconds = text.Length >= 8 && TryReadPairs(text, TimePattern, TimeSlack, out pairs);
        if (hasSeconds)
        {
            hour = (int)(pairs & 0xFF);
            minute = (int)(pairs >> 24 & 0xFF);
            second = (int)(pairs >> 48 & 0xFF);
        }
        else
        {
            if (!mayLackSeconds || text.Length < 5 || text[2] != ':') return false;
            (hour, minute, second) = (Two(text, 0), Two(text, 3), 0);
        }
        text = text[(hasSeconds ? 8 : 5)..];
        if (hasSeconds && !text.IsEmpty && text[0] == '.' && !TryReadFraction(ref text, out fractionNanos)) return false;
        if ((uint)minute > 59 || second > 59 || hour is < 0 or > 24) return false;
        if (hour == 24 && !(isLenient && (minute | second | fractionNanos) == 0)) return false;
        seconds = hour * 3600 + minute * 60 + second;
        return true;
    }

    private static bool TryReadFraction(ref ReadOnlySpan<byte> text, out int nanos)
    {
        nanos = 0;
        var i = 1;
        for (; i < text.Length && (uint)(text[i] - '0') <= 9; i++)
            if (i <= 9) nanos = nanos * 10 + (text[i] - '0');
        if (i <= 9) nanos *= FractionUnits[i - 1];
        text = text[i..];
        return i <= 10;
    }

    /// <summary>
    /// Eight characters at once, each a digit or the pattern's separator. A digit less its '0' is at most 9, a separator
    /// less itself 0: adding the slack carries whatever is more into the high bit. Two neighbouring digits make a number.
    /// </summary>
    /// <param name="pairs">In the byte of each pair's first digit, the pair as a number.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryReadPairs(ReadOnlySpan<byte> text, ulong pattern, ulong slack, out ulong pairs)
    {
        var digits = BinaryPrimitives.ReadUInt64LittleEndian(text) ^ pattern;
        pairs = digits * 10 + (digits >> 8);
        return ((digits | (digits + slack)) & 0x8080808080808080) == 0;
    }

    /// <summary>Two digits as a number; negative where they are none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Two(ReadOnlySpan<byte> text, int at)
    {
        var tens = (uint)(text[at] - '0');
        var ones = (uint)(text[at + 1] - '0');
        return tens > 9 || ones > 9 ? -1 : (int)(tens * 10 + ones);
    }

    private static int DaysOfMonth(int year, int month) => month switch
    {
        2 => year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28,
        4 or 6 or 9 or 11 => 30,
        _ => 31,
    };

    /// <summary>Days of the proleptic Gregorian calendar, counted in years that begin in March so that leap days come last.</summary>
    private static int DaysSinceEpoch(int year, int month, int day)
    {
        const int DaysToEpoch = 719_468; // from 0000-03-01 to 1970-01-01
        var marchYear = month <= 2 ? year - 1 : year;
        var era = (marchYear + 400) / 400 - 1; // year 0000 January lies in the era before
        var yearOfEra = marchYear - era * 400;
        var dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - DaysToEpoch;
    }
}
