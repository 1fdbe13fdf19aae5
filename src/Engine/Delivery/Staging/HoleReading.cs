using Matih.Delivery.Lanes;
using Matih.Delivery.Opening;
using Matih.Delivery.Topics;
using Matih.Planning;

namespace Matih.Delivery.Staging;

/// <summary>Reads from Kafka what nobody has staged, on a connection of its own, beside the session's lanes.</summary>
internal sealed class HoleReading(FlowPlan plan, FlowParts parts, EngineEnvironment environment, OpenedFlow opened)
{
    private readonly HoleCheck _holes = new(plan, parts);
    private readonly BoundedReading _reading = new(parts.LanesFor(opened), environment);

    /// <summary>What the range holds, or as much of it as could be read within the time.</summary>
    public async ValueTask<LaneCheckpoint> ReadAsync(BoundedRange range, TimeSpan timeMax, CancellationToken cancellationToken)
    {
        await using var source = parts.OpenSource();
        var checkpoints = await _reading.ReadAsync(source, [range], timeMax, cancellationToken);
        await _holes.RequireRealAsync(checkpoints, cancellationToken);
        return checkpoints.Single();
    }
}
