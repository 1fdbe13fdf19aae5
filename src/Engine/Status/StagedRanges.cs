namespace Matih.Status;

/// <summary>What readers have staged, and no commit has taken in yet.</summary>
/// <param name="RangeCount">Ranges that follow on the table's position without a gap: the next commit takes them in.</param>
/// <param name="Content">What they hold; null where there are too many to be read, or a commit took one in meanwhile.</param>
/// <param name="OldestAt">When the first of them was staged, by the store's clock; null where there is none.</param>
/// <param name="DetachedCount">Ranges further on, behind offsets that nobody has staged: a commit cannot take them in before these.</param>
public sealed record StagedRanges(int RangeCount, StagedContent? Content, DateTimeOffset? OldestAt, int DetachedCount)
{
    public static StagedRanges None { get; } = new(0, new StagedContent(0, 0, 0), null, 0);

    public static StagedRanges operator +(StagedRanges left, StagedRanges right) => new(
        left.RangeCount + right.RangeCount, left.Content + right.Content,
        left.OldestAt is { } one && right.OldestAt is { } other ? one < other ? one : other : left.OldestAt ?? right.OldestAt,
        left.DetachedCount + right.DetachedCount);
}

/// <summary>What staged ranges hold.</summary>
/// <param name="RecordCount">Source records.</param>
/// <param name="RowCount">The rows that came of them.</param>
/// <param name="Bytes">The length of their data files.</param>
public readonly record struct StagedContent(long RecordCount, long RowCount, long Bytes)
{
    public static StagedContent operator +(StagedContent left, StagedContent right) =>
        new(left.RecordCount + right.RecordCount, left.RowCount + right.RowCount, left.Bytes + right.Bytes);
}
