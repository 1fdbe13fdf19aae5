using Matih.Batches;

namespace Matih.Sql.Kernels;

/// <summary>What one executor's parts share.</summary>
internal sealed class QueryContext(TimeProvider clock, MemoryAccount account, TimeZoneInfo timeZone)
{
    private long _version;
    private long? _nowMicros;

    public TimeProvider Clock { get; } = clock;
    public MemoryAccount Account { get; } = account;
    public TimeZoneInfo TimeZone { get; } = timeZone;

    /// <summary>Where rows of the current batch are rejected.</summary>
    public RowErrors Errors { get; set; } = new();

    /// <summary>The current input; null where the statement has no FROM.</summary>
    public ColumnBatch? Batch { get; private set; }

    /// <summary>The time in microseconds since 1970-01-01 UTC, whole milliseconds: read once a batch, when it is first asked for.</summary>
    public long NowMicros => _nowMicros ??= (Clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMillisecond * 1000;

    public void Begin(ColumnBatch batch)
    {
        Batch = batch;
        _nowMicros = null;
    }

    /// <summary>A number that no frame has had before.</summary>
    public long NextVersion() => ++_version;
}
