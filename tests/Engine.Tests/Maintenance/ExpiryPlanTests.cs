using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Engine.Tests.Iceberg;
using Matih.Iceberg.Metadata;
using Matih.Maintenance;

namespace Matih.Engine.Tests.Maintenance;

/// <summary>Which snapshots are past their retention. A snapshot's id is its age in days as well, so that 1 is the newest.</summary>
public sealed class ExpiryPlanTests
{
    private const long Day = 24L * 3600 * 1000;
    private const long Now = 1_000 * Day;

    [Fact]
    public void What_is_older_than_five_days_goes_and_the_head_stays_however_old_it_is()
    {
        Assert.Equal("20 6", Expired(Table([20, 6, 5, 1])));
        Assert.Equal("20", Expired(Table([20, 10])));
        Assert.Equal("", Expired(Table([10])));
        Assert.Equal("", Expired(TableMetadataSamples.New(Schema)));
    }

    [Fact]
    public void The_table_s_and_the_branch_s_own_settings_count()
    {
        Assert.Equal("20", Expired(Table([20, 6, 5, 1], ("history.expire.min-snapshots-to-keep", "3"))));
        Assert.Equal("20 6 5 3", Expired(Table([20, 6, 5, 3, 1], ("history.expire.max-snapshot-age-ms", $"{2 * Day}"))));
        var branch = Table([20, 6, 5, 1]);
        Assert.Equal("20 6 5", Expired(branch with { Refs = branch.Refs.SetItem("main", new(new(1), SnapshotRefKind.Branch, MaxSnapshotAgeMillis: 2 * Day)) }));
        Assert.Equal("20", Expired(branch with { Refs = branch.Refs.SetItem("main", new(new(1), SnapshotRefKind.Branch, MinSnapshotsToKeep: 2, MaxSnapshotAgeMillis: 6 * Day)) }));
    }

    [Fact]
    public void What_was_the_head_within_the_last_hour_stays_however_old_it_is()
    {
        var table = Table([20, 10, 1]);
        var moved = table with { Snapshots = [.. table.Snapshots.Select(snapshot => snapshot.Id.Value == 1 ? At(snapshot, Now - 3_600_000) : snapshot)] };
        var late = table with { Snapshots = [.. table.Snapshots.Select(snapshot => snapshot.Id.Value == 1 ? At(snapshot, Now - 3_600_001) : snapshot)] };

        Assert.Equal("20", Expired(moved));
        Assert.Equal("20 10", Expired(late));
        // A shorter retention is meant as it is.
        Assert.Equal(2, ExpiryPlan.Of(moved, Now, TimeSpan.FromMinutes(1)).Snapshots.Length);

        static Snapshot At(Snapshot snapshot, long millis) => new(snapshot.Id, snapshot.ParentId, snapshot.SequenceNumber, millis, snapshot.ManifestList!, new OrderedDictionary<string, string>(snapshot.Summary.ToDictionary()), 0);
    }

    [Fact]
    public void A_tag_keeps_its_snapshot_and_a_branch_its_own_line_until_they_are_too_old()
    {
        var table = Table([30, 20, 10, 1]);
        Assert.Equal("30 10", Expired(table with { Refs = table.Refs.Add("audit", new(new(20), SnapshotRefKind.Tag)) }));
        Assert.Equal("30 20 10; audit", Expired(table with { Refs = table.Refs.Add("audit", new(new(20), SnapshotRefKind.Tag, MaxRefAgeMillis: 19 * Day)) }));
        Assert.Equal("30 10", Expired(table with { Refs = table.Refs.Add("audit", new(new(20), SnapshotRefKind.Tag, MaxRefAgeMillis: 20 * Day)) }));
        Assert.Equal("30 20 10; work", Expired(Table([30, 20, 10, 1], ("history.expire.max-ref-age-ms", $"{2 * Day}")) is var aging ? aging with { Refs = aging.Refs.Add("work", new(new(20), SnapshotRefKind.Branch)) } : null!));
        Assert.Equal("10", Expired(table with { Refs = table.Refs.Add("work", new(new(20), SnapshotRefKind.Branch, MinSnapshotsToKeep: 2)) }));
    }

