using Matih.Fixtures;

namespace Matih.Interop.Tests.FixtureTests;

/// <summary>Workers that stay alive answer as processes of their own would.</summary>
public sealed class ToolWorkersTests
{
    [Fact]
    public async Task A_reference_command_that_fails_says_so_and_the_next_one_is_right()
    {
        var table = Path.Combine(TemporaryDirectory.New(), "t");
        await IcebergReference.CreateAsync(table, "id long");

        var wrongCall = await IcebergReference.RunAsync("no-such-command", table);
        var failed = await IcebergReference.RunAsync("count", table + "-missing");
        await IcebergReference.AppendAsync(table, ["""{"id":1}"""]);

        Assert.Equal((2, ""), (wrongCall.ExitCode, wrongCall.StandardOutput));
        Assert.StartsWith("unknown command no-such-command\n", wrongCall.StandardError, StringComparison.Ordinal);
        Assert.Equal(3, failed.ExitCode);
        Assert.NotEmpty(failed.StandardError);
        Assert.Equal(1, await IcebergReference.CountAsync(table));
    }

    [Fact]
    public async Task Duckdb_reads_a_file_again_that_was_replaced_under_its_name_and_shares_nothing_between_queries()
    {
        var path = Path.Combine(TemporaryDirectory.New(), "grüße.parquet");
        foreach (var value in new[] { 1, 2, 3 })
        {
            await DuckDb.QueryAsync($"create temp table t as select {value} as v; copy t to '{path}' (format parquet); select 1");
            Assert.Equal(value, Assert.Single(await DuckDb.QueryAsync($"select v, 'ü' as text from '{path}'")).GetProperty("v").GetInt32());
        }

        var failure = await Record.ExceptionAsync(() => DuckDb.QueryAsync("select * from t"));

        Assert.Contains("Table with name t does not exist", failure!.Message, StringComparison.Ordinal);
        Assert.Equal("ü", Assert.Single(await DuckDb.QueryAsync("select 'ü' as text")).GetProperty("text").GetString());
    }

    [Fact]
    public async Task A_script_leaves_nothing_to_the_next_one_and_may_fail_or_be_killed()
    {
        await PyIceberg.RunAsync("import json; json.left_over = 1");

        Assert.Equal("[false, \"ü\", \"\"]", Assert.Single(await PyIceberg.RunAsync("import json, sys; print(json.dumps([hasattr(json, 'left_over'), *sys.argv[1:]], ensure_ascii=False))", "ü", "")).GetRawText());
        Assert.Contains("exit code 7", (await Record.ExceptionAsync(() => PyIceberg.RunAsync("import sys; sys.exit(7)")))!.Message, StringComparison.Ordinal);
        Assert.Contains("division by zero", (await Record.ExceptionAsync(() => PyIceberg.RunAsync("1 / 0")))!.Message, StringComparison.Ordinal);
        Assert.Contains("exit code -9", (await Record.ExceptionAsync(() => PyIceberg.RunAsync("import os; os.kill(os.getpid(), 9)")))!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_that_ends_fails_its_command_and_the_next_command_has_a_new_one()
    {
        var workers = new ToolWorkers("worker", () => Task.FromResult(ExternalProcess.Start(
            "/bin/sh", ["-c", "while read -r line; do [ \"$line\" = '=ZW5k' ] && { echo over >&2; exit 1; }; echo '0 =YQ== ='; done"], keepInputOpen: true)));

        var first = await workers.RunAsync("go");
        var failure = await Record.ExceptionAsync(() => workers.RunAsync("end"));
        var next = await workers.RunAsync("go");

        Assert.Equal((0, "a", ""), (first.ExitCode, first.StandardOutput, first.StandardError));
        Assert.Contains("over", Assert.IsType<InvalidOperationException>(failure).Message, StringComparison.Ordinal);
        Assert.Equal("a", next.StandardOutput);
    }
}
