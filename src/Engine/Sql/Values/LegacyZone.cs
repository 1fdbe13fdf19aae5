namespace Matih.Sql.Values;

/// <summary>
/// Local times of a zone as java.util.TimeZone and GregorianCalendar have them: of an overlap the later instant counts, a
/// gap moves forward, and before 1900 the zone's last standard offset holds.
/// </summary>
/// <remarks>Source: sun.util.calendar.ZoneInfo of Java 17, checked against it at random.</remarks>
internal static class LegacyZone
{
    // 1900-01-01 UTC: Java's old zones know no change before.
    private const long FirstMicros = -2_208_988_800 * CivilDate.MicrosPerSecond;

    public static long ToLocal(long instantMicros, TimeZoneInfo zone) => instantMicros + OffsetAt(instantMicros, zone);

    public static long ToInstant(long localMicros, TimeZoneInfo zone)
    {
        // The offsets a day before and after are those on both sides of any change that may lie between.
        var before = OffsetAt(localMicros - CivilDate.MicrosPerDay, zone);
        var after = OffsetAt(localMicros + CivilDate.MicrosPerDay, zone);
        var later = localMicros - Math.Min(before, after);
        if (OffsetAt(later, zone) == localMicros - later) return later;
        var earlier = localMicros - Math.Max(before, after);
        if (OffsetAt(earlier, zone) == localMicros - earlier) return earlier;
        return localMicros - before;
    }

    private static long OffsetAt(long instantMicros, TimeZoneInfo zone) =>
        instantMicros < FirstMicros ? StandardOffset(zone) : SessionZone.OffsetAt(instantMicros, zone);

    /// <summary>The least offset of a year: what .NET calls a zone's base is its summer time where the law calls winter the exception (Dublin).</summary>
    private static long StandardOffset(TimeZoneInfo zone)
    {
        var year = CivilDate.ToDays(2024, 1, 1) * CivilDate.MicrosPerDay;
        return Enumerable.Range(0, 12).Min(month => SessionZone.OffsetAt(year + month * 30 * CivilDate.MicrosPerDay, zone));
    }
}
