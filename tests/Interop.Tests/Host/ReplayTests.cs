using Matih.Fixtures;

namespace Matih.Interop.Tests.Host;

/// <summary><c>matih replay</c>, the executable on an embedded Kafka; what the table then holds is for independent readers to say.</summary>
public sealed class ReplayTests : IDisposable
{
    private readonly ClickPipeline _pipeline = new();

    public void Dispose() => _pipeline.Dispose();

    [Fact, LongTest]
    public async Task Rows_of_a_wrong_statement_are_made_anew_after_it_was_mended()
    {
        _pipeline.ReplaceInDefinition("'$.n')", "'$.m')");
        foreach (var count in (int[])[100, 50])
        {
            _pipeline.Produce(count);
            (await _pipeline.RunAsync("--until-caught-up")).Expect(0);
        }
        Assert.Equal(0, await NonNullRowsAsync());
        _pipeline.ReplaceInDefinition("'$.m')", "'$.n')");
        var commits = await DataCommitsAsync();

        var unasked = await _pipeline.CommandAsync("replay", "--from-commit", commits[0]);
        var done = (await _pipeline.CommandAsync("replay", "--from-commit", commits[0], "--yes")).Expect(0);

        Assert.Equal(5, unasked.ExitCode);
        Assert.Contains("Give --yes", unasked.StandardError, StringComparison.Ordinal);
        Assert.Contains("Reads 150 records again and replaces 150 rows in", done.StandardError, StringComparison.Ordinal);
        Assert.Equal(150, await NonNullRowsAsync());
        await IcebergReference.CheckAsync(_pipeline.TableFolder);
        Assert.Equal(2, (await _pipeline.TableAsync("ledger"))[0].GetProperty("generation").GetInt64());
        Assert.Equal("closed", await _pipeline.LedgerStateAsync());
        var verified = await _pipeline.CommandAsync("verify");
        Assert.True(verified.ExitCode == 0, verified.StandardOutput);

        _pipeline.Produce(10);
        (await _pipeline.RunAsync("--until-caught-up")).Expect(0);
        Assert.Equal(160, await NonNullRowsAsync());
        verified = await _pipeline.CommandAsync("verify");
        Assert.True(verified.ExitCode == 0, verified.StandardOutput);
    }

    [Fact]
    public async Task A_running_pipeline_is_superseded_and_goes_on_when_started_again()
    {
        _pipeline.Produce(40);
        (await _pipeline.RunAsync("--until-caught-up")).Expect(0);
        var commit = (await DataCommitsAsync())[0];
        await using var run = _pipeline.Start("--set", "orchestration.checkpoint_interval=200ms");
        _pipeline.Produce(10);
        await run.Error.WaitForAsync(": committed");

        var replay = (await _pipeline.CommandAsync("replay", "--from-commit", commit, "--to-commit", commit, "--yes")).Expect(0);
        _pipeline.Produce(10);

        Assert.Contains("A run of the pipeline is under way", replay.StandardError, StringComparison.Ordinal);
        Assert.Equal(4, (await run.WaitForExitAsync()).ExitCode);
        (await _pipeline.RunAsync("--until-caught-up")).Expect(0);
        Assert.Equal(60, await NonNullRowsAsync());
    }

    [Fact]
    public async Task Rows_that_another_engine_deleted_are_not_brought_back()
    {
        _pipeline.Produce(20);
        _pipeline.Produce(1, """{"n":"gone"}""");
        (await _pipeline.RunAsync("--until-caught-up")).Expect(0);
        await IcebergReference.WriteAsync("delete-where", _pipeline.TableFolder, "--where", "n = 'gone'", "--mode", "position");

        var refused = await _pipeline.CommandAsync("replay", "--from-commit", (await DataCommitsAsync())[0], "--yes");

        Assert.Equal(5, refused.ExitCode);
        Assert.Contains("a replay would bring them back", refused.StandardError, StringComparison.Ordinal);
        Assert.Equal(20, await NonNullRowsAsync());
    }

    [Theory]
    [InlineData("--from-commit: 'x' is no commit id", "--from-commit", "x")]
    [InlineData("--sink: there is no sink 'pond'", "--from-commit", "4c9c6f8e-0000-4000-8000-000000000001", "--sink", "pond")]
    public async Task A_wrong_command_line_is_told(string expected, params string[] options)
    {
        var output = await _pipeline.CommandAsync("replay", options);

        Assert.Equal(2, output.ExitCode);
        Assert.Contains(expected, output.StandardError, StringComparison.Ordinal);
    }

    /// <summary>Commits that brought rows, oldest first, as a user finds them.</summary>
    private async Task<string[]> DataCommitsAsync() =>
        [.. from snapshot in (await _pipeline.TableAsync("snapshots")).EnumerateArray()
            where snapshot.TryGetProperty("added_records", out var added) && added.GetInt64() > 0
            select snapshot.GetProperty("commit").GetString()];

    private async Task<long> NonNullRowsAsync() =>
        Assert.Single(await DuckDb.QueryAsync($"select count(n)::int c from iceberg_scan('{_pipeline.TableFolder}')")).GetProperty("c").GetInt64();
}
