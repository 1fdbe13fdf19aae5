using System.Collections.Immutable;
using Matih.Delivery.Tables;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;

namespace Matih.Delivery.IcebergTables;

/// <summary>A prepared snapshot.</summary>
internal sealed class IcebergChange(ICatalog catalog, PreparedChange change, ImmutableArray<WrittenFile> files) : ITableChange
{
    public SnapshotId SnapshotId => change.SnapshotId;

    public ImmutableArray<WrittenFile> Files => files;

    public async ValueTask<ChangeBuild> BuildAsync(ITableVersion table, ChangeTerms terms, CancellationToken cancellationToken)
    {
        var current = ((IcebergVersion)table).Table;
        TableUpdate[] pins = !current.Traits.KeepsHistory ? NewestCommit.Updates(current.Metadata, SnapshotId, terms.Summary) :
        [
            .. terms.RemovedTags.Select(tag => new TableUpdate.RemoveSnapshotRef(tag)),
            new TableUpdate.SetSnapshotRef(terms.Tag, SnapshotRef.LastingTag(SnapshotId)),
        ];
        var attempt = await change.AttemptAsync(current, current.Metadata.NextTimestampMillis(terms.Now), terms.Summary, pins, cancellationToken);
        return attempt is ChangeAttempt.Ready ready
            ? new ChangeBuild.Ready(new Attempt(catalog, current, SnapshotId, ready, terms.KeepsShape))
            : new ChangeBuild.Refused(FaultOf(attempt)!);
    }

    public static FileFault? FaultOf(ChangeAttempt? attempt) => attempt switch
    {
        ChangeAttempt.FilesGone gone => new FileFault.Gone(gone.Paths),
        ChangeAttempt.RowsDeleted deleted => new FileFault.RowsDeleted(deleted.Path, deleted.DeleteFilePath),
        _ => null,
    };

    private sealed class Attempt(ICatalog catalog, Table table, SnapshotId snapshotId, ChangeAttempt.Ready built, bool keepsShape) : IChangeAttempt
    {
        public SnapshotId? ParentId => built.Snapshot.ParentId;

        public ImmutableArray<string> WrittenLocations => built.WrittenLocations;

        public ImmutableArray<string> UnusedLocations => built.UnusedLocations;

        public bool StandsIn(ITableVersion version) =>
            built.Snapshot.ManifestList == ((IcebergVersion)version).Table.Metadata.FindSnapshot(snapshotId)?.ManifestList;

        /// <summary>A catalog that gets a request late must refuse files of another schema then, even where no snapshot was added meanwhile.</summary>
        private IEnumerable<TableRequirement> Shape => keepsShape
            ? [new TableRequirement.AssertCurrentSchemaId(table.Metadata.CurrentSchemaId), new TableRequirement.AssertDefaultSpecId(table.Metadata.DefaultSpecId)]
            : [];

        /// <remarks>A catalog keeps tables that it has committed, for all who load them: which branch one of these means is not among what it keeps.</remarks>
        public async ValueTask<AttemptResult> CommitAsync(CancellationToken cancellationToken) =>
            await catalog.CommitAsync(table with { Branch = SnapshotRef.Main }, [.. built.Requirements, .. Shape], built.Updates, cancellationToken) switch
            {
                CommitResult.Committed committed => new AttemptResult.Committed(new IcebergVersion(catalog, committed.Table with { Branch = table.Branch })),
                CommitResult.Conflict conflict => new AttemptResult.Conflict(conflict.Reason),
                CommitResult.Unknown unknown => new AttemptResult.Unknown(unknown.Cause),
                var other => throw new InvalidOperationException($"Unknown result {other}."),
            };
    }
}
