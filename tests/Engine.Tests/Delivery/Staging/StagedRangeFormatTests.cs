using System.Text;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;
using Matih.Delivery.Staging;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Planning;

namespace Matih.Engine.Tests.Delivery;

public sealed class StagedRangeFormatTests
{
    [Fact]
    public async Task A_range_is_read_back_as_it_was_written()
    {
        using var flow = new FlowHarness();
        var (table, range) = await SampleAsync(flow);

        var read = StagedRangeFormat.Read(StagedRangeFormat.Write(range, Key, table), range.NameIn("f"), Key, table);

        Assert.Equal(range.Entry, read.Entry);
        Assert.Equal(range.Books, read.Books);
        Assert.Equal(range.Skipped.Ranges.AsEnumerable(), read.Skipped.Ranges.AsEnumerable());
        Assert.Equal(range.Skipped.Kinds.AsEnumerable(), read.Skipped.Kinds.AsEnumerable());
        Assert.Equal((range.Run, range.StagedAtMillis), (read.Run, read.StagedAtMillis));
        var (before, after) = (((IcebergFile)range.Files.Single()).File, ((IcebergFile)read.Files.Single()).File);
        Assert.Equal((before.Path, before.RecordCount, before.FileSizeBytes, before.SpecId), (after.Path, after.RecordCount, after.FileSizeBytes, after.SpecId));
        Assert.Equal(before.LowerBounds!.Value.Select(bound => Convert.ToHexString(bound.Value)), after.LowerBounds!.Value.Select(bound => Convert.ToHexString(bound.Value)));
        Assert.Equal(before.ValueCounts!.Value, after.ValueCounts!.Value);
        Assert.Equal(before.SplitOffsets!.Value, after.SplitOffsets!.Value);
    }

    [Theory]
    [InlineData("\"v\":1", "\"v\":2", "it has format version 2, this program knows 1")]
    [InlineData("pipeline/sink", "pipeline/other", "it was staged under another key")]
    [InlineData("\"range\":[3,100", "\"range\":[3,101", "it holds offsets 101 to 200 of partition 3, its name says otherwise")]
    [InlineData("\"filtered\":35", "\"filtered\":36", "it holds 60 records, of which the fates of 61 are known")]
    [InlineData("[3,150,154]", "[3,150,155]", "its books say 5 skipped records, and it lists 6")]
    [InlineData("[3,150,154]", "[3,198,202]", "it lists skipped records outside of its offsets")]
    [InlineData("\"rows\":20,\"files\":1", "\"rows\":20,\"files\":2", "its books say 20 rows in 2 files, and it lists 20 in 1")]
    public async Task A_range_that_contradicts_itself_its_name_or_its_key_is_refused(string part, string changed, string reason)
    {
        using var flow = new FlowHarness();
        var (table, range) = await SampleAsync(flow);
        var text = Encoding.UTF8.GetString(StagedRangeFormat.Write(range, Key, table));
        var edited = Encoding.UTF8.GetBytes(text.Replace(part, changed, StringComparison.Ordinal));
        Assert.NotEqual(text.Length, text.Replace(part, "", StringComparison.Ordinal).Length);

        var refusal = Assert.Throws<FormatException>(() => StagedRangeFormat.Read(edited, range.NameIn("f"), Key, table));

        Assert.Equal(reason, refusal.Message);
    }

    [Fact]
    public async Task What_a_member_of_an_older_version_skipped_lies_somewhere_in_its_range()
    {
        using var flow = new FlowHarness();
        var (table, range) = await SampleAsync(flow);
        var old = StagedRangeFormat.Write(range with { Skipped = SkippedRecords.None }, Key, table);

        var read = StagedRangeFormat.Read(old, range.NameIn("f"), Key, table);

        Assert.Equal([new SkippedRange(3, 100, 200, 5)], read.Skipped.Ranges);
        Assert.Empty(read.Skipped.Kinds);
    }

    [Fact]
    public async Task The_files_of_a_range_are_known_without_its_key_and_not_those_of_another_version()
    {
        using var flow = new FlowHarness();
        var (table, range) = await SampleAsync(flow);
        var bytes = StagedRangeFormat.Write(range, Key, table);
        var newer = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(bytes).Replace("\"v\":1", "\"v\":2", StringComparison.Ordinal));

        Assert.Equal(range.Files.Select(file => file.Location), StagedRangeFormat.ReadPaths(bytes));
        Assert.Equal("it has format version 2, this program knows 1", Assert.Throws<FormatException>(() => StagedRangeFormat.ReadPaths(newer)).Message);
        for (var length = 0; length < bytes.Length; length += 97) Assert.Throws<FormatException>(() => StagedRangeFormat.ReadPaths(bytes[..length]));
    }

    [Fact]
    public async Task A_range_that_was_cut_short_is_refused()
    {
        using var flow = new FlowHarness();
        var (table, range) = await SampleAsync(flow);
        var bytes = StagedRangeFormat.Write(range, Key, table);

        for (var length = 0; length < bytes.Length; length += 97)
            Assert.Throws<FormatException>(() => StagedRangeFormat.Read(bytes[..length], range.NameIn("f"), Key, table));
    }

    private static StagingKey Key { get; } = new(new FlowName("pipeline", "sink"), "u", "t", "c", null, "read_committed", 3, "d", "0\n0");

    /// <summary>A table with one data file, whose description stands for a staged file's.</summary>
    private static async Task<(IcebergVersion Table, StagedRange Range)> SampleAsync(FlowHarness flow)
    {
        flow.Produce(0, 40);
        flow.Overrides.Add("orchestration.parallelism=1");
        await flow.CatchUpAsync();
        var table = await flow.TableAsync();
        var file = (await SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default))[0] with { RecordCount = 20 };
        var entry = new PartitionLedger(3, 100, 200, 60, new Fingerprint(199, 5, 77), 9);
        return (new IcebergVersion(flow.OpenCatalog(null!, flow.Store), table), new StagedRange(entry, new Books(20, 35, 0, 0, 5, 0, 20, 1), [new IcebergFile(file)], Guid.Parse("11111111-2222-3333-4444-555555555555"), 42)
        {
            Skipped = new SkippedRecords([new SkippedRange(3, 110, 120, 1), new SkippedRange(3, 150, 154, 4)], [new SkippedKind("wrong", 5, 3, 115, "wrong: 'x'")]),
        });
    }
}
