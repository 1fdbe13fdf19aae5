using Matih.Host.Runtime;

namespace Matih.Engine.Tests.Host;

public sealed class DurationTextTests
{
    [Theory]
    [InlineData("250ms", 250)]
    [InlineData("20s", 20_000)]
    [InlineData("1.5m", 90_000)]
    [InlineData("2h", 7_200_000)]
    [InlineData("1d", 86_400_000)]
    public void A_number_and_a_unit_is_a_duration(string text, double millis)
    {
        Assert.True(DurationText.TryParse(text, out var duration));
        Assert.Equal(millis, duration.TotalMilliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("20")]
    [InlineData("s")]
    [InlineData("0s")]
    [InlineData("-5s")]
    [InlineData("5 s")]
    [InlineData("1e3s")]
    [InlineData("NaNs")]
    [InlineData("10001d")]
    [InlineData("999999999999999999999d")]
    public void Anything_else_is_not(string text) => Assert.False(DurationText.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0 s")]
    [InlineData(350, "350 ms")]
    [InlineData(12_340, "12.3 s")]
    [InlineData(60_000, "1 min")]
    [InlineData(250_000, "4 min 10 s")]
    [InlineData(7_500_000, "2 h 5 min")]
    public void Durations_are_shown_in_two_units_at_most(double millis, string expected) =>
        Assert.Equal(expected, DurationText.Show(TimeSpan.FromMilliseconds(millis)));
}
