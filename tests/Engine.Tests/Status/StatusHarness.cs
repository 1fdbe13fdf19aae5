using Matih.Batches;
using Matih.Definition;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Steps;
using Matih.Delivery;
using Matih.Engine.Tests.Delivery;
using Matih.Hosting;
using Matih.Status;
using Matih.Telemetry;
using System.Collections.Immutable;

namespace Matih.Engine.Tests.Status;

/// <summary>Reads the status of a harness's pipeline, and stages for it as a host with a trigger does.</summary>
internal static class StatusHarness
{
    public static Task<PipelineStatus> PipelineStatusAsync(
        this FlowHarness flow, bool isOffline = false, EngineEnvironment? environment = null, Func<WriterHint, bool>? isGone = null, CancellationToken? cancellationToken = null) =>
        new PipelineStatusReader(environment ?? flow.Environment(), flow, isGone ?? (_ => false))
            .ReadAsync(new MetadataDefinition(flow.Pipeline, "1", null, null, ImmutableSortedDictionary<string, string>.Empty), flow.Plan(), isOffline, cancellationToken ?? TestContext.Current.CancellationToken);

    public static async Task<FlowStatus> StatusAsync(this FlowHarness flow, bool isOffline = false) => Assert.Single((await flow.PipelineStatusAsync(isOffline)).Flows);

    /// <summary>A process that is asked for every step.</summary>
    public static FlowSteps OpenSteps(this FlowHarness flow)
    {
        var planned = Assert.Single(flow.Plan());
        return new PipelineRunner(flow.Environment(), flow, flow).OpenSteps(planned, flow.Hint, flow.IsGone, new FlowProgress(planned.Plan.Name.ToString()));
    }

    public static async Task OpenAsync(this FlowSteps steps) => Assert.IsType<OpenStep.Opened>(await steps.OpenAsync(OpenAnswers.None, null, default));

    public static async Task StageAsync(this FlowHarness flow, FlowSteps steps, int partition, long from, int count)
    {
        using var batch = new ManagedRawBatch();
        foreach (var record in flow.Topic.Read(partition, from, count))
            batch.Add(record.Value, record.Key, record.Offset, partition, record.TimestampMillis, TimestampKind.CreateTime);
        Assert.IsType<StageStep.Staged>(await steps.StageAsync(batch, default));
    }

    public static EngineEnvironment Environment(this FlowHarness flow) => new(flow.Clock, flow.Ids, new Random(1), new SystemTaskStarter(), flow.Scratch);
}
