using System.Globalization;
using System.Text;
using System.Text.Json;
using Matih.Batches;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;

namespace Matih.Iceberg;

/// <summary>The default of a column: <c>initial-default</c> for rows that are older than it, <c>write-default</c> for new ones.</summary>
/// <remarks>Source: Apache Iceberg table spec, "Default values" and Appendix D, "JSON single-value serialization".</remarks>
internal static class DefaultValue
{
    private static readonly string[] TimeFormats = ["HH:mm:ss.FFFFFFF", "HH:mm"];
    private static readonly string[] TimestampFormats = ["yyyy-MM-dd'T'HH:mm:ss.FFFFFFF", "yyyy-MM-dd'T'HH:mm"];

    /// <param name="json">The schema's text; null for NULL.</param>
    /// <returns>Null where this build cannot write the value: one of a nested or unknown type, or a text of another form.</returns>
    public static PartitionValue? Parse(IcebergType type, string? json)
    {
        if (json is null) return PartitionValue.Null;
        using var document = JsonDocument.Parse(json);
        try
        {
            return Parse(type, document.RootElement);
        }
        catch (Exception exception) when (exception is FormatException or InvalidOperationException or OverflowException)
        {
            return null;
        }
    }

    private static PartitionValue? Parse(IcebergType type, JsonElement json) => type switch
    {
        IcebergType.Boolean => PartitionValue.Of(json.GetBoolean() ? 1 : 0),
        IcebergType.Int => PartitionValue.Of(json.GetInt32()),
        IcebergType.Long => PartitionValue.Of(json.GetInt64()),
        IcebergType.Float => PartitionValue.OfFloat(json.GetSingle()),
        IcebergType.Double => PartitionValue.OfDouble(json.GetDouble()),
        IcebergType.Decimal(_, var scale) => Decimal(json.GetString()!, scale),
        IcebergType.Date => PartitionValue.Of(DateOnly.ParseExact(json.GetString()!, "yyyy-MM-dd", CultureInfo.InvariantCulture).DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber),
        IcebergType.Time => PartitionValue.Of(TimeOnly.ParseExact(json.GetString()!, TimeFormats, CultureInfo.InvariantCulture, DateTimeStyles.None).Ticks / TimeSpan.TicksPerMicrosecond),
        IcebergType.Timestamp => Timestamp(json.GetString()!),
        IcebergType.TimestampTz => WithoutZone(json.GetString()!) is { } local ? Timestamp(local) : null,
        IcebergType.TimestampNs => TimestampNs(json.GetString()!),
        IcebergType.TimestampTzNs => WithoutZone(json.GetString()!) is { } utc ? TimestampNs(utc) : null,
        IcebergType.String => PartitionValue.Of(Encoding.UTF8.GetBytes(json.GetString()!)),
        IcebergType.Uuid => PartitionValue.Of(Guid.ParseExact(json.GetString()!, "D").ToByteArray(bigEndian: true)),
        IcebergType.Binary => PartitionValue.Of(Convert.FromHexString(json.GetString()!)),
        IcebergType.Fixed(var length) when Convert.FromHexString(json.GetString()!) is var bytes && bytes.Length == length => PartitionValue.Of(bytes),
        _ => null,
    };

    /// <summary>The text without its zone, which can only be that of UTC; null for another.</summary>
    private static string? WithoutZone(string text) => text.EndsWith("+00:00", StringComparison.Ordinal) ? text[..^6] : text.EndsWith('Z') ? text[..^1] : null;

    private static PartitionValue Timestamp(string text) =>
        PartitionValue.Of((DateTime.ParseExact(text, TimestampFormats, CultureInfo.InvariantCulture, DateTimeStyles.None) - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);

    /// <summary>Null where nanoseconds do not reach the time.</summary>
    private static PartitionValue? TimestampNs(string text)
    {
        var point = text.IndexOf('.', StringComparison.Ordinal);
        var digits = point < 0 ? "" : text[(point + 1)..];
        if (digits.Length > 9 || (point >= 0 && digits.Length == 0)) throw new FormatException($"'{text}' has no fraction of at most nine digits.");
        var fraction = digits.Length == 0 ? 0 : int.Parse(digits.PadRight(9, '0'), NumberStyles.None, CultureInfo.InvariantCulture);
        var whole = (DateTime.ParseExact(point < 0 ? text : text[..point], TimestampFormats, CultureInfo.InvariantCulture, DateTimeStyles.None) - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        return Nanoseconds.TryFromMicros(whole + fraction / Nanoseconds.PerMicro, fraction % Nanoseconds.PerMicro, out var nanos) ? PartitionValue.Of(nanos) : null;
    }

    /// <summary>Digits with as many behind the point as the column has.</summary>
    private static PartitionValue? Decimal(string text, int scale)
    {
        var point = text.IndexOf('.', StringComparison.Ordinal);
        if ((point < 0 ? 0 : text.Length - point - 1) != scale) return null;
        return PartitionValue.Of(Int128.Parse(text.Replace(".", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
    }
}
