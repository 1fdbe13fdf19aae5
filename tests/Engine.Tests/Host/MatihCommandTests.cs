using Matih.Engine.Tests.Hosting;
using Matih.Host.Commands;

namespace Matih.Engine.Tests.Host;

public sealed class MatihCommandTests
{
    [Fact]
    public async Task A_misspelled_verb_is_answered_with_the_nearest()
    {
        var (code, _, error) = await RunAsync("rnu", "pipeline.yaml");

        Assert.Equal(2, code);
        Assert.Equal("matih: there is no command 'rnu'; did you mean 'run'? The commands are run, validate, sql, test, table, catalog, status, verify, replay, maintain, deploy, flink, health, demo. See matih --help.\n", error);
    }

    [Theory]
    [InlineData("there is no option '--onec'; did you mean '--once'?", "run", "--onec", "pipeline.yaml")]
    [InlineData("there is no option '--frm'; did you mean '--from'?", "run", "pipeline.yaml", "--frm", "latest")]
    [InlineData("--for: '5x' is no duration. Write a number and ms, s, m, h or d, for example 20s.", "run", "pipeline.yaml", "--for", "5x")]
    [InlineData("--once and --for cannot be given together.", "run", "pipeline.yaml", "--once", "--for", "5s")]
    [InlineData("'second.yaml' is one argument too many.", "validate", "first.yaml", "second.yaml")]
    [InlineData("FILE is missing.", "run")]
    [InlineData("--set needs a value: --set path=value.", "run", "pipeline.yaml", "--set")]
    [InlineData("--from-commit ID is missing.", "replay", "pipeline.yaml")]
    [InlineData("--progress is 'fast'; it can be auto, live, plain or none.", "run", "pipeline.yaml", "--progress", "fast")]
    [InlineData("--log is 'xml'; it can be text or json.", "replay", "pipeline.yaml", "--from-commit", "x", "--log", "xml")]
    [InlineData("--rate: '0' is no whole number from 1 to 1000000.", "demo", "--rate", "0")]
    public async Task A_wrong_command_line_is_answered_with_one_line_that_says_why(string expected, params string[] arguments)
    {
        var (code, output, error) = await RunAsync(arguments);

        Assert.Equal(2, code);
        Assert.Equal("", output);
        Assert.Equal($"matih {arguments[0]}: {expected}\nSee matih {arguments[0]} --help.\n", error);
    }

    [Fact]
    public async Task A_table_view_that_is_missing_or_misspelled_is_named()
    {
        var (_, _, missing) = await RunAsync("table");
        var (_, _, misspelled) = await RunAsync("table", "shwo", "t");

        Assert.Equal("matih table: a command is missing. The commands are show, snapshots, files, ledger, skipped. See matih table --help.\n", missing);
        Assert.Equal("matih table: there is no command 'shwo'; did you mean 'show'? The commands are show, snapshots, files, ledger, skipped. See matih table --help.\n", misspelled);
    }

    [Fact]
    public async Task Every_option_of_every_verb_is_in_its_help()
    {
        var command = new MatihCommand(Settings.Of());
        foreach (var verb in command.Verbs)
        {
            var (code, help, _) = await RunAsync(verb.Command.Name, "--help");

            Assert.Equal(0, code);
            Assert.Contains("Usage:", help, StringComparison.Ordinal);
            Assert.Contains("Examples:", help, StringComparison.Ordinal);
            foreach (var option in verb.Command.Subcommands.Append(verb.Command).SelectMany(item => item.Options).Where(option => !option.Hidden))
                Assert.Contains(option.Name, help, StringComparison.Ordinal);
            Assert.DoesNotContain("--supervised", help, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_main_help_lists_the_verbs_exit_codes_and_variables()
    {
        var (_, help, _) = await RunAsync("--help");

        foreach (var text in (string[])["run FILE", "validate FILE", "sql STATEMENT", "test FILE", "table", "status FILE", "verify FILE", "replay FILE", "demo", "130", "MATIH_WAREHOUSE", "MATIH_CATALOG", "MATIH_LIBRDKAFKA", "MATIH_LOG", "MATIH_LOG_LEVEL"])
            Assert.Contains(text, help, StringComparison.Ordinal);
        Assert.All(help.Split('\n'), line => Assert.True(line.Length <= 120, line));
    }

    [Fact]
    public async Task Each_page_lists_an_option_once_and_only_the_main_one_the_variables()
    {
        foreach (var path in (string[][])[["run"], ["validate"], ["sql"], ["test"], ["table"], ["table", "show"], ["table", "ledger"], ["status"], ["verify"], ["replay"], ["demo"], []])
        {
            var (_, help, _) = await RunAsync([.. path, "--help"]);
            var lines = help.Split('\n');

            Assert.Single(lines, line => line == "Options:");
            var options = lines.Where(line => line.StartsWith("  --", StringComparison.Ordinal)).Select(line => line.Trim().Split(' ')[0]).ToArray();
            Assert.Equal(options.Distinct(), options);
            Assert.Equal(path.Length == 0, help.Contains("MATIH_LOG_LEVEL", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(200)]
    public async Task Help_fits_the_terminal_but_for_commands_to_copy(int width)
    {
        foreach (var verb in (string[])["run", "validate", "sql", "test", "table", "status", "verify", "replay", "demo", "--help"])
        {
            var output = new StringWriter();
            await new MatihCommand(Settings.Of(), width).InvokeAsync([verb, "--help"], output, TextWriter.Null);

            Assert.All(output.ToString().Split('\n'), line => Assert.True(line.Length <= Math.Min(width, 110) || line.StartsWith("  matih ", StringComparison.Ordinal), line));
        }
    }

    [Fact]
    public async Task Help_can_be_asked_for_in_every_way()
    {
        var (_, page, _) = await RunAsync("run", "--help");
        var (_, main, _) = await RunAsync("--help");

        foreach (var words in (string[][])[["help", "run"], ["run", "-h"], ["run", "file.yaml", "--help"], ["help", "run", "--once"]])
            Assert.Equal((0, page, ""), await RunAsync(words));
        foreach (var words in (string[][])[["help"], ["-h"], []])
            Assert.Equal((0, main, ""), await RunAsync(words));
        Assert.Equal(await RunAsync("table", "show", "--help"), await RunAsync("help", "table", "show"));
        Assert.Equal((2, "", "matih: there is no command 'rnu'; did you mean 'run'? The commands are run, validate, sql, test, table, catalog, status, verify, replay, maintain, deploy, flink, health, demo. See matih --help.\n"), await RunAsync("help", "rnu"));
    }

    [Fact]
    public async Task The_version_is_one_line()
    {
        var (code, output, _) = await RunAsync("--version");

        Assert.Equal(0, code);
        Assert.Matches(@"^matih \d+\.\d+\.\d+\n$", output);
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await new MatihCommand(Settings.Of()).InvokeAsync(arguments, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
