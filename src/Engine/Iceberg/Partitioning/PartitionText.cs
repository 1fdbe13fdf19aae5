using System.Globalization;
using System.Text;
using Matih.Batches;
using Matih.Iceberg.Metadata;

namespace Matih.Iceberg.Partitioning;

/// <summary>Partition values as people and folders show them. Nothing is ever parsed back from a folder's name.</summary>
internal static class PartitionText
{
    // File systems end a folder's name at 255 bytes, and "name=value" is one; a longer part keeps its start and a hash of the whole.
    private const int EscapedCharsMax = 120;
    private const long MicrosPerSecond = 1_000_000;

    public static string Of(Transform transform, IcebergType type, PartitionValue value)
    {
        if (value.IsNull) return "null";
        var number = (long)value.Number;
        return transform switch
        {
            Transform.Year => Year(1970 + number),
            Transform.Month => Month(number),
            Transform.Hour => $"{Date(TransformArithmetic.FloorDivide(number, 24))}-{number - TransformArithmetic.FloorDivide(number, 24) * 24:00}",
            _ => Plain(type, value),
        };
    }

    private static string Plain(IcebergType type, PartitionValue value) => type switch
    {
        IcebergType.Boolean => value.Number == 0 ? "false" : "true",
        IcebergType.Date => Date((long)value.Number),
        IcebergType.Time => Time((long)value.Number),
        IcebergType.Timestamp => Timestamp((long)value.Number),
        IcebergType.TimestampTz => Timestamp((long)value.Number) + "+00:00",
        IcebergType.TimestampNs => TimestampNs((long)value.Number),
        IcebergType.TimestampTzNs => TimestampNs((long)value.Number) + "+00:00",
        IcebergType.Float => BitConverter.Int32BitsToSingle((int)value.Number).ToString("R", CultureInfo.InvariantCulture),
        IcebergType.Double => BitConverter.Int64BitsToDouble((long)value.Number).ToString("R", CultureInfo.InvariantCulture),
        IcebergType.Decimal(_, var scale) => Decimal(value.Number, scale),
        IcebergType.String => Encoding.UTF8.GetString(value.Bytes),
        IcebergType.Uuid => new Guid(value.Bytes, bigEndian: true).ToString(),
        IcebergType.Binary or IcebergType.Fixed => Convert.ToBase64String(value.Bytes),
        _ => value.Number.ToString(CultureInfo.InvariantCulture),
    };

    private static string Year(long year) => year < 0 ? $"-{-year:0000}" : $"{year:0000}";

    private static string Month(long months)
    {
        var year = 1970 + TransformArithmetic.FloorDivide(months, 12);
        return $"{Year(year)}-{months - (year - 1970) * 12 + 1:00}";
    }

    private static string Date(long days)
    {
        var months = TransformArithmetic.MonthsOfDays(days);
        return $"{Month(months)}-{days - TransformArithmetic.DaysOfMonth(months) + 1:00}";
    }

    /// <param name="below">Nanoseconds after the microsecond, 0 to 999.</param>
    private static string Time(long micros, int below = 0)
    {
        var seconds = micros / MicrosPerSecond;
        var text = $"{seconds / 3600:00}:{seconds / 60 % 60:00}:{seconds % 60:00}";
        var fraction = micros % MicrosPerSecond * Nanoseconds.PerMicro + below;
        return fraction == 0 ? text : $"{text}.{fraction:000000000}".TrimEnd('0');
    }

    private static string TimestampNs(long nanos) => Timestamp(Nanoseconds.ToMicros(nanos, out var below), below);

    private static string Timestamp(long micros, int below = 0)
    {
        var days = TransformArithmetic.DaysOfMicros(micros);
        return $"{Date(days)}T{Time(micros - days * TransformArithmetic.MicrosPerDay, below)}";
    }

    private static string Decimal(Int128 unscaled, int scale)
    {
        var digits = Int128.Abs(unscaled).ToString(CultureInfo.InvariantCulture).PadLeft(scale + 1, '0');
        var sign = unscaled < 0 ? "-" : "";
        return scale == 0 ? sign + digits : $"{sign}{digits[..^scale]}.{digits[^scale..]}";
    }

    /// <summary>As an HTML form encodes a value in UTF-8, which is what the reference implementation does to folder names.</summary>
    public static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var item in Encoding.UTF8.GetBytes(text))
        {
            if (char.IsAsciiLetterOrDigit((char)item) || item is (byte)'.' or (byte)'-' or (byte)'*' or (byte)'_') escaped.Append((char)item);
            else if (item == ' ') escaped.Append('+');
            else escaped.Append('%').Append(item.ToString("X2", CultureInfo.InvariantCulture));
        }
        if (escaped.Length <= EscapedCharsMax) return escaped.ToString();
        var hash = (uint)Murmur3.Hash32(Encoding.UTF8.GetBytes(text));
        return $"{escaped.ToString(0, EscapedCharsMax / 2)}...{hash:x8}";
    }
}
