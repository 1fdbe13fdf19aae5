using System.Collections.Concurrent;
using Matih.Hosting.Serverless;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Hosting.Serverless;

/// <summary>The timer's look at many pipelines, of which some cannot be looked at.</summary>
public sealed class PipelineWatchTests : IEngineLog
{
    private readonly ConcurrentQueue<LogEntry> _log = new();

    void IEngineLog.Write(LogEntry entry) => _log.Enqueue(entry);

    private static string[] Names(int count) => [.. Enumerable.Range(0, count).Select(i => $"p{i:00}")];

    [Fact]
    public async Task A_look_that_takes_long_does_not_keep_the_others_from_their_turn()
    {
        var others = new CountdownEvent(29);
        var allOthers = new TaskCompletionSource();

        await PipelineWatch.LookAtAllAsync(Names(30), async (name, _) =>
        {
            // The first one's brokers answer when all others have had their turn.
            if (name == "p00") await allOthers.Task;
            else if (others.Signal()) allOthers.SetResult();
        }, this, TestContext.Current.CancellationToken);

        Assert.Empty(_log);
    }

    [Fact]
    public async Task Looks_that_fail_or_are_cancelled_by_what_they_call_are_said_and_the_others_go_on()
    {
        var seen = new ConcurrentQueue<string>();

        await PipelineWatch.LookAtAllAsync(Names(30), (name, _) =>
        {
            seen.Enqueue(name);
            return name switch
            {
                "p00" => throw new InvalidOperationException("No answer."),
                "p01" => throw new TaskCanceledException("The client gave up."),
                _ => default,
            };
        }, this, TestContext.Current.CancellationToken);

        Assert.Equal(Names(30), seen.Order(StringComparer.Ordinal));
        Assert.Equal(
            ["Pipeline p00 could not be looked at: No answer. The next look tries again.", "Pipeline p01 could not be looked at: The client gave up. The next look tries again."],
            _log.Select(entry => entry.Message).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_host_that_stops_ends_the_looks()
    {
        using var stop = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => PipelineWatch.LookAtAllAsync(Names(3), (_, cancellation) =>
        {
            stop.Cancel();
            cancellation.ThrowIfCancellationRequested();
            return default;
        }, this, stop.Token));

        Assert.Empty(_log);
    }
}
