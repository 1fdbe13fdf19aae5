using Matih.Fixtures;

namespace Matih.Interop.Tests.FixtureTests;

public sealed class ExternalProcessTests
{
    [Fact]
    public async Task Lines_are_awaited_and_signals_reach_the_process()
    {
        await using var process = ExternalProcess.Start("/bin/sh", ["-c", "tail -f /dev/null > /dev/null & trap 'kill $!; echo caught; exit 7' TERM; echo ready; wait"]);
        await process.Output.WaitForAsync("ready");

        process.Send(ProcessSignal.Terminate);

        var output = await process.WaitForExitAsync();
        Assert.Equal((7, "ready\ncaught\n"), (output.ExitCode, output.StandardOutput));
        Assert.Throws<InvalidOperationException>(() => output.Expect());
    }

    [Fact]
    public async Task A_process_that_does_not_end_is_killed_and_reported()
    {
        var failure = await Record.ExceptionAsync(() =>
            ExternalProcess.RunAsync("/bin/sh", ["-c", "echo started; exec tail -f /dev/null"], TimeSpan.FromMilliseconds(300)));

        Assert.Contains("started", Assert.IsType<TimeoutException>(failure).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Input_and_environment_reach_the_process()
    {
        var output = await ExternalProcess.RunAsync(
            "/bin/sh", ["-c", "cat; echo $WORD ${HOME:-none}"], environment: new Dictionary<string, string?> { ["WORD"] = "w", ["HOME"] = null }, input: "in\n");

        Assert.Equal("in\nw none\n", output.StandardOutput);
    }

    [Fact]
    public async Task The_command_is_built_beside_the_tests()
    {
        var output = await MatihProcess.RunAsync(["--help"]);

        Assert.Equal(0, output.ExitCode);
    }
}
