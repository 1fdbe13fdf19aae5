using Matih.Iceberg.Metadata;

namespace Matih.Connectors.Rest;

/// <summary>What the answer to a commit says by itself. A closed family.</summary>
/// <remarks>
/// Servers in use are the reason for each row: a 409 may come for one's own success (the request was sent again on its way, or
/// the server lost an answer of its database), a 400 for a lost race, a 408 for a time-out within the server.
/// </remarks>
internal enum CommitAnswer
{
    /// <summary>It is done, if the table that the answer shows holds it.</summary>
    Applied,

    /// <summary>It was not done: credentials are refused, or there were too many requests.</summary>
    NotApplied,

    /// <summary>Somebody else was first, or it was done all the same, or it is still being done. The table tells.</summary>
    Doubtful,

    /// <summary>The server does not want it, or somebody else was first, or it was done before. The table tells.</summary>
    Refused,

    /// <summary>It may have been done, or may still be.</summary>
    Unknown,
}

/// <summary>Reads answers to commits.</summary>
internal static class CommitAnswers
{
    public static CommitAnswer MeaningOf(RestAnswer answer) => answer.Status switch
    {
        >= 200 and < 300 => CommitAnswer.Applied,
        401 or 403 or 419 or 429 => CommitAnswer.NotApplied,
        408 => CommitAnswer.Unknown,
        409 => CommitAnswer.Doubtful,
        501 => CommitAnswer.Refused,
        >= 300 and < 500 => CommitAnswer.Refused,
        _ => CommitAnswer.Unknown,
    };
}

/// <summary>A commit that was sent, to be looked for in the table.</summary>
internal sealed class SentCommit(IReadOnlyList<TableRequirement> requirements, IReadOnlyList<TableUpdate> updates)
{
    private readonly Snapshot[] _snapshots = [.. updates.OfType<TableUpdate.AddSnapshot>().Select(update => update.Snapshot)];

    /// <summary>Whether the commit leaves a trace by which it can be found. Where it leaves none, only the server's own word counts.</summary>
    public bool CanBeFound => _snapshots.Length != 0;

    private readonly string[] _branches = [.. updates.OfType<TableUpdate.SetSnapshotRef>().Where(update => update.Ref.Kind == SnapshotRefKind.Branch).Select(update => update.Name)];

    /// <summary>Whether the branch that the commit moves stands on the commit's snapshots.</summary>
    public bool IsIn(TableMetadata metadata) =>
        _snapshots.All(snapshot => _branches.Any(branch => metadata.Lineage(branch).Any(known => known.Id == snapshot.Id && known.ManifestList == snapshot.ManifestList)));

    /// <summary>Why a server can no longer apply the commit to the table; null where it still can.</summary>
    /// <param name="metadata">Null for a table that is gone.</param>
    public string? FindObstacle(TableMetadata? metadata)
    {
        if (metadata is null) return "the table is gone, or hidden from this identity";
        foreach (var requirement in requirements)
            if (requirement.Violation(metadata) is { } violation) return violation;
        foreach (var snapshot in _snapshots)
        {
            if (metadata.FindSnapshot(snapshot.Id) is not null) return $"snapshot {snapshot.Id} got into the table, which was then rolled back past it";
            if (metadata.HasSequenceNumbers && metadata.LastSequenceNumber >= snapshot.SequenceNumber)
                return snapshot.SequenceNumber == 0 ? $"the table was raised to format version {metadata.FormatVersion}" : $"another commit took sequence number {snapshot.SequenceNumber}";
            if (!metadata.HasRowIds) continue;
            if (snapshot.RowIds is not { } rows) return $"the table was raised to format version {metadata.FormatVersion}";
            if (rows.First < metadata.NextRowId) return $"another commit took row ids from {rows.First} on";
        }
        return null;
    }
}
