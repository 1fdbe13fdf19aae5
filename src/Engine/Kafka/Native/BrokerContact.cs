namespace Matih.Kafka.Native;

/// <summary>When a broker last answered a source's questions. Thread-safe.</summary>
internal sealed class BrokerContact(TimeProvider clock)
{
    private const long None = long.MinValue;

    private long _answeredAt = None;

    /// <summary>As a timestamp of the clock; null before the first answer.</summary>
    public long? AnsweredAt => Interlocked.Read(ref _answeredAt) is not None and var at ? at : null;

    public bool WasMade => AnsweredAt is not null;

    public void NoteAnswer() => Interlocked.Exchange(ref _answeredAt, clock.GetTimestamp());
}
