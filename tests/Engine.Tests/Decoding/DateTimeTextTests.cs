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
}
