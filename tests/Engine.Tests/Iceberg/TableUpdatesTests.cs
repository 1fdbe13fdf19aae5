using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Iceberg;

public sealed class TableUpdatesTests
{
    private static readonly Schema Schema = new(0, [new(1, "id", true, new IcebergType.Long())]);
    private readonly TableMetadata _table = TableMetadataSamples.New(Schema);

    [Fact]
    public void Moving_main_makes_the_snapshot_current_and_logs_it()
    {
        var table = Add(_table, 5, null, 1);

        Assert.Equal(new SnapshotId(5), table.CurrentSnapshotId);
        Assert.Equal(new SnapshotLogEntry(2_000, new(5)), Assert.Single(table.SnapshotLog));
        Assert.Equal((1, 2_000), (table.LastSequenceNumber, table.LastUpdatedMillis));
    }

    [Fact]
    public void A_sequence_number_that_does_not_rise_is_refused() =>
        Assert.Throws<ArgumentException>(() => Add(Add(_table, 5, null, 1), 6, 5, 1));

    [Fact]
    public void A_snapshot_id_that_is_taken_is_refused() => Assert.Throws<ArgumentException>(() => Add(Add(_table, 5, null, 1), 5, 5, 2));

    [Fact]
    public void A_ref_to_an_unknown_snapshot_is_refused() =>
        Assert.Throws<ArgumentException>(() => Apply(_table, new TableUpdate.SetSnapshotRef("tag", SnapshotRef.LastingTag(new(9)))));

    [Fact]
    public void Of_two_snapshots_in_one_commit_only_the_last_was_ever_current()
    {
        var table = Apply(
            _table,
            new TableUpdate.AddSnapshot(TableMetadataSamples.Snapshot(5, null, 1)), MoveMain(5),
            new TableUpdate.AddSnapshot(TableMetadataSamples.Snapshot(6, 5, 2, 3_000)), MoveMain(6));

        Assert.Equal(2, table.Snapshots.Length);
        Assert.Equal(new SnapshotId(6), Assert.Single(table.SnapshotLog).SnapshotId);
    }

    [Fact]
    public void Expired_snapshots_take_their_refs_and_the_log_before_them_along()
    {
        var table = Add(Add(Add(_table, 5, null, 1), 6, 5, 2), 7, 6, 3);
        table = Apply(table, new TableUpdate.SetSnapshotRef("old", SnapshotRef.LastingTag(new(6))));

        table = Apply(table, new TableUpdate.RemoveSnapshots([new(6)]));

        Assert.Equal([5, 7], table.Snapshots.Select(item => item.Id.Value));
        Assert.DoesNotContain("old", table.Refs.Keys);
        Assert.Equal(new SnapshotId(7), Assert.Single(table.SnapshotLog).SnapshotId);
    }

    [Fact]
    public void The_current_snapshot_cannot_be_expired() =>
        Assert.Throws<ArgumentException>(() => Apply(Add(_table, 5, null, 1), new TableUpdate.RemoveSnapshots([new(5)])));

    [Fact]
    public void A_schema_is_added_under_the_next_id_and_reused_when_equal()
    {
        var wider = new Schema(0, [.. Schema.Fields, new(2, "more", false, new IcebergType.String())]);

        var table = Apply(_table, new TableUpdate.AddSchema(wider), new TableUpdate.SetCurrentSchema(TableUpdate.LastAdded));
        var again = Apply(table, new TableUpdate.AddSchema(Schema), new TableUpdate.SetCurrentSchema(TableUpdate.LastAdded));

        Assert.Equal((1, 2, 2), (table.CurrentSchemaId, table.LastColumnId, table.Schemas.Length));
        Assert.Equal((0, 2, 2), (again.CurrentSchemaId, again.LastColumnId, again.Schemas.Length));
    }

