using System.Collections.Immutable;
using Matih.Iceberg.Manifests;
using Matih.Maintenance.Compaction;

namespace Matih.Engine.Tests.Maintenance.Compaction;

/// <summary>Which files are put together. Sizes are in megabytes, and the target is 100 of them.</summary>
public sealed class CompactionPlanTests
{
    private const long Megabyte = 1 << 20;
    private const long Now = 1_000_000_000_000;

    [Theory]
    [InlineData("1 1 1 1", "")]
    [InlineData("1 1 1 1 1", "1+1+1+1+1")]
    [InlineData("1 1 1 1 1 9", "1+1+1+1+1")]
    [InlineData("1 1 1 1 1 5 9", "1+1+1+1+1+5+9")]
    [InlineData("1 2 4 8 16", "")]
    [InlineData("74 1 74", "1+74+74")]
    [InlineData("76 80 500", "")]
    [InlineData("60 60 1 1 1 1 1", "1+1+1+1+1+60+60")]
    [InlineData("50 50 50 50 50", "50+50 50+50")]
    [InlineData("", "")]
    public void A_partition_that_still_gets_files_is_put_together_from_the_smallest_on(string files, string groups) => Assert.Equal(groups, Plan(files, isCold: false));

    [Theory]
    [InlineData("1 1", "1+1")]
    [InlineData("1 40", "1+40")]
    [InlineData("1", "")]
    [InlineData("1 90", "")]
    [InlineData("60 60 10", "10+60+60")]
    public void A_cold_partition_gets_one_file(string files, string groups) => Assert.Equal(groups, Plan(files, isCold: true));

    [Fact]
    public void A_file_a_minute_is_rewritten_a_few_times_and_few_are_left()
    {
        var files = new List<CompactableFile>();
        var (written, rewritten, most) = (0L, 0L, 0);
        for (var minute = 0; minute < 1_440; minute++)
        {
            files.Add(File(minute + 1, Megabyte, Now));
            written += Megabyte;
            if (minute % 60 != 59) continue;
            foreach (var group in CompactionPlan.Of([new CompactablePartition("", [.. files.Where(file => file.LengthBytes < 75 * Megabyte)])], Terms, Now).Groups)
            {
                rewritten += group.LengthBytes;
                foreach (var file in group.Files) files.Remove(file);
                files.Add(File(10_000 + minute * 10 + files.Count, group.LengthBytes, Now));
            }
            most = Math.Max(most, files.Count - (int)(written / (100 * Megabyte)));
        }

        Assert.InRange(files.Count, 9, 2 * 15);
        Assert.InRange(most, 0, 8);
        Assert.InRange((double)rewritten / written, 0.9, 4);
    }

    [Fact]
    public void Groups_with_the_most_files_for_their_bytes_come_first_and_the_budget_ends_them()
    {
        var plan = CompactionPlan.Of([Partition("few", "20 20 20 20 20"), Partition("many", "1 1 1 1 1 1"), Partition("some", "2 2 2 2 2")], Terms with { BytesMax = 20 * Megabyte }, Now);

        Assert.Equal("many some", string.Join(' ', plan.Groups.Select(group => group.Partition)));
        Assert.Equal(1, plan.LeftGroupCount);
        Assert.Single(CompactionPlan.Of([Partition("few", "20 20 20 20 20")], Terms with { BytesMax = 1 }, Now).Groups);
    }

    [Fact]
    public void A_file_is_rewritten_for_its_deletes_alone_where_they_are_many_or_nothing_else_comes()
    {
        Assert.Equal(0, CountOf(deleteCount: 1, deletedRows: 9, isCold: false));
        Assert.Equal(1, CountOf(deleteCount: 1, deletedRows: 10, isCold: false));
        Assert.Equal(1, CountOf(deleteCount: 5, deletedRows: 1, isCold: false));
        Assert.Equal(1, CountOf(deleteCount: 1, deletedRows: 1, isCold: true));
        Assert.Equal(0, CountOf(deleteCount: 0, deletedRows: 0, isCold: true));

        static int CountOf(int deleteCount, long deletedRows, bool isCold)
        {
            var deletes = Enumerable.Range(0, deleteCount).Select(i => new ManifestEntry(EntryStatus.Added, new SnapshotId(1), 2, 2, new DataFile
            {
                Content = FileContent.PositionDeletes, Path = $"d{i}", SpecId = 0, Partition = [], RecordCount = deletedRows, FileSizeBytes = 1,
            }));
            var file = File(1, 200 * Megabyte, isCold ? 0 : Now) with { Deletes = [.. deletes] };
            return CompactionPlan.Of([new CompactablePartition("", [file])], Terms, Now).Groups.Length;
        }
    }

    private static CompactionTerms Terms => new(100 * Megabyte, long.MaxValue);

    private static string Plan(string files, bool isCold) => string.Join(' ',
        CompactionPlan.Of(files.Length == 0 ? [] : [Partition("p", files, isCold)], Terms, Now).Groups.Select(group => string.Join('+', group.Files.Select(file => file.LengthBytes / Megabyte))));

    private static CompactablePartition Partition(string name, string files, bool isCold = false) =>
        new(name, [.. files.Split(' ').Select((size, i) => File(i, long.Parse(size) * Megabyte, isCold ? Now - 3_600_000 : Now - 3_599_999))]);

    private static CompactableFile File(int number, long bytes, long addedAt) => new($"f{number:D5}", bytes, 100, 0, addedAt, ImmutableArray<ManifestEntry>.Empty);
}
