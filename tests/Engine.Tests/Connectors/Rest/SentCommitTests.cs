using System.Collections.Immutable;
using Matih.Connectors.Rest;
using Matih.Engine.Tests.Iceberg;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Connectors.Rest;

/// <summary>Why a server can no longer apply a commit, or that it still can: only the second makes a refusal the server's own will.</summary>
public sealed class SentCommitTests
{
    [Theory]
    [InlineData(1, 0, null, 1, 0, 0L, null)]
    [InlineData(1, 0, null, 2, 0, 0L, "the table was raised to format version 2")]
    [InlineData(1, 0, null, 3, 0, 0L, "the table was raised to format version 3")]
    [InlineData(2, 5, null, 2, 4, 0L, null)]
    [InlineData(2, 5, null, 2, 5, 0L, "another commit took sequence number 5")]
    [InlineData(2, 5, null, 3, 4, 0L, "the table was raised to format version 3")]
    [InlineData(3, 5, 10L, 3, 4, 10L, null)]
    [InlineData(3, 5, 10L, 3, 4, 12L, "another commit took row ids from 10 on")]
    [InlineData(3, 5, 10L, 3, 5, 12L, "another commit took sequence number 5")]
    public void A_commit_stays_possible_until_its_numbers_are_taken(int builtFor, long sequence, long? firstRow, int version, long lastSequence, long nextRow, string? obstacle)
    {
        var table = TableMetadataSamples.New(new Schema(0, [])) with { FormatVersion = version, LastSequenceNumber = lastSequence, NextRowId = nextRow };
        var snapshot = new Snapshot(new(7), null, sequence, 2_000, "/list.avro", ImmutableDictionary<string, string>.Empty, 0, firstRow is { } first ? new(first, 3) : null);
        Assert.Equal(builtFor == 3, snapshot.RowIds is not null);

        var commit = new SentCommit([new TableRequirement.AssertTableUuid(table.TableUuid)], [new TableUpdate.AddSnapshot(snapshot)]);

        Assert.Equal(obstacle, commit.FindObstacle(table));
    }
}
