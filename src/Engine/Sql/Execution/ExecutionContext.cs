using Matih.Batches;

namespace Matih.Sql;

/// <summary>What one executor's parts share.</summary>
internal sealed class ExecutionContext(TimeProvider clock, MemoryAccount account, TimeZoneInfo timeZone)
{
    private long _version;

    public TimeProvider Clock { get; } = clock;
    public MemoryAccount Account { get; } = account;
    public TimeZoneInfo TimeZone { get; } = timeZone;

    /// <summary>Where rows of the current batch are rejected.</summary>
    public RowErrors Errors { get; set; } = new();

    /// <summary>The current input; null where the statement has no FROM.</summary>
    public ColumnBatch? Batch { get; set; }

    /// <summary>A number that no frame has had before.</summary>
    public long NextVersion() => ++_version;
}
