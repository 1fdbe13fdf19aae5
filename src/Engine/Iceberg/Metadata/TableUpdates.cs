using System.Collections.Immutable;

namespace Matih.Iceberg.Metadata;

/// <summary>Applies changes to metadata: a pure function, the same for every catalog.</summary>
/// <remarks>Source: Apache Iceberg table spec, "Table Metadata", and the REST catalog API's description of each update.</remarks>
internal static class TableUpdates
{
    /// <param name="timestampMillis">When the change is made; an added snapshot's own time wins.</param>
    /// <exception cref="ArgumentException">An update contradicts the table (an unknown snapshot, a sequence number that does not rise).</exception>
    public static TableMetadata Apply(TableMetadata metadata, IReadOnlyList<TableUpdate> updates, long timestampMillis)
    {
        var state = new State(metadata with { LastUpdatedMillis = Math.Max(timestampMillis, metadata.LastUpdatedMillis) });
        foreach (var update in updates) state = Apply(state, update);
        return Tidied(metadata, state);
    }

    private sealed record State(TableMetadata Metadata)
    {
        public int? AddedSchemaId { get; init; }
        public int? AddedSpecId { get; init; }
        public int? AddedOrderId { get; init; }
        public ImmutableArray<SnapshotId> AddedSnapshots { get; init; } = [];
    }

    private static State Apply(State state, TableUpdate update)
    {
        var metadata = state.Metadata;
        switch (update)
        {
            case TableUpdate.AssignUuid(var uuid):
                return state with { Metadata = metadata with { TableUuid = uuid } };
            case TableUpdate.AddSchema(var schema):
                return AddSchema(state, schema);
            case TableUpdate.SetCurrentSchema(var id):
                var schemaId = Resolve(id, state.AddedSchemaId, "schema");
                Require(metadata.Schemas.Any(schema => schema.SchemaId == schemaId), $"The table has no schema {schemaId}.");
                return state with { Metadata = metadata with { CurrentSchemaId = schemaId } };
            case TableUpdate.AddSpec(var spec):
                return AddSpec(state, spec);
            case TableUpdate.SetDefaultSpec(var id):
                var specId = Resolve(id, state.AddedSpecId, "partition spec");
                Require(metadata.FindSpec(specId) is not null, $"The table has no partition spec {specId}.");
                return state with { Metadata = metadata with { DefaultSpecId = specId } };
            case TableUpdate.AddSortOrder(var order):
                Require(metadata.SortOrders.All(known => known.OrderId != order.OrderId), $"The table has a sort order {order.OrderId} already.");
                return state with { Metadata = metadata with { SortOrders = metadata.SortOrders.Add(order) }, AddedOrderId = order.OrderId };
            case TableUpdate.SetDefaultSortOrder(var id):
                var orderId = Resolve(id, state.AddedOrderId, "sort order");
                Require(metadata.SortOrders.Any(order => order.OrderId == orderId), $"The table has no sort order {orderId}.");
                return state with { Metadata = metadata with { DefaultSortOrderId = orderId } };
            case TableUpdate.AddSnapshot(var snapshot):
                return AddSnapshot(state, snapshot);
            case TableUpdate.SetSnapshotRef(var name, var target):
                return state with { Metadata = SetRef(state, name, target) };
            case TableUpdate.RemoveSnapshotRef(var name):
                return state with { Metadata = RemoveRef(metadata, name) };
            case TableUpdate.RemoveSnapshots(var ids):
                return state with { Metadata = RemoveSnapshots(metadata, ids) };
            case TableUpdate.SetProperties(var properties):
                return state with { Metadata = metadata with { Properties = metadata.Properties.SetItems(properties) } };
            case TableUpdate.RemoveProperties(var names):
                return state with { Metadata = metadata with { Properties = metadata.Properties.RemoveRange(names) } };
            default:
                throw new InvalidOperationException($"Unknown update {update}.");
        }
    }

    private static int Resolve(int id, int? added, string what)
    {
        if (id != TableUpdate.LastAdded) return id;
        Require(added is not null, $"No {what} was added by this commit.");
        return added!.Value;
    }

    private static State AddSchema(State state, Schema schema)
    {
        var metadata = state.Metadata;
        if (metadata.Schemas.FirstOrDefault(known => known.IsSameAs(schema)) is { } same) return state with { AddedSchemaId = same.SchemaId };
        var id = metadata.Schemas.IsEmpty ? schema.SchemaId : metadata.Schemas.Max(known => known.SchemaId) + 1;
        return state with
        {
            Metadata = metadata with
            {
                Schemas = metadata.Schemas.Add(schema.WithId(id)),
                LastColumnId = Math.Max(metadata.LastColumnId, schema.HighestFieldId),
            },
            AddedSchemaId = id,
        };
    }