    [Fact]
    public void What_no_ref_leads_to_has_the_table_s_age_alone()
    {
        var table = Table([10, 1]);
        var aside = table with { Snapshots = table.Snapshots.Add(Snapshot(4, null)).Add(Snapshot(6, null)) };

        Assert.Equal("10 6", Expired(aside));
    }

    [Fact]
    public void The_way_to_the_newest_commit_of_a_pipeline_stays_where_others_have_committed_since()
    {
        var plan = ExpiryPlan.Of(Written(Table([40, 30, 20, 10, 1]), 30), Now);

        Assert.Equal("40", string.Join(' ', plan.Snapshots));
        Assert.Equal(3, plan.HeldForLedgers);
        Assert.Equal("40 30 20", Expired(Written(Table([40, 30, 20, 10, 1]), 10)));
    }

    [Fact]
    public void On_a_branch_the_way_to_the_newest_commit_of_a_pipeline_stays_as_on_main()
    {
        // main: 40 30 1. The branch begins at 40: a pipeline's commit 25, and two of another engine above it.
        var table = Table([40, 30, 1]);
        var branched = table with
        {
            Snapshots = [Snapshot(25, 40, ("matih.writer", "orders/lake")), Snapshot(15, 25), Snapshot(10, 15), .. table.Snapshots],
            Refs = table.Refs.Add("audit", SnapshotRef.NewBranch("audit", new(10))).Add("matih-orders-lake", SnapshotRef.LastingTag(new(25))),
        };

        Assert.DoesNotContain("15", Expired(branched).Split(' '));
        Assert.Contains("15", Expired(branched with { Refs = branched.Refs.Remove("audit") }).Split(' '));
    }

    [Theory]
    [InlineData("orders/lake", "30 20")]
    [InlineData("refunds/lake", "")]
    [InlineData(null, "30 20")]
    public void A_commit_applied_again_stays_in_sight_of_its_pipeline_until_that_has_committed_above_it(string? owner, string kept)
    {
        // 40: the pipeline's commit. 30: another engine applies snapshot 50 again. 20: maintenance, which carries all ledgers forward.
        var table = With(With(Written(Table([40, 30, 20, 10]), 40), 30, ("source-snapshot-id", "50")), 20, ("matih.writer", "maintenance"));
        if (owner is not null) table = table with { Snapshots = [Snapshot(50, null, ("matih.writer", owner)), .. table.Snapshots] };
        if (owner == "refunds/lake") table = With(table, 10, ("matih.writer", owner));

        var expired = Expired(table).Split(' ');

        Assert.Equal(kept, string.Join(' ', new[] { "30", "20" }.Where(id => !expired.Contains(id))));
        Assert.Equal("40", string.Join(' ', expired.Where(id => id == "40")));
    }

    [Fact]
    public void Where_a_pipeline_has_a_tag_and_no_commit_in_the_history_the_whole_history_stays()
    {
        // Rolled back to before the pipeline's first commit: only the way to the first snapshot proves that the table holds none.
        var table = Table([40, 30, 1]);
        var tagged = table with { Snapshots = table.Snapshots.Add(Snapshot(2, 30)), Refs = table.Refs.Add("matih-orders-lake", SnapshotRef.LastingTag(new(2))) };

        Assert.Equal("", Expired(tagged));
        Assert.Equal("40 30", Expired(table));
    }

    [Fact]
    public void What_a_kept_snapshot_was_picked_or_published_from_stays()
    {
        var table = Table([40, 30, 20, 1]);
        var aside = table with { Snapshots = [.. table.Snapshots.Take(3), Snapshot(19, null, ("wap.id", "w")), Snapshot(18, null, ("wap.id", "v")), Snapshot(17, null)] };

        Assert.Equal("40 30 20 18 17", Expired(aside with { Snapshots = aside.Snapshots.Add(Snapshot(1, 20, ("published-wap-id", "w"))) }));
        Assert.Equal("40 30 20 19 18", Expired(aside with { Snapshots = aside.Snapshots.Add(Snapshot(1, 20, ("source-snapshot-id", "17"))) }));
    }

