namespace Matih.Sql.Values;

/// <summary>
/// Dates whose fields may lie outside of their ranges and count on, as in java.util.GregorianCalendar: a 32nd of January is the
/// first of February. The calendar is proleptic Gregorian for every date, as everywhere here; Java's is Julian before 1582-10-15.
/// </summary>
internal static class LenientDate
{
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
        return Math.Abs(year + months) > 2 * YearMax ? null : CivilDate.ToDays((int)(year + months), (int)rest + 1, 1) + day - 1 + moreDays;
    }
}
