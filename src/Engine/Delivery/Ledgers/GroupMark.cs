using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Delivery;

/// <summary>What a flow writes beside its consumer group's offsets: a tripwire against a table that was created anew.</summary>
internal sealed record GroupMark(FlowName Flow, string TableUuid)
{
    private const string Prefix = "matih:1:";

    public static GroupMark? Parse(string? text)
    {
        if (text is null || !text.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        var parts = text[Prefix.Length..].TrimEnd('\0').Split(':');
        return parts.Length == 3 ? new GroupMark(new FlowName(parts[0], parts[1]), parts[2]) : null;
    }

    /// <summary>
    /// The mark's text. It ends with a NUL, because Python clients on librdkafka (seen with confluent-kafka 2.16.1) take the
    /// metadata for NUL-terminated and would read on into foreign memory, and fail on what they find there.
    /// </summary>
    public override string ToString() => $"{Prefix}{Flow.Pipeline}:{Flow.Sink}:{TableUuid}\0";

    /// <summary>Stores the positions for dashboards; a refusal is told once per call site's log and changes nothing.</summary>
    public async ValueTask<bool> StoreAsync(IRecordSource source, SourceLedger ledger, IEngineLog log, CancellationToken cancellationToken)
    {
        var positions = ledger.Partitions.Select(entry => new PartitionPosition(entry.Partition, entry.NextOffset)).ToArray();
        var (stored, reason) = await TryStoreAsync(source, positions, cancellationToken);
        if (!stored)
            log.Debug("group-offsets-refused", $"The consumer group's offsets of topic '{source.Topic}' could not be stored: {reason} Dashboards will not see progress; nothing else depends on it.");
        return stored;
    }

    private async ValueTask<(bool Stored, string? Reason)> TryStoreAsync(IRecordSource source, PartitionPosition[] positions, CancellationToken cancellationToken)
    {
        try
        {
            return await source.StoreGroupOffsetsAsync(positions, ToString(), cancellationToken);
        }
        catch (SourceException e)
        {
            return (false, e.Message);
        }
    }
}
