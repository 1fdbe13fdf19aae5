using System.Globalization;
using Matih.Functions.TestHost;

namespace Matih.Functions.Tests.App;

/// <summary>
/// Draws what a Kafka trigger hands over, of what it was told is in the topic: batches that mix partitions, in order or not, a
/// second time, with holes, or never.
/// </summary>
internal sealed class RandomTrigger(Random random)
{
    private readonly List<IReadOnlyList<KafkaTestRecord>> _waiting = [];
    private readonly List<IReadOnlyList<KafkaTestRecord>> _handedOver = [];

    /// <summary>Takes in what was produced, cut into batches.</summary>
    public void Add(IReadOnlyList<KafkaTestRecord> produced)
    {
        for (var from = 0; from < produced.Count;)
        {
            var count = Math.Min(produced.Count - from, random.Next(1, produced.Count + 1));
            _waiting.Add([.. produced.Skip(from).Take(count)]);
            from += count;
        }
    }

    /// <summary>Gives a batch back that failed: it comes once more, as the extension tries it again, or it is dropped.</summary>
    /// <returns>Whether it comes.</returns>
    public bool GiveBack(IReadOnlyList<KafkaTestRecord> batch)
    {
        if (random.Next(3) == 0) return false;
        _waiting.Insert(0, batch);
        return true;
    }

    /// <summary>The next batch; null where none waits.</summary>
    /// <param name="what">How it came about, for the story of a run.</param>
    public IReadOnlyList<KafkaTestRecord>? Next(out string what)
    {
        what = "in order";
        if (_handedOver.Count > 0 && random.Next(6) == 0)
        {
            what = "again";
            return _handedOver[random.Next(_handedOver.Count)];
        }
        if (_waiting.Count == 0) return null;
        var at = random.Next(5) == 0 ? random.Next(_waiting.Count) : 0;
        if (at > 0) what = "too early";
        var batch = _waiting[at];
        _waiting.RemoveAt(at);
        switch (random.Next(12))
        {
            case 0:
                what += ", dropped";
                return [];
            case 1:
                var from = random.Next(batch.Count);
                var count = random.Next(1, batch.Count - from + 1);
                batch = [.. batch.Take(from), .. batch.Skip(from + count)];
                what += string.Create(CultureInfo.InvariantCulture, $", without {count} at {from}");
                break;
            case 2:
                batch = [.. batch.Reverse()];
                what += ", reversed";
                break;
            case 3 when _handedOver.Count > 0:
                batch = [.. _handedOver[^1], .. batch];
                what += ", with the one before";
                break;
        }
        _handedOver.Add(batch);
        return batch;
    }
}
