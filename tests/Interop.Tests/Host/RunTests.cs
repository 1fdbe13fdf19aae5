using System.Text.Json;
using Matih.Engine.Tests.Host;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Host;

public sealed class RunTests : IDisposable
{
    private readonly ClickPipeline _pipeline = new();

    public void Dispose() => _pipeline.Dispose();

    [Theory]
    [InlineData(ProcessSignal.Interrupt, 130)]
    [InlineData(ProcessSignal.Terminate, 0)]
    public async Task A_signal_commits_what_was_read_and_closes_the_ledger(ProcessSignal signal, int exitCode)
    {
        _pipeline.Produce(500);
        await using var run = _pipeline.Start();
        await run.Error.WaitForAsync("500 records in");

        run.Send(signal);

        (await run.WaitForExitAsync()).Expect(exitCode);
        Assert.Equal(500, await _pipeline.RowCountAsync());
        Assert.Equal("closed", await _pipeline.LedgerStateAsync());
    }

    [Fact]
    public async Task A_second_signal_ends_the_process_at_once()
    {
        await using var run = MatihProcess.Start(["run", _pipeline.DefinitionFile], _pipeline.Directory, new Dictionary<string, string?> { ["KAFKA_CONNECTION"] = "127.0.0.1:1" });
        await run.Error.WaitForAsync("Kafka client");

        run.Send(ProcessSignal.Terminate);
        await run.Error.WaitForAsync("Asked to stop");
        run.Send(ProcessSignal.Terminate);

        Assert.Equal(143, (await run.WaitForExitAsync()).ExitCode);
    }

