using System.Collections.Concurrent;
using Matih.Host.Output;

namespace Matih.Engine.Tests.Host;

public sealed class TerminalTests
{
    private static readonly string[] Names = ["flow", "in", "lag", "committed"];

    [Fact]
    public void Lines_scroll_above_the_block_and_the_block_stands_below_them_once()
    {
        var (screen, terminal) = Open(80);

        terminal.Show(_ => ["head", "one"]);
        terminal.WriteLine("first line");
        terminal.Show(_ => ["head", "two"]);
        terminal.WriteLine("second line");
        terminal.Leave();
        terminal.WriteLine("after it");

        Assert.Equal("first line\nsecond line\nhead\ntwo\nafter it", screen.Text);
    }

    [Theory]
    [InlineData(120, 80)]
    [InlineData(120, 60)]
    [InlineData(80, 30)]
    [InlineData(60, 200)]
    public void A_window_that_changes_its_width_keeps_no_debris(int before, int after)
    {
        var (screen, terminal) = Open(before);
        terminal.WriteLine("above");
        terminal.Show(width => Block(width, 1_234_567));

        screen.Resize(after, 24);
        terminal.Show(width => Block(width, 2_345_678));

        Assert.Equal(["above", .. Plain(Block(after - 1, 2_345_678)), ""], screen.Rows);
        Assert.All(screen.Rows, row => Assert.True(row.Length < after, row));
    }

    [Fact]
    public void A_line_that_comes_before_the_block_is_drawn_for_the_new_width_leaves_no_debris_either()
    {
        var (screen, terminal) = Open(120);
        terminal.Show(width => Block(width, 1_234_567));

        screen.Resize(50, 24);
        terminal.WriteLine("a line");
        terminal.Show(width => Block(width, 2_345_678));

        Assert.Equal(["a line", .. Plain(Block(49, 2_345_678)), ""], screen.Rows);
    }

