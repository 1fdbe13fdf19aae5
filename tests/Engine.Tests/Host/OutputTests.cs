using Matih.Host.Output;

namespace Matih.Engine.Tests.Host;

public sealed class OutputTests
{
    [Fact]
    public void A_text_table_aligns_text_left_and_numbers_right()
    {
        var output = new StringWriter();
        var table = new TextTable("name", "rows#", "note");

        table.Add("é", "5", "");
        table.Add("longer", "1,234", "x");
        table.WriteTo(output, "  ");

        Assert.Equal("  name     rows  note\n  é           5\n  longer  1,234  x\n", output.ToString());
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(120L << 20, "120 MiB")]
    [InlineData(long.MaxValue, "8192 PiB")]
    public void Bytes_are_shown_in_binary_units(long bytes, string expected) => Assert.Equal(expected, Quantity.Bytes(bytes));

    [Fact]
    public void A_rate_is_the_rise_over_the_last_seconds()
    {
        var clock = new StepClock();
        var meter = new RateMeter(clock);

        Assert.Equal(0, meter.Note(100));
        clock.Seconds = 2;
        Assert.Equal(50, meter.Note(200));
        clock.Seconds = 10;
        Assert.Equal(100, meter.Note(1000));
    }

    private sealed class StepClock : TimeProvider
    {
        public long Seconds { get; set; }
        public override long TimestampFrequency => 1;
        public override long GetTimestamp() => Seconds;
    }
}
