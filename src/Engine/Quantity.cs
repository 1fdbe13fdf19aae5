using System.Globalization;

namespace Matih;

/// <summary>
/// Counts and sizes as every message shows them to people: <c>12,345 records</c>, <c>1 file</c>, <c>3.4 KiB</c>. What names
/// something (an offset, a partition, an id, a line, a year) is no count and is shown without separators; so are numbers in JSON.
/// </summary>
public static class Quantity
{
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    public static string Count(double count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A count with its noun, which is in the singular for 1 alone.</summary>
    /// <param name="plural">Needed where the plural is not the noun and an s.</param>
    public static string Of(long count, string noun, string? plural = null) => $"{Count(count)} {(count == 1 ? noun : plural ?? noun + "s")}";

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
        var format = unit == 0 || bytes >= 100 ? "N0" : "0.0";
        return bytes.ToString(format, CultureInfo.InvariantCulture) + " " + units[unit];
    }

    /// <summary>An instant in UTC, to the millisecond.</summary>
    public static string Instant(long millis) =>
        DateTimeOffset.FromUnixTimeMilliseconds(millis).ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