    [Fact]
    public void A_spec_is_added_under_the_next_id_and_reused_when_equal()
    {
        var spec = new PartitionSpec(0, [new(1, 1000, "id_bucket", new Transform.Bucket(4))]);

        var table = Apply(_table, new TableUpdate.AddSpec(spec), new TableUpdate.SetDefaultSpec(TableUpdate.LastAdded), new TableUpdate.AddSpec(spec));

        Assert.Equal((1, 1000, 2), (table.DefaultSpecId, table.LastPartitionId, table.PartitionSpecs.Length));
    }

    [Fact]
    public void Properties_are_set_and_removed()
    {
        var table = Apply(_table, new TableUpdate.SetProperties(TableMetadataSamples.Properties(("a", "1"), ("b", "2"))), new TableUpdate.RemoveProperties(["a"]));

        Assert.Equal("b", Assert.Single(table.Properties).Key);
    }

    [Fact]
    public void The_clock_may_jump_back_without_the_table_s_time_doing_so()
    {
        var table = TableUpdates.Apply(_table, [new TableUpdate.RemoveProperties([])], 5);

        Assert.Equal(1_000, table.LastUpdatedMillis);
        Assert.Equal(1_001, table.NextTimestampMillis(DateTimeOffset.FromUnixTimeMilliseconds(7)));
        Assert.Equal(9_000, table.NextTimestampMillis(DateTimeOffset.FromUnixTimeMilliseconds(9_000)));
    }

    public static TheoryData<TableRequirement, string> Violations => new()
    {
        { new TableRequirement.AssertCreate(), "the table exists already" },
        { new TableRequirement.AssertTableUuid("other"), "table uuid: expected other, found 11111111-2222-3333-4444-555555555555" },
        { new TableRequirement.AssertRefSnapshotId("main", null), "snapshot of 'main': expected none, found 5" },
        { new TableRequirement.AssertRefSnapshotId("main", new(6)), "snapshot of 'main': expected 6, found 5" },
        { new TableRequirement.AssertRefSnapshotId("tag", new(6)), "snapshot of 'tag': expected 6, found none" },
        { new TableRequirement.AssertLastAssignedFieldId(2), "last column id: expected 2, found 1" },
        { new TableRequirement.AssertCurrentSchemaId(2), "current schema id: expected 2, found 0" },
        { new TableRequirement.AssertLastAssignedPartitionId(2), "last partition field id: expected 2, found 999" },
        { new TableRequirement.AssertDefaultSpecId(2), "default partition spec id: expected 2, found 0" },
        { new TableRequirement.AssertDefaultSortOrderId(2), "default sort order id: expected 2, found 0" },
    };

    [Theory]
    [MemberData(nameof(Violations))]
    public void A_requirement_that_does_not_hold_says_so(TableRequirement requirement, string violation) =>
        Assert.Equal(violation, requirement.Violation(Add(_table, 5, null, 1)));

    [Fact]
    public void Requirements_that_hold_are_silent()
    {
        var table = Add(_table, 5, null, 1);

        Assert.Null(new TableRequirement.AssertCreate().Violation(null));
        Assert.Null(new TableRequirement.AssertRefSnapshotId("main", new(5)).Violation(table));
        Assert.Null(new TableRequirement.AssertRefSnapshotId("tag", null).Violation(table));
        Assert.Equal("the table is gone", new TableRequirement.AssertTableUuid("x").Violation(null));
    }

    private static TableUpdate.SetSnapshotRef MoveMain(long id) => new(SnapshotRef.Main, new SnapshotRef(new(id), SnapshotRefKind.Branch));

    private static TableMetadata Add(TableMetadata table, long id, long? parent, long sequence) =>
        Apply(table, new TableUpdate.AddSnapshot(TableMetadataSamples.Snapshot(id, parent, sequence)), MoveMain(id));

    private static TableMetadata Apply(TableMetadata table, params TableUpdate[] updates) => TableUpdates.Apply(table, updates, 0);
}
