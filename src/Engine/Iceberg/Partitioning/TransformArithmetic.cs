using System.Text;
using Matih.Iceberg.Metadata;

namespace Matih.Iceberg.Partitioning;

/// <summary>The arithmetic of the partition transforms on values as columns hold them.</summary>
/// <remarks>Source: Apache Iceberg table spec, "Partition Transforms" and Appendix B.</remarks>
internal static class TransformArithmetic
{
    internal const long MicrosPerDay = 86_400_000_000;
    internal const long MicrosPerHour = 3_600_000_000;
    private const int UnixEpochDayNumber = 719_162;

    /// <summary>Integers of every width, dates, times and instants (those in nanoseconds as microseconds) are hashed as 64-bit numbers.</summary>
    public static int Bucket(long value, int count) => (Murmur3.Hash32(value) & int.MaxValue) % count;

    /// <summary>Decimals are hashed as the shortest big-endian two's complement of the unscaled value.</summary>
    public static int Bucket(Int128 unscaled, int count)
    {
        Span<byte> bytes = stackalloc byte[DecimalBytes.CountMax];
        return Bucket(bytes[..DecimalBytes.Write(unscaled, bytes)], count);
    }

    public static int Bucket(ReadOnlySpan<byte> bytes, int count) => (Murmur3.Hash32(bytes) & int.MaxValue) % count;

    /// <summary>Rounds down to a multiple of the width, wrapping where the result leaves the range, as the reference implementation does.</summary>
    public static int Truncate(int value, int width) => unchecked((int)(value - FloorRemainder(value, width)));

    public static long Truncate(long value, int width) => unchecked(value - FloorRemainder(value, width));

    public static Int128 Truncate(Int128 value, int width)
    {
        var remainder = value % width;
        return value - (remainder < 0 ? remainder + width : remainder);
    }

    /// <summary>The first <paramref name="width"/> code points of valid UTF-8.</summary>
    public static ReadOnlySpan<byte> TruncateText(ReadOnlySpan<byte> utf8, int width)
    {
        if (utf8.Length <= width) return utf8;
        var position = 0;
        for (var taken = 0; taken < width && position < utf8.Length; taken++)
        {
            Rune.DecodeFromUtf8(utf8[position..], out _, out var consumed);
            position += consumed;
        }
        return utf8[..position];
    }

    public static ReadOnlySpan<byte> TruncateBinary(ReadOnlySpan<byte> bytes, int width) => bytes.Length <= width ? bytes : bytes[..width];

    /// <summary>Days since 1970-01-01; before that, the day that the instant lies in.</summary>
    public static long DaysOfMicros(long micros) => FloorDivide(micros, MicrosPerDay);

    public static long YearsOfDays(long days) => CivilOfDays(days).Year - 1970;

    public static long MonthsOfDays(long days)
    {
        var (year, month) = CivilOfDays(days);
        return (year - 1970) * 12 + month - 1;
    }

    internal static long DaysOfMonth(long months)
    {
        var year = 1970 + FloorDivide(months, 12);
        var month = (int)(months - (year - 1970) * 12) + 1;
        return DaysOfCivil(year, month);
    }

    internal static long FloorDivide(long value, long divisor)
    {
        var quotient = value / divisor;
        return value % divisor < 0 ? quotient - 1 : quotient;
    }

    private static long FloorRemainder(long value, int width)
    {
        var remainder = value % width;
        return remainder < 0 ? remainder + width : remainder;
    }

    /// <summary>Year and month of a day of the proleptic Gregorian calendar, for any year.</summary>
    /// <remarks>The calendar repeats every 400 years of 146,097 days; each such era is counted from a first of March.</remarks>
    private static (long Year, int Month) CivilOfDays(long days)
    {
        var shifted = days + UnixEpochDayNumber + 306;
        var era = FloorDivide(shifted, 146_097);
        var dayOfEra = shifted - era * 146_097;
        var yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        var dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        var marchMonth = (int)((5 * dayOfYear + 2) / 153);
        var month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month);
    }

    private static long DaysOfCivil(long year, int month)
    {
        var marchYear = month <= 2 ? year - 1 : year;
        var era = FloorDivide(marchYear, 400);
        var yearOfEra = marchYear - era * 400;
        var dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5;
        var dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
        return era * 146_097 + dayOfEra - 306 - UnixEpochDayNumber;
    }
}
