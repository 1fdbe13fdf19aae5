using Matih.Definition;
using Matih.Delivery.Ledgers;
using Matih.Planning;

namespace Matih.Status;

/// <summary>
/// Reads where a pipeline stands: what its tables hold, what waits beside them for a commit, what its topics hold, and what a start
/// would say. Only reads: it disturbs neither a running pipeline nor a table. What cannot be read is said, and is no failure of the
/// reading; the answer comes within <see cref="TimeMax"/>.
/// </summary>
/// <param name="isGone">Whether the process that a ledger names is known to be dead. False where it cannot be known.</param>
public sealed class PipelineStatusReader(EngineEnvironment environment, IConnectors connectors, Func<WriterHint, bool> isGone)
{
    /// <summary>The longest that a reading takes, whatever catalogs, stores and brokers do.</summary>
    public static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(30);

    /// <param name="metadata">The pipeline that the flows belong to.</param>
    /// <param name="flows">The plans, from <see cref="PipelinePlanner"/>.</param>
    /// <param name="isOffline">Kafka is left out; the tables alone are looked at.</param>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public async Task<PipelineStatus> ReadAsync(MetadataDefinition metadata, IReadOnlyList<PlannedFlow> flows, bool isOffline, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(TimeMax, environment.Clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var read = await Task.WhenAll(flows.Select(flow =>
            new FlowStatusReading(flow, environment, connectors, isGone, isOffline, new PartReading(flow.Plan, environment, TimeMax, both.Token, cancellationToken)).ReadAsync()));
        return new PipelineStatus(metadata.Name, metadata.Version, environment.Clock.GetUtcNow(), isOffline, [.. read]);
    }
}
