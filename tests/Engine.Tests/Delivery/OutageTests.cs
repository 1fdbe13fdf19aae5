using System.Globalization;
using System.Text.RegularExpressions;
using Matih.Delivery;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Delivery;

/// <summary>docs/delivery.md, "When a session fails": stores and catalogs that fail for minutes, and for longer than a run may.</summary>
public sealed partial class OutageTests
{
    private const string Metadata = ".metadata.json";

    [Theory]
    [InlineData("")]
    [InlineData(Metadata)]
    public async Task Minutes_without_store_or_catalog_move_no_offset_and_lose_nothing(string failing)
    {
        using var flow = WithRetries(1000);
        flow.Produce(0, 10);

        await flow.RunDuringAsync(async () =>
        {
            await flow.WaitForRowsAsync(10);
            var before = await PositionsAsync(flow);
            // The group's offsets are stored behind the commit.
            await FlowHarness.WaitUntilAsync(() => flow.Topic.GroupOffsets.Values.Sum() == 10);
            var group = flow.Topic.GroupOffsets.OrderBy(pair => pair.Key).ToList();
            var wasReady = Health(flow).Read().IsReady;
            var startedAt = flow.Clock.GetTimestamp();

            flow.Store.IsDown = location => location.EndsWith(failing, StringComparison.Ordinal);
            flow.Produce(10, 10);
            await flow.WaitForLogAsync(entries => entries.Count(entry => entry.Event == "retrying") >= 8);
            var lasted = flow.Clock.GetElapsedTime(startedAt);

            Assert.True(wasReady);
            Assert.False(Health(flow).Read().IsReady);
            Assert.True(lasted > TimeSpan.FromMinutes(1), $"The outage lasted {lasted}.");
            Assert.Equal([5, 5], before);
            Assert.Equal(before, await PositionsAsync(flow));
            Assert.Equal(group, flow.Topic.GroupOffsets.OrderBy(pair => pair.Key));

            flow.Store.IsDown = null;
            await flow.WaitForRowsAsync(20);
            flow.Produce(20, 10);
            await flow.WaitForRowsAsync(30);
            Assert.True(Health(flow).Read().IsReady);
        });

        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Waits_between_attempts_double_up_to_a_minute_and_are_spread()
    {
        using var flow = WithRetries(8);
        flow.Store.IsDown = _ => true;

        await flow.RefusalAsync();

        var waits = flow.Entries.Where(entry => entry.Event == "retrying")
            .Select(entry => double.Parse(Wait().Match(entry.Message).Groups[1].Value, CultureInfo.InvariantCulture)).ToList();
        var spread = waits.Select((wait, index) => wait / Math.Min(60, Math.Pow(2, index))).ToList();
        Assert.Equal(8, waits.Count);
        Assert.All(spread, factor => Assert.InRange(factor, 0.44, 1.56));
        Assert.True(spread.Max() - spread.Min() > 0.1, string.Join(", ", spread));
    }

    [Fact]
    public async Task Retries_that_are_used_up_end_with_3_after_health_was_unready()
    {
        using var flow = WithRetries(3);
        flow.Store.IsDown = _ => true;

        var ending = flow.RefusalAsync();
        await flow.WaitForLogAsync("retrying");
        var wasReady = Health(flow).Read().IsReady;
        var failure = await ending;

        Assert.False(wasReady);
        Assert.Equal(3, flow.CountOf("retrying"));
        Assert.Equal((FailureKind.Store, ExitCode.Environment), (failure.Kind, failure.ExitCode));
        Assert.Equal("Table shop.orders: 503 Slow Down (3 retries without progress are used up.)", failure.Message);
        Assert.Equal("Check disk space, permissions and the network to the store; what is not in the table is read again.", failure.Remedy);
        Assert.IsType<IOException>(failure.InnerException?.InnerException);
    }

    [Fact]
    public async Task An_outage_longer_than_the_limit_ends_the_run_however_many_retries_are_left()
    {
        using var flow = WithRetries(1000);
        flow.Clock.Speed = 100; // So that on a busy machine one attempt does not take all of the limit.
        flow.Overrides.Add("orchestration.commit_failure_limit=90s");
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Produce(10, 10);
        flow.Store.IsDown = location => location.EndsWith(Metadata, StringComparison.Ordinal);

        var failure = await flow.RefusalAsync();
        flow.Store.IsDown = null;
        await flow.CatchUpAsync();

        Assert.Equal(ExitCode.Environment, failure.ExitCode);
        Assert.Matches(@"\(Nothing could be committed for \d+ s, over \d+ attempts; orchestration\.commit_failure_limit is 90 s\.\)$", failure.Message);
        Assert.InRange(flow.CountOf("retrying"), 1, 12); // Fewer than retries are left, and with back-off between them.
        await flow.AssertHoldsWholeTopicAsync();
    }

    private static FlowHarness WithRetries(int count)
    {
        var flow = new FlowHarness();
        flow.Clock.Speed = 1000;
        flow.Overrides.Add(string.Create(CultureInfo.InvariantCulture, $"orchestration.max_retries={count}"));
        return flow;
    }

    private static async Task<IEnumerable<long>> PositionsAsync(FlowHarness flow) =>
        (await flow.LedgerAsync()).FindSource("src")!.Partitions.Select(entry => entry.NextOffset);

    private static PipelineHealth Health(FlowHarness flow) => new(flow.Progress, flow.Clock, new HealthLimits(TimeSpan.FromDays(1)) { StallMax = TimeSpan.FromDays(1), ContactAgeMax = TimeSpan.FromDays(1) });

    [GeneratedRegex(@"Trying again in ([0-9.]+) s")]
    private static partial Regex Wait();
}