    [Fact]
    public async Task A_wrong_broker_is_named_once_with_its_cause()
    {
        var nowhere = new Dictionary<string, string?> { ["KAFKA_CONNECTION"] = "127.0.0.1:1", ["MATIH_WAREHOUSE"] = null, ["MATIH_LOG"] = null, ["MATIH_LOG_LEVEL"] = null };

        var run = await MatihProcess.RunAsync(["run", _pipeline.DefinitionFile, "--progress", "none", "--health", "off", "--set", "orchestration.max_retries=2"], _pipeline.Directory, nowhere);
        var verified = await MatihProcess.RunAsync(["verify", _pipeline.DefinitionFile], _pipeline.Directory, nowhere);

        Assert.Equal((3, 3), (run.ExitCode, verified.ExitCode));
        var lines = run.StandardError.Split('\n');
        Assert.Single(lines, line => line.EndsWith("warning Kafka client: 127.0.0.1:1: connection refused", StringComparison.Ordinal));
        Assert.Single(lines, line => line.Contains("Kafka at 127.0.0.1:1 cannot be reached: connection refused. Trying again in ", StringComparison.Ordinal));
        Assert.Single(lines, line => line.Contains("the same failure again. Trying again in ", StringComparison.Ordinal));
        Assert.Single(lines, line => line.StartsWith("matih: ", StringComparison.Ordinal) && line.Contains("cannot be reached: connection refused.", StringComparison.Ordinal));
        Assert.Equal(5, lines.Count(line => line.Length != 0));
        Assert.Contains("Kafka at 127.0.0.1:1 cannot be reached: connection refused.", verified.StandardOutput, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Until_caught_up_ends_by_itself_and_the_next_run_goes_on_from_there()
    {
        _pipeline.Produce(300);
        (await _pipeline.RunAsync("--until-caught-up")).Expect(0);
        _pipeline.Produce(200);

        (await _pipeline.RunAsync("--until-caught-up")).Expect(0);

        Assert.Equal(500, await _pipeline.RowCountAsync());
    }

    [Fact]
    public async Task Once_ends_when_nothing_comes_any_more_or_max_records_are_read()
    {
        _pipeline.Produce(300);

        (await _pipeline.RunAsync("--once", "--set", "orchestration.max_records=100")).Expect(0);
        Assert.Equal(100, await _pipeline.RowCountAsync());

        (await _pipeline.RunAsync("--once")).Expect(0);
        Assert.Equal(300, await _pipeline.RowCountAsync());
    }

    [Fact]
    public async Task From_is_refused_where_a_ledger_exists_and_reset_asks_first()
    {
        _pipeline.Produce(100);
        (await _pipeline.RunAsync("--until-caught-up")).Expect(0);

        var from = await _pipeline.RunAsync("--until-caught-up", "--from", "earliest");
        var unasked = await _pipeline.RunAsync("--until-caught-up", "--from", "earliest", "--reset");
        Assert.Equal(100, await _pipeline.RowCountAsync());
        var confirmed = await _pipeline.RunAsync("--until-caught-up", "--from", "earliest", "--reset", "--yes");

        Assert.Equal(5, from.ExitCode);
        Assert.Contains("Leave --from out", from.StandardError, StringComparison.Ordinal);
        Assert.Equal(5, unasked.ExitCode);
        Assert.Contains("Give --yes", unasked.StandardError, StringComparison.Ordinal);
        Assert.Contains("warning clicks/lake has written 100 rows to table web.clicks.", unasked.StandardError, StringComparison.Ordinal);
        Assert.Contains("warning clicks/lake has written 100 rows to table web.clicks.", confirmed.StandardError, StringComparison.Ordinal);
        Assert.Equal(0, confirmed.ExitCode);
        Assert.Equal(200, await _pipeline.RowCountAsync());
    }

    [Theory]
    [InlineData(80, "y", 0, 200)]
    [InlineData(60, "n", 5, 100)]
    public async Task On_a_terminal_a_reset_asks_and_the_live_display_leaves_its_question_alone(int width, string answer, int exitCode, int rowCount)
    {
        _pipeline.Produce(100);
        (await _pipeline.RunAsync("--until-caught-up")).Expect(0);

        await using var run = _pipeline.StartOnTerminal(width, "--until-caught-up", "--from", "earliest", "--reset");
        await run.Output.WaitForAsync("has written 100 rows");
        await run.Input.WriteLineAsync(answer);
        await run.Input.FlushAsync(TestContext.Current.CancellationToken);
        var output = (await run.WaitForExitAsync()).Expect(exitCode);

        Assert.Equal(rowCount, await _pipeline.RowCountAsync());
        var screen = new FakeTerminal(width, 24);
        screen.Write(output.StandardOutput);
        Assert.Single(screen.Rows, row => row == $"Reset? [y/N] {answer}");
        Assert.Single(screen.Rows, row => row == "clicks/lake");
        Assert.Single(screen.Rows, row => row.Contains("filtered ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_signal_at_a_question_ends_the_run_and_changes_nothing()
    {
        _pipeline.Produce(10);
        (await _pipeline.RunAsync("--until-caught-up")).Expect(0);
        await using var run = _pipeline.StartOnTerminal(80, "--reset");
        await run.Output.WaitForAsync("has written 10 rows");

        await run.Input.WriteAsync('\x03');
        await run.Input.FlushAsync(TestContext.Current.CancellationToken);

        (await run.WaitForExitAsync()).Expect(130);
        Assert.Equal(1, (await _pipeline.TableAsync("ledger"))[0].GetProperty("generation").GetInt64());
    }

    [Fact]
    public async Task Every_command_prints_json_whose_snapshot_ids_are_strings()
    {
        _pipeline.Produce(10);
        (await _pipeline.RunAsync("--until-caught-up")).Expect(0);

        var verified = JsonDocument.Parse((await _pipeline.CommandAsync("verify", "--offline", "--json")).Expect(0).StandardOutput).RootElement;
        var statement = JsonDocument.Parse((await MatihProcess.RunAsync(["sql", "--json", "SELECT 1 AS n"], _pipeline.Directory)).Expect(0).StandardOutput).RootElement;
        var shown = await _pipeline.TableAsync("show");
        var snapshots = await _pipeline.TableAsync("snapshots");
        var files = await _pipeline.TableAsync("files");
        var ledger = await _pipeline.TableAsync("ledger");

        string?[] ids =
        [
            verified.GetProperty("flows")[0].GetProperty("snapshot_id").GetString(), shown.GetProperty("current_snapshot").GetProperty("snapshot_id").GetString(),
            snapshots[snapshots.GetArrayLength() - 1].GetProperty("snapshot_id").GetString(), ledger[0].GetProperty("snapshot_id").GetString(),
        ];
        Assert.Matches("^[0-9]+$", Assert.Single(ids.Distinct()));
        Assert.True(files.GetArrayLength() > 0);
        Assert.Equal(1, statement.GetProperty("rows")[0][0].GetInt32());
    }

    [Fact]
    public async Task A_bad_record_under_on_error_fail_ends_with_6_after_what_came_before_it()
    {
        _pipeline.Produce(10);
        (await _pipeline.RunAsync("--until-caught-up")).Expect(0);
        _pipeline.Produce(1, "{ no json");

        var output = await _pipeline.RunAsync("--until-caught-up");

        Assert.Equal(6, output.ExitCode);
        Assert.Contains("offset 5 of partition 0", output.StandardError, StringComparison.Ordinal);
        Assert.Equal(10, await _pipeline.RowCountAsync());
        (await _pipeline.RunAsync("--until-caught-up", "--set", "sources.clicks.on_error=skip")).Expect(0);
    }

    [Fact]
    public async Task A_start_by_time_is_refused_on_the_mock_cluster_which_cannot_look_up_times()
    {
        var output = await _pipeline.RunAsync("--once", "--from", "2026-05-01T00:00:00Z");

        Assert.Equal(3, output.ExitCode);
        Assert.Contains("cannot look up offsets by time", output.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_logs_are_one_object_a_line()
    {
        _pipeline.Produce(20);

        var output = (await _pipeline.RunAsync("--until-caught-up", "--log", "json", "--progress", "none")).Expect(0);

        Assert.Empty(output.StandardOutput);
        var entries = JsonLines.Parse(output.StandardError);
        var committed = Assert.Single(entries, entry => entry.GetProperty("event").GetString() == "committed" && entry.GetProperty("rows").GetInt64() > 0);
        Assert.Equal(20, committed.GetProperty("rows").GetInt64());
        Assert.Equal(JsonValueKind.Number, committed.GetProperty("records").ValueKind);
    }

    [Fact]
    public async Task A_failure_is_an_entry_of_a_json_log_with_its_remedy()
    {
        var output = await _pipeline.RunAsync("--once", "--from", "2026-05-01T00:00:00Z", "--log", "json");

        Assert.Equal(3, output.ExitCode);
        var failed = JsonLines.Parse(output.StandardError)[^1];
        Assert.Equal("failed", failed.GetProperty("event").GetString());
        Assert.Equal("error", failed.GetProperty("level").GetString());
        Assert.Equal(3, failed.GetProperty("exit_code").GetInt32());
        Assert.NotEmpty(failed.GetProperty("remedy").GetString()!);
    }

    [Fact]
    public async Task A_wrong_definition_ends_with_2_and_every_error_with_its_place()
    {
        var output = await _pipeline.RunAsync("--set", "sources.clicks.formt=json", "--set", "sinks.lake.mode=upsert");

        Assert.Equal(2, output.ExitCode);
        Assert.Contains("--set sources.clicks.formt: ", output.StandardError, StringComparison.Ordinal);
        Assert.Contains("--set sinks.lake.mode: ", output.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_prints_the_plan_or_every_error_of_the_sql()
    {
        var variables = new Dictionary<string, string?> { ["KAFKA_CONNECTION"] = "broker:9092" };

        var valid = (await MatihProcess.RunAsync(["validate", "clicks.yaml", "--explain"], _pipeline.Directory, variables)).Expect(0);
        var file = Path.Combine(_pipeline.Directory, "wrong.yaml");
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(_pipeline.DefinitionFile)).Replace("JSON_VALUE(", "JSON_VALU(", StringComparison.Ordinal));
        var wrong = await MatihProcess.RunAsync(["validate", "wrong.yaml"], _pipeline.Directory, variables);
        var missing = await MatihProcess.RunAsync(["validate", "missing.yaml"], _pipeline.Directory);

        Assert.Contains("web.clicks in the file catalog", valid.StandardOutput, StringComparison.Ordinal);
        Assert.Contains("JSON_VALUE(value, '$.n')", valid.StandardOutput, StringComparison.Ordinal);
        Assert.Equal(2, wrong.ExitCode);
        Assert.Empty(wrong.StandardOutput);
        Assert.StartsWith("wrong.yaml:13:17: transformations.parse.sql: ", wrong.StandardError, StringComparison.Ordinal);
        Assert.Equal((2, "missing.yaml: there is no such file.\n"), (missing.ExitCode, missing.StandardError));
    }

    [Fact]
    public async Task A_connection_with_credentials_in_the_wrong_place_is_refused_without_showing_them()
    {
        var variables = new Dictionary<string, string?> { ["KAFKA_CONNECTION"] = "user:hunter2@broker:9092" };

        var output = await MatihProcess.RunAsync(["validate", "clicks.yaml"], _pipeline.Directory, variables);

        Assert.Equal(2, output.ExitCode);
        Assert.DoesNotContain("hunter2", output.StandardOutput + output.StandardError, StringComparison.Ordinal);
    }
}
