using System.Collections.Concurrent;
using System.Diagnostics;
using Matih.Delivery;
using Matih.Engine.Tests.Delivery;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Telemetry;

/// <summary>The spans of flows that really run.</summary>
public sealed class FlowTraceTests : IDisposable
{
    private readonly string _pipeline = $"t-{Guid.NewGuid():N}";
    private readonly ConcurrentQueue<Activity> _spans = new();
    private readonly ActivityListener _listener;

    public FlowTraceTests()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == TelemetryNames.ActivitySource,
            Sample = (ref _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                if (Equals(span.GetTagItem("pipeline"), _pipeline)) _spans.Enqueue(span);
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public void Dispose() => _listener.Dispose();

    [Fact]
    public async Task A_commit_is_found_by_its_id_within_its_checkpoint()
    {
        using var flow = new FlowHarness { Pipeline = _pipeline };
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Produce(10, 10);
        _spans.Clear();

        await flow.CatchUpAsync();

        var id = Assert.Single((await flow.DataCommitsAsync())[1..]).ToString();
        var commit = Assert.Single(_spans, span => span.OperationName == "matih.commit" && Equals(span.GetTagItem("matih.commit.id"), id));
        Assert.Equal(((await flow.HeadAsync()).ToString(), "shop.orders", "Committed", "lake"),
            (commit.GetTagItem("matih.snapshot.id"), commit.GetTagItem("matih.table"), commit.GetTagItem("matih.commit.outcome"), commit.GetTagItem("sink")));
        Assert.Equal("Committed", Assert.Single(commit.Events, found => found.Name == "attempt").Tags.Single(tag => tag.Key == "result").Value);
        var checkpoint = Assert.Single(_spans, span => span.SpanId == commit.ParentSpanId);
        Assert.Equal("matih.checkpoint", checkpoint.OperationName);
        var open = Assert.Single(_spans, span => span.OperationName == "matih.open");
        Assert.Equal("Opened", open.GetTagItem("matih.open.outcome"));
        Assert.NotEqual(open.TraceId, checkpoint.TraceId);
    }

    [Fact]
    public async Task A_failed_commit_says_of_what_kind_the_failure_was_and_nothing_of_what_it_said()
    {
        using var flow = new FlowHarness { Pipeline = _pipeline };
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Produce(10, 10);
        flow.Store.Before(".metadata.json", () =>
        {
            flow.Store.IsDown = _ => true;
            throw new IOException("hunter2");
        });
        _spans.Clear();

        await flow.RefusalAsync();

        Assert.Contains(_spans, span => span.OperationName == "matih.commit" && span.Status == ActivityStatusCode.Error && span.GetTagItem("error.type") is not null);
        Assert.All(_spans, span => Assert.DoesNotContain("hunter2", string.Join(' ', span.TagObjects.Select(tag => tag.Value).Append(span.StatusDescription)), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_replay_is_a_span_with_the_commit_that_it_made()
    {
        using var flow = new FlowHarness { Pipeline = _pipeline };
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var from = (await flow.DataCommitsAsync())[0];

        var report = await flow.ReplayAsync(from);

        var span = Assert.Single(_spans, span => span.OperationName == "matih.replay");
        Assert.Equal((from.ToString(), report.Commit.ToString()), (span.GetTagItem("matih.replay.from"), span.GetTagItem("matih.commit.id")));
        Assert.Contains(_spans, child => child.OperationName == "matih.commit" && child.ParentSpanId == span.SpanId);
    }

    [Fact]
    public async Task Verification_is_a_span_with_the_number_of_violations()
    {
        using var flow = new FlowHarness { Pipeline = _pipeline };
        flow.Produce(0, 10);
        await flow.CatchUpAsync();

        await flow.AssertVerifiesAsync();

        Assert.Equal(0, Assert.Single(_spans, span => span.OperationName == "matih.verify").GetTagItem("matih.violations"));
    }
}
