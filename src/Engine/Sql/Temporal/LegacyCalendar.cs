namespace Matih.Sql.Temporal;

/// <summary>
/// The calendar of java.util.GregorianCalendar, which SimpleDateFormat reads and writes by: Gregorian from 1582-10-15 on, Julian
/// before, and every field may lie outside of its range and counts on (a 32nd of January is the first of February).
/// </summary>
internal static class LegacyCalendar
{
    /// <summary>1582-10-15 in days since 1970-01-01: the first day of the Gregorian calendar.</summary>
    public const int GregorianStart = -141_427;

    private const int GregorianStartYear = 1582;
    private const long YearMax = 1_000_000;

    /// <summary>Days since 1970-01-01; null for years that are millions away.</summary>
    /// <param name="month">From 1 for January.</param>
    /// <param name="moreDays">Days that the time of day comes to.</param>
    public static long? ToDays(long year, long month, long day, long moreDays)
    {
        if (Math.Abs(year) > YearMax) return null;
        var months = Math.DivRem(month - 1, 12, out var rest);
        if (rest < 0)
        {
            months--;
            rest += 12;
        }
        var started = (int)Math.Clamp(year + months, -10 * YearMax, 10 * YearMax);
        if (started != year + months) return null;
        var gregorian = CivilDate.ToDays(started, (int)rest + 1, 1) + day - 1 + moreDays;
        return year >= GregorianStartYear && gregorian >= GregorianStart ? gregorian : JulianToDays(started, (int)rest + 1) + day - 1 + moreDays;
    }

    /// <summary>The date as people wrote it at the time.</summary>
    public static (int Year, int Month, int Day) FromDays(int days)
    {
        if (days >= GregorianStart) return CivilDate.FromDays(days);
        // Years begin in March here; four of them have 1,461 days. 0000-03-01 of the Julian calendar is day -719,470.
        var since = days + 719_470L;
        var cycle = Math.DivRem(since, 1461, out var dayOfCycle);
        if (dayOfCycle < 0)
        {
            cycle--;
            dayOfCycle += 1461;
        }
        var yearOfCycle = Math.Min(dayOfCycle / 365, 3);
        var dayOfYear = dayOfCycle - yearOfCycle * 365;
        var month = (5 * dayOfYear + 2) / 153;
        var civilMonth = (int)(month < 10 ? month + 3 : month - 9);
        return ((int)(cycle * 4 + yearOfCycle + (civilMonth <= 2 ? 1 : 0)), civilMonth, (int)(dayOfYear - (153 * month + 2) / 5 + 1));
    }

    /// <summary>The first day of a month of the Julian calendar.</summary>
    private static long JulianToDays(int year, int month)
    {
        long shifted = month <= 2 ? year - 1 : year;
        var cycle = Math.DivRem(shifted, 4, out var yearOfCycle);
        if (yearOfCycle < 0)
        {
            cycle--;
            yearOfCycle += 4;
        }
        return cycle * 1461 + yearOfCycle * 365 + (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 - 719_470;
    }
}