    [Fact]
    public void A_terminal_that_cuts_its_lines_on_resize_keeps_no_debris_of_the_block()
    {
        var screen = new FakeTerminal(120, 24, wrapsOnResize: false);
        var terminal = new Terminal(screen, null, () => screen.Size);
        for (var i = 0; i < 10; i++) terminal.WriteLine($"line {i}");
        terminal.Show(width => Block(width, 1_234_567));

        screen.Resize(60, 24);
        terminal.Show(width => Block(width, 2_345_678));

        Assert.Equal("line 0", screen.Rows[0]);
        Assert.Equal([.. Plain(Block(59, 2_345_678)), ""], screen.Rows.SkipWhile(row => row.StartsWith("line ", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_block_higher_than_the_window_is_cut_and_says_so()
    {
        var screen = new FakeTerminal(40, 5);
        var terminal = new Terminal(screen, null, () => screen.Size);

        for (var i = 0; i < 3; i++) terminal.Show(_ => [.. Enumerable.Range(0, 10).Select(line => $"flow {line}, draw {i}")]);

        Assert.Equal("flow 0, draw 2\nflow 1, draw 2\nflow 2, draw 2\n… 7 more lines", screen.Text);
    }

    [Fact]
    public void Nothing_is_written_where_nothing_changed()
    {
        var output = new StringWriter();
        var terminal = new Terminal(output, null, () => new TerminalSize(80, 24));

        terminal.Show(_ => ["same"]);
        var before = output.ToString();
        terminal.Show(_ => ["same"]);

        Assert.Equal(before, output.ToString());
    }

    [Theory]
    [InlineData("y", true)]
    [InlineData("Y", true)]
    [InlineData(" yes ", true)]
    [InlineData("n", false)]
    [InlineData("", false)]
    public async Task A_question_stands_alone_until_it_is_answered_then_lines_and_block_continue(string answer, bool expected)
    {
        var screen = new FakeTerminal(80, 24);
        var person = new Person(screen);
        var terminal = new Terminal(screen, person, () => screen.Size);
        terminal.WriteLine("before");
        terminal.Show(_ => ["the block"]);

        var asking = Task.Run(() => terminal.Ask("orders/lake has written 1,234 rows.\nReset?", CancellationToken.None), TestContext.Current.CancellationToken);
        await person.Reads;
        terminal.Show(_ => ["the block, drawn meanwhile"]);
        terminal.WriteLine("said meanwhile");
        var seen = screen.Text;
        person.Answer(answer);

        Assert.Equal(expected, await asking);
        Assert.Equal("before\norders/lake has written 1,234 rows.\nReset? [y/N]", seen);
        terminal.Show(_ => ["the block again"]);
        Assert.Equal($"before\norders/lake has written 1,234 rows.\nReset? [y/N] {answer}".TrimEnd() + "\nsaid meanwhile\nthe block again", screen.Text);
    }

    [Fact]
    public async Task Two_questions_are_asked_one_after_the_other()
    {
        var screen = new FakeTerminal(80, 24);
        var person = new Person(screen);
        var terminal = new Terminal(screen, person, () => screen.Size);

        var questions = new[] { "One?", "Two?" }.Select(question => Task.Run(() => terminal.Ask(question, CancellationToken.None), TestContext.Current.CancellationToken)).ToArray();
        await person.Reads;
        Assert.Single(screen.Rows);
        person.Answer("y");
        person.Answer("y");

        Assert.All(await Task.WhenAll(questions), Assert.True);
        Assert.Equal(["One? [y/N] y", "Two? [y/N] y"], screen.Text.Split('\n').Order());
    }

    [Fact]
    public async Task A_question_that_is_cancelled_gives_the_line_back()
    {
        var screen = new FakeTerminal(80, 24);
        var person = new Person(screen);
        var terminal = new Terminal(screen, person, () => screen.Size);
        using var stop = new CancellationTokenSource();

        var asking = Task.Run(() => terminal.Ask("Reset?", stop.Token), TestContext.Current.CancellationToken);
        await person.Reads;
        terminal.WriteLine("Interrupted.");
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        Assert.Equal("Reset? [y/N]\nInterrupted.", screen.Text);
        person.Answer("");
    }

    [Fact]
    public void What_was_typed_before_the_question_is_dropped()
    {
        var screen = new FakeTerminal(80, 24);
        string? seen = null;

        new Terminal(screen, new StringReader("n"), () => screen.Size, () => seen = screen.Text).Ask("Reset?", CancellationToken.None);

        Assert.Equal("", seen);
    }

    [Fact]
    public void The_end_of_the_input_is_a_no()
    {
        var screen = new FakeTerminal(80, 24);

        Assert.False(new Terminal(screen, new StringReader(""), () => screen.Size).Ask("Reset?", CancellationToken.None));

        Assert.Equal("Reset? [y/N]\n", screen.Text + "\n");
    }

    [Fact]
    public void A_long_question_is_broken_at_its_words()
    {
        var screen = new FakeTerminal(40, 24);

        new Terminal(screen, new StringReader(""), () => screen.Size).Ask("Rows stay in the table; those whose records are read again will be there twice.\nReset?", CancellationToken.None);

        Assert.Equal(["Rows stay in the table; those whose", "records are read again will be there", "twice.", "Reset? [y/N]", ""], screen.Rows);
    }

    [Fact]
    public void Without_a_terminal_there_are_lines_only()
    {
        var output = new StringWriter();
        var terminal = new Terminal(output);

        terminal.Show(_ => ["never"]);
        terminal.WriteLine("a line");

        Assert.Equal((false, false, "a line\n"), (terminal.CanAsk, terminal.CanRedraw, output.ToString()));
    }

    private static (FakeTerminal Screen, Terminal Terminal) Open(int width)
    {
        var screen = new FakeTerminal(width, 24);
        return (screen, new Terminal(screen, null, () => screen.Size));
    }

    private static IReadOnlyList<string> Block(int width, long count) =>
        LiveBlock.Lines(Names, [["clicks/lake", Quantity.Count(count), Quantity.Count(count * 7), Quantity.Count(count * 1000)], ["clicks/pond", "1", "2", "one million rows"]], width);

    private static IEnumerable<string> Plain(IEnumerable<string> lines) => lines.Select(line => line.Replace("\e[1m", "", StringComparison.Ordinal).Replace("\e[0m", "", StringComparison.Ordinal));

    /// <summary>Answers when the test says so; what is typed is echoed on the screen.</summary>
    private sealed class Person(FakeTerminal screen) : TextReader
    {
        private readonly BlockingCollection<string> _answers = [];
        private readonly TaskCompletionSource _reads = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Reads => _reads.Task;

        public void Answer(string answer) => _answers.Add(answer);

        public override string? ReadLine()
        {
            _reads.TrySetResult();
            var answer = _answers.Take();
            screen.Type(answer);
            return answer;
        }
    }
}