    [Fact]
    public void The_way_to_the_newest_commit_of_a_flink_job_stays_where_others_have_committed_since()
    {
        var written = Table([50, 40, 30, 20, 10, 1]);
        written = With(written, 50, Ledger("orders/lake", new FlinkLedger.Given("j2", "j1", "file:/s")));
        written = With(written, 40, ("flink.job-id", "j1"));
        written = With(With(written, 30, ("flink.job-id", "j2")), 20, ("flink.job-id", "j2"));

        Assert.Equal("50 40 30", Expired(With(written, 10, ("matih.writer", "clicks/lake"), Ledger("orders/lake", new FlinkLedger.Given("j2", "j1", "file:/s")))));
        Assert.Equal("50 40 30 20", Expired(With(written, 10, ("matih.writer", "clicks/lake"), Ledger("orders/lake", new FlinkLedger.TakenBack("j2", 7)))));
    }

    [Fact]
    public void Where_a_flink_job_has_committed_nothing_the_way_to_the_one_before_it_stays()
    {
        var table = With(With(With(Table([50, 40, 30, 20, 10]), 50, ("flink.job-id", "j1")), 40, ("flink.job-id", "j1")), 30, ("flink.job-id", "other"));

        Assert.Equal("50", Expired(With(table, 10, ("matih.writer", "clicks/lake"), Ledger("orders/lake", new FlinkLedger.Given("j2", "j1", "file:/s")))));
        Assert.Equal("50 40", Expired(With(table, 10, ("matih.writer", "clicks/lake"), Ledger("orders/lake", new FlinkLedger.Given("j3")))));
    }

    [Fact]
    public void The_way_to_the_newest_commit_of_a_job_that_only_flink_can_run_stays()
    {
        var table = With(Table([40, 30, 20, 10], ("matih.flink.windows/lake", "j1")), 30, ("flink.job-id", "j1"));

        Assert.Equal("40", Expired(table));
        Assert.Equal("40 30 20", Expired(table with { Properties = TableMetadataSamples.Properties() }));
    }

    private static Schema Schema { get; } = new(0, [new(1, "id", false, new IcebergType.Long())]);

    private static string Expired(TableMetadata table)
    {
        var plan = ExpiryPlan.Of(table, Now);
        return string.Join(' ', plan.Snapshots) + string.Concat(plan.Refs.Select(name => $"; {name}"));
    }

    /// <summary>A line of snapshots, oldest first, whose last one is <c>main</c>.</summary>
    private static TableMetadata Table(int[] days, params (string, string)[] properties)
    {
        var snapshots = days.Select((day, i) => Snapshot(day, i == 0 ? null : days[i - 1])).ToImmutableArray();
        var table = TableMetadataSamples.New(Schema) with { Snapshots = [.. snapshots], CurrentSnapshotId = snapshots[^1].Id, Properties = TableMetadataSamples.Properties(properties) };
        return table with { Refs = table.Refs.Add("main", new(snapshots[^1].Id, SnapshotRefKind.Branch)) };
    }

    private static Snapshot Snapshot(int day, int? parent, params (string Name, string Value)[] summary) => new(
        new(day), parent is { } id ? new SnapshotId(id) : null, 1_000 - day, Now - day * Day, $"/t/snap-{day}.avro", TableMetadataSamples.Properties([("operation", "append"), .. summary]), 0);

    /// <summary>A summary property as every commit of a pipeline carries it.</summary>
    private static (string, string) Ledger(string flow, FlinkLedger flink) => (LedgerKeys.Property(flow), LedgerFormat.Write(LedgerTransitions.Start(new LedgerAuthor(new CommitId(Guid.NewGuid()), new WriterIdentity(Guid.NewGuid(), new WriterHint("host", 7)), "definition", 1_000), "table", new SourceLedger("src", "orders", null, null, "read_committed", []), null, null) with { Flink = flink }, null));

    private static TableMetadata Written(TableMetadata table, int day) => With(table, day, ("matih.writer", "orders/lake"));

    /// <summary>The table, in which the snapshot of that day says this in its summary as well.</summary>
    private static TableMetadata With(TableMetadata table, int day, params (string Name, string Value)[] summary) => table with
    {
        Snapshots = [.. table.Snapshots.Select(snapshot => snapshot.Id.Value == day
            ? Snapshot(day, (int?)snapshot.ParentId?.Value, [.. snapshot.Summary.Where(entry => entry.Key != "operation").Select(entry => (entry.Key, entry.Value)), .. summary])
            : snapshot)],
    };
}
