using System.Globalization;
using System.Text;

namespace Matih.Sql.Values;

/// <summary>Decimals as text: plain digits, with all digits of the scale.</summary>
internal static class DecimalDigits
{
    /// <summary>A sign, a leading zero, a point and 38 digits.</summary>
    public const int LengthMax = 44;

    public static int Write(Int128 unscaled, int scale, Span<byte> target)
    {
        Span<byte> digits = stackalloc byte[LengthMax];
        var isNegative = unscaled < 0;
        var magnitude = isNegative ? (UInt128)(-unscaled) : (UInt128)unscaled;
        magnitude.TryFormat(digits, out var count, default, CultureInfo.InvariantCulture);
        var written = 0;
        if (isNegative) target[written++] = (byte)'-';
        if (count <= scale)
        {
            target[written++] = (byte)'0';
            target[written++] = (byte)'.';
            for (var i = count; i < scale; i++) target[written++] = (byte)'0';
            digits[..count].CopyTo(target[written..]);
            return written + count;
        }
        digits[..(count - scale)].CopyTo(target[written..]);
        written += count - scale;
        if (scale == 0) return written;
        target[written++] = (byte)'.';
        digits[(count - scale)..count].CopyTo(target[written..]);
        return written + scale;
    }

    public static string Format(Int128 unscaled, int scale)
    {
        Span<byte> text = stackalloc byte[LengthMax];
        return Encoding.ASCII.GetString(text[..Write(unscaled, scale, text)]);
    }
}
