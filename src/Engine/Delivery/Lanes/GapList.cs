using System.Collections.Immutable;
using Matih.Kafka;

namespace Matih.Delivery.Lanes;

/// <summary>
/// The offsets of a stretch at which no record was seen, gap by gap, so that a second fetch can look into just these. A
/// compacted topic may have a gap after every record: beyond a limit the rest is remembered as a whole, with the number of
/// records seen in it. As a batch is scanned and then accepted, so are its gaps.
/// </summary>
internal sealed class GapList
{
    private const int GapsMax = 1 << 14;

    private readonly List<OffsetGap> _gaps = [];
    private int _acceptedCount;
    private (long? From, long RecordCount) _rest;
    private (long? From, long RecordCount) _acceptedRest;

    public void BeginScan()
    {
        if (_gaps.Count != _acceptedCount) _gaps.RemoveRange(_acceptedCount, _gaps.Count - _acceptedCount);
        _rest = _acceptedRest;
    }

    public void Add(long fromOffset, long toOffset)
    {
        if (_rest.From is not null) return;
        if (_gaps.Count < GapsMax) _gaps.Add(new OffsetGap(fromOffset, toOffset));
        else _rest.From = fromOffset;
    }

    /// <summary>Counts a record, where it lies in the part that is remembered as a whole.</summary>
    public void NoteRecord()
    {
        if (_rest.From is not null) _rest.RecordCount++;
    }

    public void Accept()
    {
        _acceptedCount = _gaps.Count;
        _acceptedRest = _rest;
    }

    /// <summary>What was accepted; the list is empty then.</summary>
    public StretchGaps Take()
    {
        BeginScan();
        var taken = new StretchGaps([.. _gaps], _rest.From, _rest.RecordCount);
        _gaps.Clear();
        _acceptedCount = 0;
        _rest = _acceptedRest = default;
        return taken;
    }
}

/// <summary>Where a stretch holds no records, as far as its reader saw.</summary>
/// <param name="Gaps">Ascending, without overlap.</param>
/// <param name="RestFromOffset">From here to the stretch's end gaps were too many to list; null where all are listed.</param>
/// <param name="RestRecordCount">The records that were seen from there on.</param>
internal readonly record struct StretchGaps(ImmutableArray<OffsetGap> Gaps, long? RestFromOffset, long RestRecordCount)
{
    public static StretchGaps None { get; } = new([], null, 0);

    public bool IsEmpty => Gaps.IsEmpty && RestFromOffset is null;
}
