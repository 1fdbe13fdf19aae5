using System.Collections.Immutable;

namespace Matih.Status;

/// <summary>Where a pipeline stands, flow by flow.</summary>
/// <param name="Name">The pipeline's.</param>
/// <param name="Version">The definition's; null where it has none.</param>
/// <param name="ReadAt">When it was read; ages count to here.</param>
/// <param name="IsOffline">Kafka was left out.</param>
public sealed record PipelineStatus(string Name, string? Version, DateTimeOffset ReadAt, bool IsOffline, ImmutableArray<FlowStatus> Flows)
{
    /// <summary>5 where a start would refuse a flow, 2 where the definition does not fit a table, 3 where something could not be read, else 0.</summary>
    public int ExitCode
    {
        get
        {
            var refusals = Flows.Select(flow => flow.Refusal?.ExitCode).OfType<int>().DefaultIfEmpty(Delivery.ExitCode.Done).Max();
            if (refusals != Delivery.ExitCode.Done) return refusals;
            return Flows.Any(flow => flow.Condition == FlowCondition.Unreachable) ? Delivery.ExitCode.Environment : Delivery.ExitCode.Done;
        }
    }
}
