using Matih.Kafka;

namespace Matih.Host.Demo;

/// <summary>Produces click events at a rate, as far as there is room for them.</summary>
internal sealed class ClickProducer(RecordProducer producer, string topic, int ratePerSecond, Production production, TimeProvider clock)
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan FlushMax = TimeSpan.FromSeconds(30);

    private int _isWaiting;

    /// <summary>Whether production waits for the table right now.</summary>
    public bool IsWaiting => Volatile.Read(ref _isWaiting) != 0;

    /// <summary>Produces until the token is cancelled, then waits until everything is delivered. Blocks its thread.</summary>
    /// <exception cref="InvalidOperationException">Records were given up.</exception>
    public void Run(CancellationToken end)
    {
        var events = new ClickEvents(new Random());
        var last = clock.GetTimestamp();
        var credit = 0.0;
        while (!end.IsCancellationRequested)
        {
            var now = clock.GetTimestamp();
            // What a pause held up is not caught up: the rate is a ceiling.
            credit = Math.Min(credit + clock.GetElapsedTime(last, now).TotalSeconds * ratePerSecond, Math.Max(1, ratePerSecond / 10.0));
            last = now;
            Volatile.Write(ref _isWaiting, production.HasRoom ? 0 : 1);
            if (IsWaiting) credit = 0;
            for (; credit >= 1; credit--) ProduceOne(events);
            producer.Poll();
            end.WaitHandle.WaitOne(Tick);
        }
        Volatile.Write(ref _isWaiting, 0);
        if (!producer.Flush(FlushMax)) throw new InvalidOperationException($"The embedded Kafka did not take all records within {FlushMax.TotalSeconds:0} s.");
        if (producer.FailedCount != 0) throw new InvalidOperationException($"The embedded Kafka refused {Quantity.Of(producer.FailedCount, "record")}: {producer.LastFailure}");
    }

    private void ProduceOne(ClickEvents events)
    {
        var now = clock.GetUtcNow();
        events.Next(now, out var key, out var value);
        var partition = (int)(Hash(key) % (uint)production.PartitionCount);
        producer.Produce(topic, key, value, partition, now.ToUnixTimeMilliseconds());
        production.NoteProduced(partition, key.Length + value.Length);
    }

    /// <summary>FNV-1a: one user's events stay in one partition, in order.</summary>
    private static uint Hash(ReadOnlySpan<byte> key)
    {
        var hash = 2166136261u;
        foreach (var item in key) hash = (hash ^ item) * 16777619;
        return hash;
    }
}
