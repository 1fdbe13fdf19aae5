using System.Globalization;

namespace Matih.Host.Runtime;

/// <summary>Durations as the definition has them: a number and <c>ms</c>, <c>s</c>, <c>m</c>, <c>h</c> or <c>d</c>.</summary>
internal static class DurationText
{
    private static readonly (string Unit, TimeSpan Length)[] Units =
    [
        ("ms", TimeSpan.FromMilliseconds(1)), ("s", TimeSpan.FromSeconds(1)), ("m", TimeSpan.FromMinutes(1)),
        ("h", TimeSpan.FromHours(1)), ("d", TimeSpan.FromDays(1)),
    ];

    /// <summary>False for anything but a duration above zero, of at most 10,000 days.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        foreach (var (unit, length) in Units)
        {
            if (!text.EndsWith(unit, StringComparison.Ordinal)) continue;
            var number = text.AsSpan(0, text.Length - unit.Length);
            if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count)) continue;
            if (!(count > 0) || count * length.TotalDays > 10_000) return false;
            duration = length * count;
            return duration > TimeSpan.Zero;
        }
        return false;
    }

    /// <summary>For people: <c>350 ms</c>, <c>12.3 s</c>, <c>4 min 10 s</c>, <c>2 h 5 min</c>.</summary>
    public static string Show(TimeSpan duration) => duration switch
    {
        { TotalSeconds: > 0 and < 1 } => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalMilliseconds:0} ms"),
        { TotalMinutes: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:0.#} s"),
        { TotalHours: < 1 } => Parts(duration.Minutes, "min", duration.Seconds, "s"),
        _ => Parts((long)duration.TotalHours, "h", duration.Minutes, "min"),
    };

    private static string Parts(long large, string largeUnit, int small, string smallUnit) => small == 0
        ? string.Create(CultureInfo.InvariantCulture, $"{large} {largeUnit}")
        : string.Create(CultureInfo.InvariantCulture, $"{large} {largeUnit} {small} {smallUnit}");
}
