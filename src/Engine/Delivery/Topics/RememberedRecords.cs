using Matih.Delivery.Ledgers;

namespace Matih.Delivery.Topics;

/// <summary>
/// Records of one partition that were read, ascending: the last that was found unchanged, and evenly spread ones since
/// then, the newest always among them. Thread-safe.
/// </summary>
internal sealed class RememberedRecords(Fingerprint? verified)
{
    /// <summary>Each is fetched again by itself at the next look, so that they are few.</summary>
    internal const int CountMax = 8;

    private readonly Lock _gate = new();
    private readonly List<Fingerprint> _since = new(CountMax);
    private Fingerprint? _verified = verified;
    private Fingerprint? _newest;
    private int _distance = 1;
    private int _passedOver;

    public bool IsEmpty
    {
        get
        {
            lock (_gate) return _verified is null && _newest is null;
        }
    }

    /// <summary>Adds one that was read after all others.</summary>
    public void Add(Fingerprint record)
    {
        lock (_gate)
        {
            _newest = record;
            if (++_passedOver < _distance) return;
            _passedOver = 0;
            if (_since.Count == CountMax) Thin();
            _since.Add(record);
        }
    }

    /// <summary>Those to look at, ascending.</summary>
    public IReadOnlyList<Fingerprint> All()
    {
        lock (_gate)
        {
            var all = new List<Fingerprint>(CountMax + 2);
            if (_verified is { } verified) all.Add(verified);
            all.AddRange(_since);
            if (_newest is { } newest && (all.Count == 0 || all[^1].Offset < newest.Offset)) all.Add(newest);
            return all;
        }
    }

    /// <summary>A record was found unchanged, and so was every one before it. Those up to it are forgotten.</summary>
    public void Verify(Fingerprint record)
    {
        lock (_gate)
        {
            _verified = record;
            _since.RemoveAll(other => other.Offset <= record.Offset);
            if (_newest is { } newest && newest.Offset <= record.Offset) _newest = null;
            if (_since.Count == 0) (_distance, _passedOver) = (1, 0);
        }
    }

    /// <summary>A record is no longer in the topic.</summary>
    public void Forget(Fingerprint record)
    {
        lock (_gate)
        {
            if (_verified == record) _verified = null;
            if (_newest == record) _newest = null;
            _since.Remove(record);
        }
    }

    private void Thin()
    {
        for (var i = CountMax - 2; i >= 0; i -= 2) _since.RemoveAt(i);
        _distance *= 2;
    }
}
