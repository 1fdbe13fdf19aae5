using System.Collections.Immutable;
using System.Text.Json;
using Matih.Hosting.Serverless;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Hosting.Serverless;

/// <summary>What a loop keeps and shows of failures, however long they are and however many flows have one.</summary>
public sealed class ReportedFailureTests : IEngineLog, ILoopContext
{
    /// <summary>What Durable Functions takes as the status of an orchestration: 16 KB of UTF-16.</summary>
    private const int StatusLengthMax = 16 * 1024 / 2;

    private static readonly DateTimeOffset T0 = new(2026, 11, 30, 0, 0, 0, TimeSpan.Zero);

    private readonly List<LogEntry> _log = [];
    private readonly List<PipelineLoop> _shown = [];
    private Func<CommitAnswer> _commit = () => throw new InvalidOperationException("No commit was expected.");

    void IEngineLog.Write(LogEntry entry) => _log.Add(entry);

    DateTimeOffset ILoopContext.Now => T0;

    Task ILoopContext.WaitUntilAsync(DateTimeOffset time, CancellationToken cancellationToken) => throw new InvalidOperationException("The first commit is due at once.");

    Task<LoopSignal> ILoopContext.ReceiveAsync(CancellationToken cancellationToken) => new TaskCompletionSource<LoopSignal>().Task;

    void ILoopContext.Show(PipelineLoop loop) => _shown.Add(loop);

    Task<CommitAnswer> ILoopContext.CommitAsync(CommitRequest request) => Task.FromResult(_commit());

    private static PipelineReport Report(int flowCount, FlowOutcome outcome, ReportedFailure? failure) =>
        new([.. Enumerable.Range(0, flowCount).Select(i => new FlowReport($"sink{i}", outcome) { Failure = failure, Commit = new string('c', 36) })], new LoopSettings(1000, 1000, 1000, 1, 1));

    [Theory]
    [InlineData(1, FlowOutcome.Refused, 100_000)]
    [InlineData(200, FlowOutcome.Refused, 500)]
    [InlineData(200, FlowOutcome.TryAgain, 500)]
    [InlineData(500, FlowOutcome.Committed, 0)]
    [InlineData(500, FlowOutcome.TryAgain, 100_000)]
    public async Task What_a_loop_shows_fits_into_a_status_whatever_fails(int flowCount, FlowOutcome outcome, int messageLength)
    {
        // A character for which JSON takes six.
        var text = new string('ü', messageLength);
        _commit = () => new CommitAnswer(Report(flowCount, outcome, messageLength == 0 ? null : new ReportedFailure("catalog", text, text)), null);

        var given = T0.AddTicks(1);
        var loop = Enumerable.Range(0, 50).Aggregate(PipelineLoop.Start(new string('p', 100), T0), (loop, i) => loop.After(new LoopSignal(i % 2 == 0 ? LoopCommand.Stop : LoopCommand.Start) { Id = $"{i:D32}", GivenAt = given }, T0));

        loop = await LoopRound.RunAsync(this, loop);

        Assert.Equal(flowCount, loop.Flows.Length);
        Assert.Equal(2, _shown.Count);
        Assert.All(_shown, shown => Assert.InRange(JsonSerializer.Serialize(shown, JsonSerializerOptions.Web).Length, 1, StatusLengthMax));
        Assert.Equal((loop.Phase, loop.Failure), (_shown[^1].Phase, _shown[^1].Failure));
    }

    [Fact]
    public async Task So_it_does_when_a_commit_crashes()
    {
        _commit = () => new CommitAnswer(null, new string('ü', 100_000));

        var loop = await LoopRound.RunAsync(this, PipelineLoop.Start("p", T0));

        Assert.StartsWith("The commit of pipeline p ended early: ü", loop.Failure!.Message, StringComparison.Ordinal);
        Assert.InRange(JsonSerializer.Serialize(_shown[^1], JsonSerializerOptions.Web).Length, 1, StatusLengthMax);
    }

    [Fact]
    public void A_long_text_is_cut_between_characters_and_says_so_and_comes_through_serialization_as_it_is()
    {
        var message = new string('a', 3990) + string.Concat(Enumerable.Repeat("\U0001F600", 10));

        var failure = new ReportedFailure("catalog", message, new string('b', 1500));

        // An emoji takes twelve characters in JSON, and the ellipsis six.
        Assert.Equal((new string('a', 3990) + "…", new string('b', 1500)), (failure.Message, failure.Remedy));
        Assert.Equal(new string('a', 3982) + "\U0001F600…", new ReportedFailure("catalog", new string('a', 3982) + message[3990..], "").Message);
        Assert.Equal(failure, JsonSerializer.Deserialize<ReportedFailure>(JsonSerializer.Serialize(failure, JsonSerializerOptions.Web), JsonSerializerOptions.Web));
    }

    [Fact]
    public void Half_of_a_character_is_no_reason_to_say_nothing()
    {
        var failure = new ReportedFailure("catalog", "\uD83D" + new string('a', 5000), "");

        Assert.StartsWith("\uD83Da", failure.Message, StringComparison.Ordinal);
        Assert.InRange(JsonSerializer.Serialize(failure, JsonSerializerOptions.Web).Length, 4000, 4200);
    }

    [Fact]
    public void A_failure_is_in_the_log_as_an_error_where_a_person_has_to_act_and_else_as_a_warning()
    {
        var flows = Report(3, FlowOutcome.Committed, null).Flows;
        var failure = new ReportedFailure("store", "The disk is full.", "Free space.");
        var report = new PipelineReport([flows[0], flows[1] with { Outcome = FlowOutcome.TryAgain, Failure = failure }, flows[2] with { Outcome = FlowOutcome.Refused, Failure = failure }], new LoopSettings(1, 1, 1, 1, 1));

        report.LogFailures("p", this);

        Assert.Equal([(LogSeverity.Warning, "retrying"), (LogSeverity.Error, "failed")], _log.Select(entry => (entry.Severity, entry.Event)));
        Assert.All(_log, entry => Assert.Equal("The disk is full.", entry.Message));
        Assert.Equal(["p", "sink2", "store", "Free space."], _log[1].Fields.Select(field => field.Value!.ToString()));
    }
}
