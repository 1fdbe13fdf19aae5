using Matih.Delivery;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Delivery;

/// <summary>A consumer that has nothing to read learns nothing of a broker that is gone: it has to ask.</summary>
public sealed class ContactWatchTests
{
    private readonly List<ScriptedSource> _sources = [];

    [Fact]
    public async Task Contact_that_is_lost_under_an_idle_run_is_seen_in_health_and_said_once_and_its_return_too()
    {
        using var flow = NewFlow();
        flow.Produce(0, 10);

        await flow.RunDuringAsync(async () =>
        {
            await flow.WaitForRowsAsync(10);
            await ReadyAsync(flow);
            Cut("connection refused");
            flow.Clock.Elapsed += TimeSpan.FromSeconds(31);

            await flow.WaitForLogAsync("contact-lost");
            var reading = Read(flow);
            Assert.True(reading is { IsReady: false, IsLive: true });
            Assert.StartsWith("Flow orders/lake has had no answer from Kafka for 3", reading.Flows[0].Unready, StringComparison.Ordinal);
            flow.Clock.Elapsed += TimeSpan.FromMinutes(5);
            Cut(null);

            await flow.WaitForLogAsync("contact-back");
            await ReadyAsync(flow);
        });

        var lost = Assert.Single(flow.Entries, entry => entry.Event == "contact-lost");
        Assert.Equal(LogSeverity.Warning, lost.Severity);
        Assert.StartsWith("Flow orders/lake: no answer from Kafka for 3", lost.Message, StringComparison.Ordinal);
        Assert.Contains("(connection refused)", lost.Message, StringComparison.Ordinal);
        Assert.Equal(LogSeverity.Information, Assert.Single(flow.Entries, entry => entry.Event == "contact-back").Severity);
    }

    [Fact]
    public async Task A_member_that_stands_by_asks_for_itself()
    {
        using var flow = NewFlow();
        flow.Seat = new ScriptedSeat();

        await flow.RunDuringAsync(async () =>
        {
            await UntilAsync(flow, progress => progress is { State: FlowState.StandingBy, LastContact: not null });
            var before = flow.Progress[0].LastContact;
            flow.Clock.Elapsed += TimeSpan.FromSeconds(11);
            await UntilAsync(flow, progress => progress.LastContact > before);
            Assert.True(Read(flow) is { IsReady: true, IsStandingBy: true });

            Cut("connection refused");
            flow.Clock.Elapsed += TimeSpan.FromSeconds(31);

            await flow.WaitForLogAsync("contact-lost");
            Assert.False(Read(flow).IsReady);
        });
    }

    [Fact]
    public async Task A_question_that_is_not_answered_is_given_up_and_asked_again()
    {
        using var flow = NewFlow(new HurriedClock { Speed = 100 });
        flow.Seat = new ScriptedSeat();
        var givenUp = new SemaphoreSlim(0);
        var questionCount = 0;
        flow.OnSource = source => source.BeforeIdentify = async cancellationToken =>
        {
            // The first one is the member's own, before it takes a seat.
            if (++questionCount == 1) return;
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            }
            finally
            {
                givenUp.Release();
            }
        };

