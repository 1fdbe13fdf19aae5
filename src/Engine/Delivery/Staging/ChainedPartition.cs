using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;
using Matih.Delivery.Tables;

namespace Matih.Delivery.Staging;

/// <summary>The stretch of one partition that a commit takes over from elsewhere, put together piece by piece.</summary>
internal sealed class ChainedPartition(PartitionLedger at)
{
    private readonly ImmutableArray<WrittenFile>.Builder _files = ImmutableArray.CreateBuilder<WrittenFile>();
    private PartitionLedger _entry = at.Unmoved();

    public int Partition => _entry.Partition;

    public long Position => _entry.NextOffset;

    public bool HasMoved => _entry.NextOffset != _entry.FromOffset;

    public Books Books { get; private set; }

    public SkippedRecords Skipped { get; private set; } = SkippedRecords.None;

    public PartitionLedger Entry => _entry;

    /// <summary>Files of the pieces that go into the table as they are.</summary>
    public IReadOnlyCollection<WrittenFile> Files => _files;

    /// <summary>Appends what was read from the position on.</summary>
    /// <param name="files">Those of the piece's files that are to be registered; the rows of others go into new ones.</param>
    public void Append(PartitionLedger piece, Books books, SkippedRecords skipped, IEnumerable<WrittenFile> files)
    {
        if (piece.Partition != Partition || piece.FromOffset != Position || piece.NextOffset < piece.FromOffset)
            throw new InvalidOperationException($"Offsets {piece.FromOffset} to {piece.NextOffset} of partition {piece.Partition} do not follow on {Position} of partition {Partition}.");
        _entry = _entry with
        {
            NextOffset = piece.NextOffset,
            RecordCount = _entry.RecordCount + piece.RecordCount,
            // A piece without records carries an older fingerprint, or none.
            Last = piece.Last is { } last && last.Offset >= (_entry.Last?.Offset ?? -1) ? last : _entry.Last,
            MaxTimestampMillis = Math.Max(_entry.MaxTimestampMillis, piece.MaxTimestampMillis),
            IsUnreadEarliest = _entry.IsUnreadEarliest && piece.NextOffset == piece.FromOffset,
        };
        Books += books;
        if (!skipped.IsEmpty) Skipped = SkippedRecords.Merge([Skipped, skipped]);
        _files.AddRange(files);
    }
}
