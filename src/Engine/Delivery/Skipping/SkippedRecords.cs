using System.Collections.Immutable;
using System.Globalization;

namespace Matih.Delivery.Skipping;

/// <summary>Where bad records were skipped, in one partition; the end is excluded.</summary>
/// <param name="RecordCount">
/// How many records of the range were skipped. Where it equals the number of offsets, all of them were; where it is less, the
/// range stands for several that were too many to list, and has other records, or none, between them.
/// </param>
public readonly record struct SkippedRange(int Partition, long FromOffset, long ToOffset, long RecordCount)
{
    /// <summary>Whether every offset of the range is that of a skipped record.</summary>
    public bool IsWhole => RecordCount == ToOffset - FromOffset;

    public override string ToString()
    {
        if (!IsWhole) return string.Create(CultureInfo.InvariantCulture, $"{Quantity.Of(RecordCount, "record")} among offsets {FromOffset} to {ToOffset - 1} of partition {Partition}");
        return RecordCount == 1
            ? string.Create(CultureInfo.InvariantCulture, $"offset {FromOffset} of partition {Partition}")
            : string.Create(CultureInfo.InvariantCulture, $"offsets {FromOffset} to {ToOffset - 1} of partition {Partition}");
    }
}

/// <summary>Skipped records that have their fault in common.</summary>
/// <param name="Text">The fault, without anything of a single record.</param>
/// <param name="RecordCount">How many records had it, as far as they were counted by kind: at least so many.</param>
/// <param name="Partition">The partition of one such record.</param>
/// <param name="Offset">Its offset.</param>
/// <param name="Example">What was said about that record.</param>
public sealed record SkippedKind(string Text, long RecordCount, int Partition, long Offset, string Example)
{
    /// <summary>The fault with its example, without a full stop.</summary>
    public string Describe()
    {
        var example = Example == Text ? "" : $": {Example.TrimEnd('.')}";
        return string.Create(CultureInfo.InvariantCulture, $"{Text.TrimEnd('.')} (for example offset {Offset} of partition {Partition}{example})");
    }
}

/// <summary>
/// The bad records that a commit, or a part of one, skipped: where they lie and what was wrong with them. Bounded in size, with
/// exact counts: where there are too many ranges, those with the smallest gaps between them are joined.
/// </summary>
/// <param name="Ranges">Ascending by partition and offset, without overlap. Their counts add up to the records skipped.</param>
/// <param name="Kinds">The most frequent kinds, the most frequent first.</param>
public sealed record SkippedRecords(ImmutableArray<SkippedRange> Ranges, ImmutableArray<SkippedKind> Kinds)
{
    /// <summary>Ranges to a commit: about 4 KB of text. A commit that skipped in more partitions has one range for each.</summary>
    public const int RangesMax = 128;

    /// <summary>Kinds to a commit: what most records had in common is among them.</summary>
    public const int KindsMax = 4;

    private const int TextCharsMax = 200;

    public static SkippedRecords None { get; } = new([], []);

    public bool IsEmpty => Ranges.IsEmpty;

    public long RecordCount => Ranges.Sum(range => range.RecordCount);

    /// <summary>The parts as one, within the bounds.</summary>
    /// <param name="parts">Of different records.</param>
    public static SkippedRecords Merge(IEnumerable<SkippedRecords> parts)
    {
        var (ranges, kinds) = (new List<SkippedRange>(), new List<SkippedKind>());
        foreach (var part in parts)
        {
            ranges.AddRange(part.Ranges);
            kinds.AddRange(part.Kinds);
        }
        if (ranges.Count == 0) return None;
        ranges.Sort((left, right) => (left.Partition, left.FromOffset).CompareTo((right.Partition, right.FromOffset)));
        Coarsen(ranges, RangesMax);
        var merged = kinds.GroupBy(kind => kind.Text).Select(same => same.First() with { RecordCount = same.Sum(kind => kind.RecordCount) })
            .OrderByDescending(kind => kind.RecordCount).ThenBy(kind => kind.Text, StringComparer.Ordinal).Take(KindsMax);
        return new SkippedRecords([.. ranges], [.. merged]);
    }

    /// <summary>The first ranges in words, and how many more there are.</summary>
    public string Describe(int rangesMax)
    {
        var shown = string.Join(", ", Ranges.Take(rangesMax).Select(range => range.ToString()));
        return Ranges.Length <= rangesMax ? shown : string.Create(CultureInfo.InvariantCulture, $"{shown}, and {Ranges.Length - rangesMax} more ranges");
    }

    /// <summary>
    /// Joins ranges that follow on each other and, where more than <paramref name="countMax"/> are left, also those of one
    /// partition with the smallest gaps between them.
    /// </summary>
    /// <param name="ranges">Ascending by partition and offset.</param>
    internal static void Coarsen(List<SkippedRange> ranges, int countMax)
    {
        Join(ranges, static (before, range) => before.IsWhole && range.IsWhole && before.ToOffset == range.FromOffset);
        var tooMany = ranges.Count - countMax;
        if (tooMany <= 0) return;
        var gaps = new List<long>();
        for (var i = 1; i < ranges.Count; i++)
            if (GapBetween(ranges[i - 1], ranges[i]) is { } gap) gaps.Add(gap);
        if (gaps.Count == 0) return;
        gaps.Sort();
        var widest = gaps[Math.Min(tooMany, gaps.Count) - 1];
        // Of the gaps as wide as the widest one that goes, only as many as must.
        var widestCount = tooMany - gaps.Count(gap => gap < widest);
        Join(ranges, (before, range) => GapBetween(before, range) is { } gap && (gap < widest || gap == widest && widestCount-- > 0));
    }

    private static void Join(List<SkippedRange> ranges, Func<SkippedRange, SkippedRange, bool> areOne)
    {
        var last = 0;
        for (var i = 1; i < ranges.Count; i++)
        {
            var (before, range) = (ranges[last], ranges[i]);
            if (before.Partition == range.Partition && areOne(before, range))
                ranges[last] = before with { ToOffset = Math.Max(before.ToOffset, range.ToOffset), RecordCount = before.RecordCount + range.RecordCount };
            else ranges[++last] = range;
        }
        if (ranges.Count > 0) ranges.RemoveRange(last + 1, ranges.Count - last - 1);
    }

    private static long? GapBetween(SkippedRange before, SkippedRange range) => before.Partition == range.Partition ? range.FromOffset - before.ToOffset : null;

    /// <summary>A text cut to what a ledger holds of one.</summary>
    internal static string Cut(string text)
    {
        if (text.Length <= TextCharsMax) return text;
        var length = char.IsHighSurrogate(text[TextCharsMax - 1]) ? TextCharsMax - 1 : TextCharsMax;
        return text[..length] + "…";
    }
}

/// <summary>What a commit skipped, and of which source.</summary>
public sealed record SkippedLedger(string Source, SkippedRecords Records);
