using Matih.Flink;

namespace Matih.Engine.Tests.Flink;

public sealed class SavepointReaderTests
{
    [Fact]
    public async Task Positions_and_what_was_not_committed_come_out_of_a_savepoint()
    {
        var savepoint = await ReadAsync(SavepointBytes.Of(16, SavepointBytes.Source(("t1", 1, 1392), ("t1", 0, 1428), ("größe.1", 7, 0)), SavepointBytes.Committer(pending: [(14, true), (15, true), (16, false)])));

        Assert.Equal((16, SavepointBytes.Job), (savepoint.CheckpointId, savepoint.JobId));
        Assert.Equal([new("größe.1", 7, 0), new("t1", 0, 1428), new("t1", 1, 1392)], savepoint.Positions);
        Assert.Equal([new SavepointCommitter(SavepointBytes.Operator, 15)], savepoint.Committers);
    }

    [Fact]
    public async Task A_committer_that_had_committed_all_says_so()
    {
        var none = await ReadAsync(SavepointBytes.Of(3, SavepointBytes.Source(("t", 0, 5)), SavepointBytes.Committer(pending: [])));
        var empty = await ReadAsync(SavepointBytes.Of(3, SavepointBytes.Source(("t", 0, 5)), SavepointBytes.Committer(pending: [(3, false)])));

        Assert.Equal([null, null], none.Committers.Concat(empty.Committers).Select(committer => committer.NewestWithFiles));
    }

    [Fact]
    public async Task State_in_a_file_beside_the_metadata_is_read_there()
    {
        var (state, file) = SavepointBytes.StateInFile("7a1c", SavepointBytes.Split("t", 4, 99));
        var metadata = SavepointBytes.Of(2, SavepointBytes.Source(state), SavepointBytes.Committer());

        var savepoint = await new SavepointReader((name, _) => new(name == "7a1c" ? file : metadata)).ReadAsync(default);
        var missing = await Assert.ThrowsAsync<FormatException>(async () => await ReadAsync(metadata));

        Assert.Equal([new SavepointPosition("t", 4, 99)], savepoint.Positions);
        Assert.Equal("The savepoint has no file 7a1c.", missing.Message);
    }

    [Fact]
    public async Task A_savepoint_that_ends_too_early_is_refused_wherever_it_ends()
    {
        var whole = SavepointBytes.Of(16, SavepointBytes.Source(("t1", 1, 1392)), SavepointBytes.Committer(pending: [(16, true)]));

        for (var length = 0; length < whole.Length - 4; length++)
            await Assert.ThrowsAsync<FormatException>(async () => await ReadAsync(whole[..length]));
        await ReadAsync(whole[..^4]);
    }

    [Theory]
    [MemberData(nameof(Unknown))]
    public async Task What_is_not_known_is_refused(string expected, byte[] metadata)
    {
        var refusal = await Assert.ThrowsAsync<FormatException>(async () => await ReadAsync(metadata));

        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, byte[]> Unknown()
    {
        var (source, committer) = (SavepointBytes.Source(("t", 0, 5)), SavepointBytes.Committer());
        return new()
        {
            { "it does not begin with its mark", new byte[64] },
            { "_metadata has version 5 of the format; this program knows 4", SavepointBytes.Of(1, source, committer, version: 5) },
            { "holds state by key", SavepointBytes.Of(1, SavepointBytes.Source(SavepointBytes.State("SourceReaderState", []), hasKeys: true), committer) },
            { "a split of version 1", Of(SavepointBytes.Split("t", 0, 5, version: 1)) },
            { "a split that ends at offset 9", Of(SavepointBytes.Split("t", 0, 5, stop: 9)) },
            { "says offset -2 of partition 0 of topic 't'", Of(SavepointBytes.Split("t", 0, -2)) },
            { "holds partition 0 of topic 't' twice", SavepointBytes.Of(1, SavepointBytes.Source(("t", 0, 5), ("t", 0, 6)), committer) },
            { "compressed operator state", SavepointBytes.Of(1, SavepointBytes.Source(SavepointBytes.State("SourceReaderState", [SavepointBytes.Split("t", 0, 5)], compression: 1)), committer) },
            { "keeps a state called 'streaming_committer_raw_states'", SavepointBytes.Of(1, SavepointBytes.Source(SavepointBytes.State("streaming_committer_raw_states", [])), committer) },
            { "holds no committer of a table", SavepointBytes.Of(1, source, SavepointBytes.Source(("t", 1, 5))) },
            { "committers of several jobs", SavepointBytes.Of(1, SavepointBytes.Committer(job: new string('a', 32)), committer) },
            { "a job id", SavepointBytes.Of(1, source, SavepointBytes.Committer(job: "not a job's id")) },
        };

        byte[] Of(byte[] split) => SavepointBytes.Of(1, SavepointBytes.Source(SavepointBytes.State("SourceReaderState", [split])), committer);
    }

    private static ValueTask<Savepoint> ReadAsync(byte[] metadata) => new SavepointReader((name, _) => new(name == SavepointReader.MetadataFile ? metadata : null)).ReadAsync(default);
}
