using Matih.Batches;
using Matih.Decoding;
using Matih.Definition;
using Matih.Delivery.Topics;
using Matih.Delivery.Writing;
using Matih.Sql;
using Matih.Telemetry;

namespace Matih.Delivery.Lanes;

/// <summary>What a lane does with bad records.</summary>
/// <param name="OnError">What a bad record does.</param>
/// <param name="ReportedErrorsMax">Bad records logged one by one per checkpoint; the rest are only counted.</param>
internal sealed record LaneSettings(ErrorPolicy OnError, int ReportedErrorsMax = 5);

/// <summary>The components of one lane: owned by it, and disposed with it.</summary>
internal sealed record LaneParts(
    string Topic, IRecordDecoder Decoder, QueryExecutor Query, SinkWriter Writer, LaneSettings Settings, MemoryAccount Memory, FlowProgress Progress,
    IEngineLog Log, TimeProvider Clock) : IAsyncDisposable
{
    /// <summary>Takes note of records that a running session has read; null for readers of bounded ranges.</summary>
    public ReadRecordCheck? ReadRecords { get; init; }

    public async ValueTask DisposeAsync()
    {
        Decoder.Dispose();
        Query.Dispose();
        await Writer.DisposeAsync();
    }
}
