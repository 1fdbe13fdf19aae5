using Matih.Kafka;
using Matih.Kafka.Native;
using Matih.Telemetry;

namespace Matih.Hosting;

/// <summary>
/// Log lines of the Kafka clients. Each trouble is a warning once, whichever of a run's connections meets it, and again after
/// ten minutes with the number of times; the repetitions between are for debugging. Thread-safe.
/// </summary>
/// <param name="isMock">That the mock cluster does not know of automatic topics is no news to anybody.</param>
internal sealed class ClientLog(IEngineLog log, TimeProvider clock, bool isMock)
{
    private static readonly TimeSpan FoldedFor = TimeSpan.FromMinutes(10);

    /// <summary>Brokers and causes are few; texts that differ each time must not pile up.</summary>
    private const int KnownMax = 200;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (long ToldAt, int FoldedCount)> _known = [];

    /// <summary>What librdkafka calls an error is something that it gets past by itself; what it does not comes as an event.</summary>
    public void Write(KafkaLogLine line)
    {
        var isTrouble = line.Level <= 4 && !(isMock && line.Facility == "AUTOCREATE");
        var text = isTrouble ? BrokerTrouble.Of(line.Text).Show() : $"{line.Facility}: {line.Text}";
        var folded = 0;
        var isNews = isTrouble && IsNews(text, out folded);
        log.Write(new LogEntry(isNews ? LogSeverity.Warning : LogSeverity.Debug, "kafka-client",
            $"Kafka client: {text}{(folded == 0 ? "" : $" ({Quantity.Of(folded, "time")} more since this was last reported)")}", ("facility", line.Facility)));
    }

    private bool IsNews(string text, out int folded)
    {
        lock (_gate)
        {
            var isKnown = _known.TryGetValue(text, out var told);
            folded = told.FoldedCount;
            if (isKnown && clock.GetElapsedTime(told.ToldAt) < FoldedFor)
            {
                _known[text] = told with { FoldedCount = folded + 1 };
                return false;
            }
            if (_known.Count >= KnownMax) _known.Clear();
            _known[text] = (clock.GetTimestamp(), 0);
            return true;
        }
    }
}
