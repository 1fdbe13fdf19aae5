namespace Matih.Sql.Values;

/// <summary>Days since 1970-01-01 and dates of the proleptic Gregorian calendar (ISO 8601), for years far beyond 1 to 9999.</summary>
internal static class CivilDate
{
    public const long MicrosPerDay = 86_400_000_000;
    public const long MicrosPerSecond = 1_000_000;

    /// <summary>Days since 1970-01-01 of a valid date.</summary>
    public static int ToDays(int year, int month, int day)
    {
        // Years begin in March here, so that the leap day is the last: eras of 400 years have 146,097 days.
        long shifted = month <= 2 ? year - 1 : year;
        var era = Math.DivRem(shifted, 400, out var yearOfEra);
        if (yearOfEra < 0)
        {
            yearOfEra += 400;
            era--;
        }
        var dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
        var dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
        return (int)(era * 146_097 + dayOfEra - 719_468);
    }

    public static (int Year, int Month, int Day) FromDays(int days)
    {
        var shifted = days + 719_468L;
        var era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097;
        var dayOfEra = shifted - era * 146_097;
        var yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        var dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        var month = (5 * dayOfYear + 2) / 153;
        var day = (int)(dayOfYear - (153 * month + 2) / 5 + 1);
        var civilMonth = (int)(month < 10 ? month + 3 : month - 9);
        return ((int)(yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0)), civilMonth, day);
    }

    public static bool IsLeap(int year) => year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    public static int DaysInMonth(int year, int month) => month switch
    {
        2 => IsLeap(year) ? 29 : 28,
        4 or 6 or 9 or 11 => 30,
        _ => 31,
    };

    /// <summary>0 for Sunday to 6 for Saturday.</summary>
    public static int DayOfWeek(int days) => (int)(((days + 4L) % 7 + 7) % 7);

    /// <summary>The date so many months later, or the last day of that month where it has no such day.</summary>
    public static int AddMonths(int days, int months)
    {
        var (year, month, day) = FromDays(days);
        var count = year * 12L + month - 1 + months;
        var (newYear, newMonth) = ((int)Math.DivRem(count, 12, out var rest), (int)rest + 1);
        if (rest < 0)
        {
            newYear--;
            newMonth += 12;
        }
        return ToDays(newYear, newMonth, Math.Min(day, DaysInMonth(newYear, newMonth)));
    }

    /// <summary>The day and the microsecond of the day of a timestamp; before 1970 as well.</summary>
    public static (int Days, long MicrosOfDay) Split(long micros)
    {
        var days = Math.DivRem(micros, MicrosPerDay, out var rest);
        return rest < 0 ? ((int)days - 1, rest + MicrosPerDay) : ((int)days, rest);
    }
}
