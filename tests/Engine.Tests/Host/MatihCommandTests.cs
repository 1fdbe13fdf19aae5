using System.CommandLine;
using Matih.Host.Commands;
using Matih.Host.Runtime;

namespace Matih.Engine.Tests.Host;

public sealed class MatihCommandTests
{
    [Fact]
    public async Task A_misspelled_verb_is_answered_with_the_nearest()
    {
        var (code, _, error) = await RunAsync("rnu", "pipeline.yaml");

        Assert.Equal(2, code);
        Assert.Equal("matih: there is no command 'rnu'; did you mean 'run'? The commands are run, validate, sql, table, verify, replay, demo. See matih --help.\n", error);
    }

    [Theory]
    [InlineData("there is no option '--onec'; did you mean '--once'?", "run", "--onec", "pipeline.yaml")]
    [InlineData("there is no option '--frm'; did you mean '--from'?", "run", "pipeline.yaml", "--frm", "latest")]
    [InlineData("--for: '5x' is no duration. Write a number and ms, s, m, h or d, for example 20s.", "run", "pipeline.yaml", "--for", "5x")]
    [InlineData("--once and --for cannot be given together.", "run", "pipeline.yaml", "--once", "--for", "5s")]
    [InlineData("'second.yaml' is one argument too many.", "validate", "first.yaml", "second.yaml")]
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

        Assert.Equal("matih table: a word is missing. It shows show, snapshots, files, ledger, skipped. See matih table --help.\n", missing);
        Assert.Equal("matih table: there is no 'shwo'; did you mean 'show'? It shows show, snapshots, files, ledger, skipped. See matih table --help.\n", misspelled);
    }

    [Fact]
    public async Task Every_option_of_every_verb_is_in_its_help()
    {
        var command = new MatihCommand(Settings());
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

        foreach (var text in (string[])["run FILE", "validate FILE", "sql STATEMENT", "table", "verify FILE", "replay FILE", "demo", "130", "MATIH_WAREHOUSE", "MATIH_CATALOG", "MATIH_LIBRDKAFKA", "MATIH_LOG", "MATIH_LOG_LEVEL"])
            Assert.Contains(text, help, StringComparison.Ordinal);
        Assert.All(help.Split('\n'), line => Assert.True(line.Length <= 120, line));
    }

    [Fact]
    public async Task The_version_is_one_line()
    {
        var (code, output, _) = await RunAsync("--version");

        Assert.Equal(0, code);
        Assert.Matches(@"^matih \d+\.\d+\.\d+\n$", output);
    }

    internal static HostSettings Settings(params (string Name, string Value)[] variables) => new()
    {
        Environment = name => variables.FirstOrDefault(variable => variable.Name == name).Value,
        CurrentDirectory = Path.GetTempPath(),
    };

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await new MatihCommand(Settings()).InvokeAsync(arguments, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
