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
    [InlineData(1023, "1,023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(120L << 20, "120 MiB")]
    [InlineData(long.MaxValue, "8,192 PiB")]
    public void Bytes_are_shown_in_binary_units(long bytes, string expected) => Assert.Equal(expected, Quantity.Bytes(bytes));

    [Theory]
    [InlineData(0, "0 entries")]
    [InlineData(1, "1 entry")]
    [InlineData(2, "2 entries")]
    [InlineData(1234567, "1,234,567 entries")]
    public void A_count_has_separators_and_its_noun_a_plural(long count, string expected) => Assert.Equal(expected, Quantity.Of(count, "entry", "entries"));

    [Fact]
    public void Live_values_are_a_table_where_it_fits()
    {
        Assert.Equal(
            ["flow                in         files", "clicks/lake  1,234,567  12 (3.4 MiB)", "b                    1       0 (0 B)"],
            Live(80).Select(line => line.Replace("\e[1m", "", StringComparison.Ordinal).Replace("\e[0m", "", StringComparison.Ordinal)));
    }

    [Fact]
    public void Where_the_table_does_not_fit_each_row_is_a_paragraph_and_no_value_is_broken()
    {
        Assert.Equal(["\e[1mclicks/lake\e[0m", "  in 1,234,567", "  files 12 (3.4 MiB)", "\e[1mb\e[0m", "  in 1  files 0 (0 B)"], Live(22));
    }

    [Fact]
    public void A_title_that_is_wider_than_the_window_is_cut() =>
        Assert.Equal("\e[1ma long na…\e[0m", LiveBlock.Lines(["flow", "in"], [["a long name", "1"]], 10)[0]);

    [Theory]
    [InlineData("short", 20, 4, "short")]
    [InlineData("proved      listing: every file of the table is there", 40, 12, "proved      listing: every file of the\n            table is there")]
    [InlineData("see /a/path/that/is/longer/than/any/line/has/room/for at once", 30, 2, "see\n  /a/path/that/is/longer/than/any/line/has/room/for\n  at once")]
    [InlineData("one line\nand a second one that is long", 20, 0, "one line\nand a second one\nthat is long")]
    [InlineData("日本語 日本語 日本語 日本語 日本語", 22, 0, "日本語 日本語 日本語\n日本語 日本語")]
    public void Long_lines_are_broken_at_blanks_with_a_hanging_indent(string text, int width, int indent, string expected) =>
        Assert.Equal(expected, string.Join('\n', TextWrap.Lines(text, width, indent)));

    [Fact]
    public void Text_for_a_program_is_never_broken() => Assert.Equal([new string('x', 200) + " y"], TextWrap.Lines(new string('x', 200) + " y", null, 4));

    [Theory]
    [InlineData("abc", 3)]
    [InlineData("日本", 4)]
    [InlineData("e\u0301", 1)]
    [InlineData("\u001b[1mbold\u001b[0m", 4)]
    public void Columns_are_counted_as_a_terminal_does(string text, int expected) => Assert.Equal(expected, TextWidth.Of(text));

    private static IReadOnlyList<string> Live(int width) =>
        LiveBlock.Lines(["flow", "in", "files"], [["clicks/lake", "1,234,567", "12 (3.4 MiB)"], ["b", "1", "0 (0 B)"]], width);

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
