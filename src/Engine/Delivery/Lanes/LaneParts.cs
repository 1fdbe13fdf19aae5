using Matih.Batches;
using Matih.Decoding;
using Matih.Definition;
using Matih.Delivery.Topics;
using Matih.Sql;
using Matih.Telemetry;

namespace Matih.Delivery.Lanes;

/// <summary>Limits of a lane's loop.</summary>
/// <param name="OnError">What a bad record does.</param>
/// <param name="BatchBytes">About how many bytes of records are polled together, so that a batch of large records stays within the memory.</param>
/// <param name="BatchRecordsMax">Records polled together: enough to amortise calls, few enough that their columns stay in the cache.</param>
/// <param name="ReportedErrorsMax">Bad records logged one by one per checkpoint; the rest are only counted.</param>
internal sealed record LaneSettings(ErrorPolicy OnError, long BatchBytes, int BatchRecordsMax = 4096, int ReportedErrorsMax = 5)
{
    /// <summary>How long a poll waits for a first record; also the longest that a checkpoint waits for an idle lane.</summary>
    public TimeSpan PollWait { get; init; } = TimeSpan.FromMilliseconds(50);
}

/// <summary>The components of one lane: owned by it, and disposed with it.</summary>
internal sealed record LaneParts(
    string Topic, IRecordDecoder Decoder, QueryExecutor Query, SinkWriter Writer, LaneSettings Settings, RecordLimit Limit,
    MemoryAccount Memory, FlowProgress Progress, AsyncSignal Signal, IEngineLog Log, TimeProvider Clock, ActivityClock Activity) : IAsyncDisposable
{
    /// <summary>Takes note of records that a running session has read; null for readers of bounded ranges.</summary>
    public ReadRecordCheck? ReadRecords { get; init; }

    public void NoteActivity() => Activity.Note(Clock.GetTimestamp());

    public async ValueTask DisposeAsync()
    {
        Decoder.Dispose();
        Query.Dispose();
        await Writer.DisposeAsync();
    }
}

/// <summary>When any lane last got records. Thread-safe.</summary>
internal sealed class ActivityClock(long timestamp)
{
    private long _timestamp = timestamp;

    public long Timestamp => Interlocked.Read(ref _timestamp);

    public void Note(long timestamp) => Interlocked.Exchange(ref _timestamp, timestamp);
}
