using System.Globalization;
using System.Text;
using Matih.Decoding;

namespace Matih.Engine.Tests.Decoding;

public sealed class DateTimeTextTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(1700)]
    [InlineData(9599)]
    public void Every_day_of_a_cycle_of_the_calendar_is_counted_as_the_framework_counts_it(int firstYear)
    {
        var first = new DateTime(firstYear, 1, 1);
        for (var day = first; day < first.AddYears(400); day = day.AddDays(1))
        {
            var text = Encoding.ASCII.GetBytes(day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));

            Assert.True(DateTimeText.TryParseDate(text, out var days));

            if (days != (day - DateTime.UnixEpoch).Days) Assert.Fail($"{day:yyyy-MM-dd} is {days}");
        }
    }

    [Fact]
    public void Any_other_character_in_any_place_is_refused()
    {
        var valid = "2024-03-27 12:19:22.797"u8.ToArray();
        Assert.True(DateTimeText.TryParseTimestamp(valid, TimestampStandard.Sql, isInstant: false, 3, out var expected));
        Assert.Equal(new DateTime(2024, 3, 27, 12, 19, 22, 797), DateTime.UnixEpoch.AddTicks(expected * 10));
        for (var at = 0; at < valid.Length; at++)
        {
            for (var other = 0; other < 256; other++)
            {
                var text = valid.ToArray();
                text[at] = (byte)other;

                var isTimestamp = DateTimeText.TryParseTimestamp(text, TimestampStandard.Sql, isInstant: false, 3, out var micros);

                // The framework takes a no-break space for a blank; bytes above ASCII never belong here.
                var isExpected = other < 0x80 && DateTime.TryParseExact(Encoding.Latin1.GetString(text), "yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
                Assert.True(isTimestamp == isExpected, $"byte {other} at {at}");
                if (isExpected) Assert.Equal(Encoding.ASCII.GetString(text), DateTime.UnixEpoch.AddTicks(micros * 10).ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture));
            }
        }
    }
    [Theory]
    [InlineData("2024-03-27 12:19:22.123456789", 9, 1_711_541_962_123_456_789)]
    [InlineData("2024-03-27 12:19:22.123456789", 7, 1_711_541_962_123_456_700)]
    [InlineData("2024-03-27 12:19:22.1", 9, 1_711_541_962_100_000_000)]
    [InlineData("1969-12-31 23:59:59.999999999", 9, -1)]
    [InlineData("2024-03-27 12:19:22.123456789", 6, 1_711_541_962_123_456)]
    [InlineData("1970-01-01 00:00:00.123456789", 4, 123_400)]
    [InlineData("1970-01-01 00:00:00.000000999", 6, 0)]
    [InlineData("2262-04-11 23:47:16.854775806", 9, long.MaxValue - 1)]
    [InlineData("1677-09-21 00:12:43.145224193", 9, long.MinValue + 1)]
    public void A_fraction_is_kept_to_the_precision(string text, int precision, long expected)
    {
        Assert.True(DateTimeText.TryParseTimestamp(Encoding.ASCII.GetBytes(text), TimestampStandard.Sql, isInstant: false, precision, out var value));

        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData("2262-04-11 23:47:16.854775807", 9)]
    [InlineData("1677-09-21 00:12:43.145224192", 9)]
    [InlineData("9999-12-31 00:00:00", 7)]
    [InlineData("2024-03-27 12:19:22.1234567890", 9)]
    [InlineData("2024-03-27 24:00:00.000000001", 3)]
    public void What_no_value_can_hold_is_refused(string text, int precision) =>
        Assert.False(DateTimeText.TryParseTimestamp(Encoding.ASCII.GetBytes(text), TimestampStandard.Sql, isInstant: false, precision, out _));
}
