namespace Matih.Sql.Values;

/// <summary>Local time of a zone from instants, and back, as java.time does it: a gap moves forward, of an overlap the earlier instant counts.</summary>
internal static class SessionZone
{
    private const long EpochTicks = 621_355_968_000_000_000;
    private const long TicksPerMicro = 10;

    public static long ToLocal(long instantMicros, TimeZoneInfo zone) =>
        zone.Equals(TimeZoneInfo.Utc) ? instantMicros : instantMicros + OffsetAt(instantMicros, zone);

    public static long ToInstant(long localMicros, TimeZoneInfo zone)
    {
        if (zone.Equals(TimeZoneInfo.Utc)) return localMicros;
        // The offsets a day before and after are those on both sides of any change that may lie between.
        var before = OffsetAt(localMicros - CivilDate.MicrosPerDay, zone);
        var after = OffsetAt(localMicros + CivilDate.MicrosPerDay, zone);
        var earlier = localMicros - Math.Max(before, after);
        if (OffsetAt(earlier, zone) == localMicros - earlier) return earlier;
        var later = localMicros - Math.Min(before, after);
        if (OffsetAt(later, zone) == localMicros - later) return later;
        // In a gap: the offset before it.
        return localMicros - before;
    }

    /// <summary>Microseconds to add to UTC at an instant.</summary>
    public static long OffsetAt(long instantMicros, TimeZoneInfo zone)
    {
        if (zone.Equals(TimeZoneInfo.Utc)) return 0;
        var seconds = Math.DivRem(instantMicros, CivilDate.MicrosPerSecond, out var below);
        if (ZoneHistory.Of(zone).OffsetAt(below < 0 ? seconds - 1 : seconds) is { } offset) return offset * CivilDate.MicrosPerSecond;
        var ticks = Math.Clamp(EpochTicks + instantMicros * TicksPerMicro, 0, DateTime.MaxValue.Ticks);
        return zone.GetUtcOffset(new DateTime(ticks, DateTimeKind.Utc)).Ticks / TicksPerMicro;
    }
}
