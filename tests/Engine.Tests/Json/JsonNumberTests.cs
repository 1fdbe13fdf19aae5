using System.Globalization;
using System.Numerics;
using System.Text;
using Matih.Json;

namespace Matih.Engine.Tests.Json;

public sealed class JsonNumberTests
{
    [Theory]
    [InlineData("0", 0L)]
    [InlineData("-0", 0L)]
    [InlineData("+12", 12L)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("9223372036854775808", null)]
    [InlineData("-9223372036854775809", null)]
    [InlineData("99999999999999999999999", null)]
    [InlineData("18446744073709551617", null)]
    [InlineData("1.0", null)]
    [InlineData("", null)]
    [InlineData("-", null)]
    [InlineData("1x", null)]
    public void An_integer_is_exact_or_refused(string text, long? expected)
    {
        var isInteger = JsonNumber.TryParseInt64(Encoding.UTF8.GetBytes(text), out var value);

        Assert.Equal(expected, isInteger ? value : null);
    }

    [Theory]
    [InlineData("1.9", 1L)]
    [InlineData("-1.9", -1L)]
    [InlineData("1e2", 100L)]
    [InlineData("125e-1", 12L)]
    [InlineData("9007199254740993.0", 9007199254740993L)]
    [InlineData("0.9999999999999999999999999999999999999999999", 0L)]
    [InlineData("1e-400", 0L)]
    [InlineData("0e400", 0L)]
    [InlineData("9223372036854775807.9", long.MaxValue)]
    [InlineData("9223372036854775808.0", null)]
    [InlineData("1e19", null)]
    [InlineData("1e400", null)]
    public void Any_number_is_cut_to_an_integer(string text, long? expected)
    {
        var fits = JsonNumber.TryTruncateToInt64(Encoding.UTF8.GetBytes(text), out var value);

        Assert.Equal(expected, fits ? value : null);
    }

    [Theory]
    [InlineData("1.005", 10, 2, "101")]
    [InlineData("-1.005", 10, 2, "-101")]
    [InlineData("1.0049999", 10, 2, "100")]
    [InlineData("1e3", 10, 2, "100000")]
    [InlineData("0.05", 4, 1, "1")]
    [InlineData("0.04", 4, 1, "0")]
    [InlineData("99.99", 4, 2, "9999")]
    [InlineData("99.995", 4, 2, null)]
    [InlineData("123.4", 4, 2, null)]
    [InlineData("0.1234567890123456789", 38, 18, "123456789012345679")]
    [InlineData("99999999999999999999999999999999999999", 38, 0, "99999999999999999999999999999999999999")]
    [InlineData("-9999999999999999999.9999999999999999999", 38, 19, "-99999999999999999999999999999999999999")]
    [InlineData("100000000000000000000000000000000000000", 38, 0, null)]
    [InlineData("1e-999999999999", 10, 2, "0")]
    [InlineData("1e999999999999", 10, 2, null)]
    [InlineData(".5", 10, 2, "50")]
    [InlineData("5.", 10, 2, "500")]
    [InlineData("1e", 10, 2, null)]
    [InlineData("", 10, 2, null)]
    public void A_decimal_is_rounded_half_away_from_zero(string text, int precision, int scale, string? expected)
    {
        var fits = JsonNumber.TryParseDecimal(Encoding.UTF8.GetBytes(text), precision, scale, out var unscaled);

        Assert.Equal(expected, fits ? unscaled.ToString(CultureInfo.InvariantCulture) : null);
    }

    [Fact]
    public void Decimals_agree_with_whole_number_arithmetic()
    {
        var random = new Random(20240607);
        for (var i = 0; i < 20_000; i++)
        {
            var digits = random.Next(1, 45);
            var text = new StringBuilder(random.Next(2) == 0 ? "-" : "");
            var point = random.Next(0, digits + 1);
            for (var d = 0; d < digits; d++)
            {
                if (d == point) text.Append('.');
                text.Append((char)('0' + random.Next(10)));
            }
            var scale = random.Next(0, 20);

            var fits = JsonNumber.TryParseDecimal(Encoding.UTF8.GetBytes(text.ToString()), 38, scale, out var unscaled);

            var expected = Rounded(text.ToString(), scale);
            Assert.True(fits == (BigInteger.Abs(expected) < BigInteger.Pow(10, 38)), $"{text} at scale {scale}");
            if (fits) Assert.Equal(expected, (BigInteger)unscaled);
        }
    }

    private static BigInteger Rounded(string text, int scale)
    {
        var isNegative = text.StartsWith('-');
        var parts = text.TrimStart('-').Split('.');
        var fraction = parts.Length == 2 ? parts[1] : "";
        var all = BigInteger.Parse("0" + parts[0] + fraction, CultureInfo.InvariantCulture) * BigInteger.Pow(10, scale);
        var divisor = BigInteger.Pow(10, fraction.Length);
        var rounded = (all * 2 + divisor) / (divisor * 2);
        return isNegative ? -rounded : rounded;
    }

    [Fact]
    public void Doubles_are_the_nearest_ones()
    {
        var random = new Random(77);
        for (var i = 0; i < 50_000; i++)
        {
            var value = i % 2 == 0 ? BitConverter.Int64BitsToDouble(random.NextInt64()) : Math.Round(random.NextDouble() * 1e6, random.Next(8));
            if (!double.IsFinite(value)) continue;
            var text = value.ToString(i % 3 == 0 ? "E17" : "R", CultureInfo.InvariantCulture);

            Assert.True(JsonNumber.TryParseDouble(Encoding.UTF8.GetBytes(text), out var parsed));

            Assert.Equal(BitConverter.DoubleToInt64Bits(value), BitConverter.DoubleToInt64Bits(parsed));
        }
    }

    [Theory]
    [InlineData("1e400", double.PositiveInfinity)]
    [InlineData("-1e400", double.NegativeInfinity)]
    [InlineData("1e-400", 0.0)]
    [InlineData("1e99999999999", double.PositiveInfinity)]
    [InlineData("123456789012345678901234567890", 1.2345678901234568e29)]
    [InlineData("0.1", 0.1)]
    [InlineData("1.7976931348623157e308", double.MaxValue)]
    public void Doubles_outside_the_range_are_infinite_or_zero(string text, double expected)
    {
        Assert.True(JsonNumber.TryParseDouble(Encoding.UTF8.GetBytes(text), out var value));

        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("1e")]
    [InlineData("1.5 ")]
    [InlineData("1,5")]
    [InlineData("--1")]
    public void Other_text_is_no_double(string text) => Assert.False(JsonNumber.TryParseDouble(Encoding.UTF8.GetBytes(text), out _));
}
