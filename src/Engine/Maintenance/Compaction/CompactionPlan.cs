using System.Collections.Immutable;

namespace Matih.Maintenance.Compaction;

/// <summary>What is worth rewriting.</summary>
/// <param name="TargetBytes">The size that files are to have: the table's <c>write.target-file-size-bytes</c>, or the sink's.</param>
/// <param name="BytesMax">Bytes of files that one run rewrites at most; the rest is left to the next one.</param>
public sealed record CompactionTerms(long TargetBytes, long BytesMax)
{
    /// <summary>So many small files of a partition are rewritten that still gets files.</summary>
    public int FileCountMin { get; init; } = 5;

    /// <summary>A partition that got no file for so long is cold: what is small in it is put together once, however little it is.</summary>
    public TimeSpan ColdAge { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Files below three quarters of the target are small, as for other engines.</summary>
    public long SmallBytes => TargetBytes / 4 * 3;
}

/// <summary>Files of one table partition whose rows go into new ones together.</summary>
internal sealed record CompactionGroup(string Partition, ImmutableArray<CompactableFile> Files)
{
    public long LengthBytes { get; } = Files.Sum(file => file.LengthBytes);

    public long RowCount { get; } = Files.Sum(file => file.RowCount);
}

/// <summary>
/// Which files go into new ones together: a pure decision. In a partition that still gets files, a file takes part only where
/// the smaller ones together are as large as it is. Each rewrite then doubles what it touches, so that a row is rewritten a few
/// times and not once an hour, and few files are left: each is larger than all smaller ones together.
/// </summary>
/// <param name="Groups">Those with the most files for their bytes first: they gain most.</param>
/// <param name="LeftGroupCount">Groups beyond the budget, for the next run.</param>
internal sealed record CompactionPlan(ImmutableArray<CompactionGroup> Groups, int LeftGroupCount)
{
    /// <summary>A file that so many delete files may reach is rewritten, whatever its size.</summary>
    private const int DeleteCountMax = 5;

    /// <summary>A file of whose rows one delete file takes a tenth is rewritten.</summary>
    private const int DeletedShare = 10;

    public static CompactionPlan Of(IEnumerable<CompactablePartition> partitions, CompactionTerms terms, long nowMillis)
    {
        var groups = partitions.SelectMany(partition => GroupsOf(partition, terms, nowMillis)).OrderByDescending(group => (double)group.Files.Length / (group.LengthBytes + 1)).ToList();
        var taken = ImmutableArray.CreateBuilder<CompactionGroup>();
        var bytes = 0L;
        foreach (var group in groups)
        {
            // The first is taken in any case: a budget that is too small for any must not stop all.
            if (taken.Count != 0 && bytes + group.LengthBytes > terms.BytesMax) continue;
            taken.Add(group);
            bytes += group.LengthBytes;
        }
        return new CompactionPlan(taken.ToImmutable(), groups.Count - taken.Count);
    }

    private static IEnumerable<CompactionGroup> GroupsOf(CompactablePartition partition, CompactionTerms terms, long nowMillis)
    {
        var isCold = nowMillis - partition.Files.Max(file => file.AddedAtMillis) >= terms.ColdAge.TotalMilliseconds;
        foreach (var file in partition.Files)
            if (file.LengthBytes >= terms.SmallBytes && IsWorn(file, isCold)) yield return Group([file]);

        // By size, so that a group is of like files; of one size in the order of their names, so that two looks give one plan.
        var small = partition.Files.Where(file => file.LengthBytes < terms.SmallBytes).OrderBy(file => file.LengthBytes).ThenBy(file => file.Path, StringComparer.Ordinal).ToList();
        var rest = new List<CompactableFile>();
        var bytes = 0L;
        foreach (var file in small)
        {
            rest.Add(file);
            bytes += file.LengthBytes;
            if (bytes < terms.TargetBytes) continue;
            yield return Group(rest);
            rest = [];
            bytes = 0;
        }
        var count = isCold && rest.Count >= 2 ? rest.Count : LengthOfBalanced(rest, terms.FileCountMin);
        if (count > 0) yield return Group(rest[..count]);
        foreach (var file in rest[count..])
            if (IsWorn(file, isCold)) yield return Group([file]);

        CompactionGroup Group(IReadOnlyList<CompactableFile> files) => new(partition.Name, [.. files]);
    }

    /// <summary>How many of the smallest files go together: the last of them is not larger than all before it.</summary>
    private static int LengthOfBalanced(List<CompactableFile> ascending, int countMin)
    {
        var (best, sum) = (0, 0L);
        for (var i = 0; i < ascending.Count; i++)
        {
            if (i + 1 >= countMin && ascending[i].LengthBytes <= sum) best = i + 1;
            sum += ascending[i].LengthBytes;
        }
        return best;
    }

    private static bool IsWorn(CompactableFile file, bool isCold) =>
        file.Deletes.Length >= DeleteCountMax
        || !file.Deletes.IsEmpty && (isCold || file.Deletes.Any(delete => delete.File.RecordCount >= Math.Max(1, file.RowCount / DeletedShare)));
}
