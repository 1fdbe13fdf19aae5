using System.Globalization;

namespace Matih.Host.Output;

/// <summary>Numbers as people read them.</summary>
internal static class Quantity
{
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    public static string Count(double count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>In binary units: <c>512 B</c>, <c>3.4 KiB</c>, <c>120 MiB</c>.</summary>
    public static string Bytes(double bytes)
    {
        ReadOnlySpan<string> units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
        var unit = 0;
        while (bytes >= 1024 && unit < units.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }
        var format = unit == 0 || bytes >= 100 ? "0" : "0.0";
        return bytes.ToString(format, CultureInfo.InvariantCulture) + " " + units[unit];
    }

    /// <summary>An instant in UTC, to the millisecond.</summary>
    public static string Instant(long millis) =>
        DateTimeOffset.FromUnixTimeMilliseconds(millis).ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
