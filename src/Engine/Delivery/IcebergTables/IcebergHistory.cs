using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Matih.Delivery.Tables;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Delivery.IcebergTables;

/// <summary>The history of an Iceberg table: snapshots, their summaries and tags.</summary>
public class IcebergHistory(Table table) : ITableHistory
{
    public Table Table { get; } = table;

    public TableIdentifier Identifier => Table.Identifier;

    public string TableUuid => Table.Metadata.TableUuid;

    public string Location => Table.Metadata.Location.TrimEnd('/');

    public IStore Store => Table.Store;

    public bool IsConfined => Table.Traits.IsConfined;

    public TableSnapshot? Head => Table.Head is { } head ? Of(head) : null;

    public IEnumerable<TableSnapshot> Snapshots => Table.Metadata.Snapshots.Select(Of);

    public TableSnapshot? Find(SnapshotId id) => Table.Metadata.FindSnapshot(id) is { } found ? Of(found) : null;

    public ImmutableSortedDictionary<string, SnapshotId> Tags => field ??= Table.Metadata.Refs
        .Where(named => named.Key != Table.Branch).ToImmutableSortedDictionary(named => named.Key, named => named.Value.SnapshotId, StringComparer.Ordinal);

    public static TableSnapshot Of(Snapshot snapshot) => new(snapshot.Id, snapshot.ParentId, snapshot.Summary);

    /// <remarks>
    /// Where the catalog keeps no history, the newest commit of a pipeline stands in the table's properties: it comes after what
    /// is known of the commits above it, and where there is none, no pipeline has committed.
    /// </remarks>
    public async IAsyncEnumerable<HistoryStep> WalkAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var newest = NewestCommit.Find(Table);
        await foreach (var step in LineageWalk.WalkAsync(Table, cancellationToken))
        {
            if (step is LineageStep.Found(var snapshot, _))
            {
                if (snapshot.Id == newest?.Id) newest = null;
                yield return new HistoryStep.Found(Of(snapshot));
            }
            else if (Table.Traits.KeepsHistory)
            {
                yield return new HistoryStep.Missing(((LineageStep.Missing)step).SnapshotId);
            }
        }
        if (newest is not null) yield return new HistoryStep.Found(newest);
    }

    /// <remarks>
    /// Source: Iceberg's reference implementation, <c>SnapshotSummary</c>: a cherry-pick names its source in
    /// <c>source-snapshot-id</c>, a published write names in <c>published-wap-id</c> the <c>wap.id</c> that it was staged under.
    /// </remarks>
    public async ValueTask<AppliedAgain?> FindAppliedAgainAsync(TableSnapshot snapshot, CancellationToken cancellationToken)
    {
        if (snapshot.Summary.TryGetValue("source-snapshot-id", out var text) && SnapshotId.Parse(text) is { } sourceId)
            return new AppliedAgain($"snapshot {sourceId}", await FindAnywhereAsync(candidate => candidate.Id == sourceId, cancellationToken));
        if (!snapshot.Summary.TryGetValue("published-wap-id", out var wap)) return null;
        return new AppliedAgain($"staged write '{wap}'", await FindAnywhereAsync(candidate => candidate.Summary.GetValueOrDefault("wap.id") == wap, cancellationToken));
    }

    /// <summary>A snapshot of the table's metadata, or of the older metadata files that it still names.</summary>
    private async ValueTask<TableSnapshot?> FindAnywhereAsync(Func<Snapshot, bool> isWanted, CancellationToken cancellationToken)
    {
        await foreach (var metadata in ReadMetadataAsync(cancellationToken))
            if (metadata.Snapshots.FirstOrDefault(isWanted) is { } found) return Of(found);
        return null;
    }

    public async IAsyncEnumerable<IReadOnlyDictionary<string, string>> ReadAllSummariesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (NewestCommit.Find(Table) is { } newest) yield return newest.Summary;
        await foreach (var metadata in ReadMetadataAsync(cancellationToken))
            foreach (var snapshot in metadata.Snapshots) yield return snapshot.Summary;
    }

    /// <summary>The table's metadata, and then the older metadata files that it still names, the newest first.</summary>
    private async IAsyncEnumerable<TableMetadata> ReadMetadataAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return Table.Metadata;
        foreach (var entry in Table.Metadata.MetadataLog.Reverse())
            if (await LineageWalk.LoadMetadataAsync(Table, entry.MetadataFile, cancellationToken) is { } older) yield return older;
    }
}