        await flow.RunDuringAsync(async () =>
        {
            await givenUp.WaitAsync();
            await givenUp.WaitAsync();
        });
    }

    [Fact]
    public async Task A_member_that_reaches_no_broker_fails_as_any_run_does_and_does_not_wait_for_the_group()
    {
        using var flow = NewFlow();
        flow.Seat = new ScriptedSeat();
        flow.Seat.Lose();
        flow.OnSource = source => source.Trouble = "connection refused";

        var failure = await Assert.ThrowsAsync<PipelineException>(() => flow.RunAsync(new RunMode.Continuous()));

        Assert.Equal((FailureKind.Kafka, 3), (failure.Kind, failure.ExitCode));
        Assert.Contains("connection refused", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attempts_that_fail_say_so_themselves_and_the_same_failure_is_told_in_full_once()
    {
        using var flow = NewFlow(new HurriedClock { Speed = 100 });
        flow.Overrides.Add("orchestration.max_retries=8");
        flow.OnSource = source => source.Trouble = "connection refused";

        await Assert.ThrowsAsync<PipelineException>(() => flow.RunAsync(new RunMode.Continuous()));

        var retries = flow.Entries.Where(entry => entry.Event == "retrying").Select(entry => entry.Message).ToList();
        Assert.Equal(8, retries.Count);
        Assert.Contains("connection refused", retries[0], StringComparison.Ordinal);
        Assert.All(retries.Skip(1), message => Assert.StartsWith("Flow orders/lake: the same failure again. Trying again in ", message, StringComparison.Ordinal));
        Assert.DoesNotContain(flow.Entries, entry => entry.Event == "contact-lost");
    }

    [Fact]
    public async Task A_long_commit_at_the_end_of_a_micro_batch_does_not_pass_for_lost_contact()
    {
        using var flow = NewFlow();
        flow.Produce(0, 10);
        var committing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // Creating the table and the start are the first two versions.
        flow.Store.Before("v3.metadata.json", () =>
        {
            committing.SetResult();
            return goOn.Task;
        });

        var run = flow.RunAsync(new RunMode.Once(1000, TimeSpan.FromMilliseconds(50)));
        await committing.Task;
        var before = flow.Progress[0].LastContact;
        flow.Clock.Elapsed += TimeSpan.FromSeconds(29);
        await UntilAsync(flow, progress => progress.LastContact > before);
        Assert.True(Read(flow).IsReady);
        goOn.SetResult();
        await run;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_run_that_ends_by_itself_fails_where_its_brokers_fall_silent_before_it_has_read_everything(bool isOnce)
    {
        using var flow = NewFlow();
        flow.OnSource = source =>
        {
            _sources.Add(source);
            source.IsMute = partition => partition == 1;
        };
        flow.Produce(0, 20);
        var run = flow.RunAsync(isOnce ? new RunMode.Once(1000, TimeSpan.FromMilliseconds(50)) : new RunMode.UntilCaughtUp());
        await UntilAsync(flow, progress => progress.ReadCount == 10 && progress.Lag is not null);

        Cut("connection refused");
        flow.Clock.Elapsed += TimeSpan.FromSeconds(31);

        var failure = await Assert.ThrowsAsync<PipelineException>(() => run);
        Assert.Equal((FailureKind.Kafka, 3), (failure.Kind, failure.ExitCode));
        Assert.Contains("connection refused", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_micro_batch_that_had_read_everything_ends_well_although_its_brokers_have_fallen_silent()
    {
        using var flow = NewFlow();
        flow.Produce(0, 20);
        var run = flow.RunAsync(new RunMode.Once(1000, TimeSpan.FromMinutes(5)));
        await UntilAsync(flow, progress => progress.ReadCount == 20 && progress.Lag is not null);

        Cut("connection refused");
        flow.Clock.Elapsed += TimeSpan.FromMinutes(5);

        await run;
        await flow.AssertHoldsExactlyAsync(flow.TopicRecords());
    }

    [Fact]
    public async Task Unread_and_uncommitted_differ_by_what_waits_for_the_checkpoint()
    {
        using var flow = NewFlow();
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");

        await flow.RunDuringAsync(async () =>
        {
            await flow.WaitForLogAsync("started");
            flow.Produce(0, 10);
            await UntilAsync(flow, progress => progress.ReadCount == 10 && progress.Lag is { Uncommitted: 10 });
            Assert.Equal(0, flow.Progress[0].Lag!.Unread);
        });

        Assert.Equal((0, 0), (flow.Progress[0].Lag!.Unread, flow.Progress[0].Lag!.Uncommitted));
    }

    private FlowHarness NewFlow(HurriedClock? clock = null)
    {
        var flow = new FlowHarness { Clock = clock ?? new HurriedClock() };
        flow.OnSource = _sources.Add;
        return flow;
    }

    private void Cut(string? trouble)
    {
        foreach (var source in _sources) source.Trouble = trouble;
    }

    private static Task ReadyAsync(FlowHarness flow) => UntilAsync(flow, progress => progress.State == FlowState.Reading && Read(flow).IsReady);

    private static HealthReading Read(FlowHarness flow) => new PipelineHealth(flow.Progress, flow.Clock, new HealthLimits(TimeSpan.FromDays(1))).Read();

    /// <summary>Progress has no signal that a test could wait for; it is looked at until it holds.</summary>
    private static Task UntilAsync(FlowHarness flow, Func<FlowProgress, bool> holds) =>
        FlowHarness.WaitUntilAsync(() => flow.Progress.Count != 0 && holds(flow.Progress[0]));
}