    private static State AddSpec(State state, PartitionSpec spec)
    {
        var metadata = state.Metadata;
        if (metadata.PartitionSpecs.FirstOrDefault(known => known.IsCompatibleWith(spec)) is { } same) return state with { AddedSpecId = same.SpecId };
        var id = metadata.PartitionSpecs.IsEmpty ? spec.SpecId : metadata.PartitionSpecs.Max(known => known.SpecId) + 1;
        return state with
        {
            Metadata = metadata with
            {
                PartitionSpecs = metadata.PartitionSpecs.Add(spec.WithId(id)),
                LastPartitionId = Math.Max(metadata.LastPartitionId, spec.LastFieldId),
            },
            AddedSpecId = id,
        };
    }

    private static State AddSnapshot(State state, Snapshot snapshot)
    {
        var metadata = state.Metadata;
        Require(metadata.FindSnapshot(snapshot.Id) is null, $"The table has a snapshot {snapshot.Id} already.");
        Require(
            metadata.HasSequenceNumbers ? snapshot.SequenceNumber > metadata.LastSequenceNumber : snapshot.SequenceNumber == 0,
            $"Snapshot {snapshot.Id} has sequence number {snapshot.SequenceNumber}; the table is at {metadata.LastSequenceNumber}.");
        Require(
            !metadata.HasRowIds || snapshot.RowIds is { Count: >= 0 } rows && rows.First >= metadata.NextRowId,
            $"Snapshot {snapshot.Id} has {(snapshot.RowIds is { } given ? $"row ids from {given.First}" : "no row ids")}; the table's next is {metadata.NextRowId}.");
        return state with
        {
            Metadata = metadata with
            {
                Snapshots = metadata.Snapshots.Add(snapshot),
                LastSequenceNumber = snapshot.SequenceNumber,
                NextRowId = metadata.HasRowIds && snapshot.RowIds is { } assigned ? assigned.First + assigned.Count : metadata.NextRowId,
                LastUpdatedMillis = snapshot.TimestampMillis,
            },
            AddedSnapshots = state.AddedSnapshots.Add(snapshot.Id),
        };
    }

    private static TableMetadata SetRef(State state, string name, SnapshotRef target)
    {
        var metadata = state.Metadata;
        Require(metadata.FindSnapshot(target.SnapshotId) is not null, $"'{name}' cannot point at snapshot {target.SnapshotId}: the table does not hold it.");
        metadata = metadata with { Refs = metadata.Refs.SetItem(name, target) };
        if (name != SnapshotRef.Main || metadata.CurrentSnapshotId == target.SnapshotId) return metadata;
        return metadata with
        {
            CurrentSnapshotId = target.SnapshotId,
            SnapshotLog = metadata.SnapshotLog.Add(new(metadata.LastUpdatedMillis, target.SnapshotId)),
        };
    }

    private static TableMetadata RemoveRef(TableMetadata metadata, string name) => metadata with
    {
        Refs = metadata.Refs.Remove(name),
        CurrentSnapshotId = name == SnapshotRef.Main ? null : metadata.CurrentSnapshotId,
    };

    private static TableMetadata RemoveSnapshots(TableMetadata metadata, ImmutableArray<SnapshotId> ids)
    {
        var gone = ids.ToHashSet();
        Require(metadata.CurrentSnapshotId is not { } current || !gone.Contains(current), "The current snapshot cannot be removed.");
        // The log tells which snapshot was current when: where one of them is no longer known, all before it says nothing.
        var log = metadata.SnapshotLog;
        var lastGone = log.Count - 1;
        while (lastGone >= 0 && !gone.Contains(log[lastGone].SnapshotId)) lastGone--;
        return metadata with
        {
            Snapshots = metadata.Snapshots.Without(gone),
            Refs = metadata.Refs.RemoveRange(metadata.Refs.Where(entry => gone.Contains(entry.Value.SnapshotId)).Select(entry => entry.Key)),
            SnapshotLog = [.. log.Skip(lastGone + 1)],
            Statistics = [.. metadata.Statistics.Where(entry => entry.SnapshotId is not { } id || !gone.Contains(id))],
            PartitionStatistics = [.. metadata.PartitionStatistics.Where(entry => entry.SnapshotId is not { } id || !gone.Contains(id))],
        };
    }

    /// <summary>Snapshots that this commit made current and then replaced were never current for any reader: the log leaves them out.</summary>
    private static TableMetadata Tidied(TableMetadata before, State state)
    {
        var metadata = state.Metadata;
        var passing = state.AddedSnapshots.Where(id => id != metadata.CurrentSnapshotId).ToHashSet();
        if (passing.Count == 0) return metadata;
        return metadata with
        {
            SnapshotLog = [.. metadata.SnapshotLog.Where((entry, index) => index < before.SnapshotLog.Count || !passing.Contains(entry.SnapshotId))],
        };
    }

    private static void Require(bool condition, string message)
    {
        if (!condition) throw new ArgumentException(message);
    }
}
