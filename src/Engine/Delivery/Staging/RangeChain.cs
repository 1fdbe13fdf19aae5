namespace Matih.Delivery.Staging;

/// <summary>What follows on a position, as far as staged ranges tell.</summary>
internal abstract record ChainStep
{
    private ChainStep() { }

    /// <summary>This range begins at the position.</summary>
    public sealed record Take(RangeName Range) : ChainStep;

    /// <summary>Nothing begins at the position, but up to here somebody has read past it: only Kafka can fill this.</summary>
    public sealed record Missing(long ToOffset) : ChainStep;

    /// <summary>Nobody has staged anything past the position.</summary>
    public sealed record End : ChainStep;
}

/// <summary>
/// Puts staged ranges of one partition into a row. A range counts only if it begins at the position, and among several the
/// one that reaches furthest; one that straddles the position is never used, because half of its rows are in the table.
/// </summary>
internal static class RangeChain
{
    /// <param name="ranges">The usable ranges of the partition, in any order.</param>
    public static ChainStep Next(IEnumerable<RangeName> ranges, long position)
    {
        RangeName? best = null;
        var missingEnd = long.MaxValue;
        foreach (var range in ranges)
        {
            if (range.ToOffset <= position) continue;
            if (range.FromOffset != position) missingEnd = Math.Min(missingEnd, range.FromOffset > position ? range.FromOffset : range.ToOffset);
            else if (best is null || range.ToOffset > best.ToOffset) best = range;
        }
        if (best is not null) return new ChainStep.Take(best);
        return missingEnd == long.MaxValue ? new ChainStep.End() : new ChainStep.Missing(missingEnd);
    }

    /// <summary>The chain that begins at the position.</summary>
    public static IEnumerable<RangeName> From(IReadOnlyCollection<RangeName> ranges, long position)
    {
        for (; Next(ranges, position) is ChainStep.Take(var range); position = range.ToOffset) yield return range;
    }

    /// <summary>Where the chain ends that begins at the position: a reader goes on from there.</summary>
    public static long EndOf(IReadOnlyCollection<RangeName> ranges, long position) => From(ranges, position).LastOrDefault()?.ToOffset ?? position;
}
