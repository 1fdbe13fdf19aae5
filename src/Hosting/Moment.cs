using System.Globalization;

namespace Matih.Hosting;

/// <summary>When something was: its age, which no set clock changes, and the time of day by the clock as it is now.</summary>
public readonly record struct Moment(TimeSpan Age, DateTimeOffset At)
{
    /// <summary>As RFC 3339 has it, in UTC, to the millisecond.</summary>
    public string Text => HostJson.TextOf(At);

    /// <summary>To the second, in UTC.</summary>
    public string TimeOfDay => At.ToString("HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <param name="timestamp">Of the clock; null for never.</param>
    public static Moment? Of(long? timestamp, TimeProvider clock)
    {
        if (timestamp is not { } at) return null;
        var age = clock.GetElapsedTime(at);
        return new Moment(age, clock.GetUtcNow() - age);
    }
}
