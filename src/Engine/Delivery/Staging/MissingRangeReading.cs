using Matih.Delivery.Lanes;
using Matih.Delivery.Topics;
using Matih.Kafka;

namespace Matih.Delivery.Staging;

/// <summary>Reads from Kafka what nobody has staged, on a connection of its own, beside the session's lanes.</summary>
/// <param name="openSource">Another reader of the same topic.</param>
internal sealed class MissingRangeReading(Func<IRecordSource> openSource, BoundedReading reading, GapCheck gaps)
{
    /// <summary>What the range holds, or as much of it as could be read within the time.</summary>
    public async ValueTask<LaneCheckpoint> ReadAsync(BoundedRange range, TimeSpan timeMax, CancellationToken cancellationToken)
    {
        await using var source = openSource();
        var checkpoints = await reading.ReadAsync(source, [range], timeMax, cancellationToken);
        await gaps.RequireRealAsync(checkpoints, cancellationToken);
        return checkpoints.Single();
    }
}
