using Matih.Delivery;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Delivery;

/// <summary>docs/delivery.md, "Adoption": a renamed pipeline takes over the ledger of its old name, and nobody doubles a record.</summary>
public sealed class AdoptionTests
{
    private static OpenAnswers Adopt(string answer) => new(Adopt: answer);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Adoption_that_the_old_pipeline_overtakes_doubles_nothing(bool isAtTheCompareAndSet)
    {
        using var flow = new FlowHarness();
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Produce(10, 10);
        using var renamed = flow.Another(pipeline: "purchases");
        var hasRun = 0;
        if (isAtTheCompareAndSet)
        {
            renamed.Store.Before(".metadata.json", () => flow.CatchUpAsync());
        }
        else
        {
            renamed.OnSource = source => source.BeforeProbe = () =>
            {
                if (Interlocked.Exchange(ref hasRun, 1) == 0) Task.Run(() => flow.CatchUpAsync()).GetAwaiter().GetResult();
            };
        }

        await renamed.CatchUpAsync(Adopt("orders"));

        await renamed.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_ledger_that_two_pipelines_adopt_goes_to_one_and_the_other_learns_who_took_it()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Produce(10, 10);
        using var one = flow.Another(pipeline: "purchases");
        using var two = flow.Another(pipeline: "sales");
        one.Store.Before(".metadata.json", () => two.CatchUpAsync(Adopt("orders")));

        var refusal = await one.RefusalAsync(Adopt("orders"));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Equal("--adopt orders: sales/lake has taken over the ledger of orders/lake in table shop.orders before.", refusal.Message);
        await two.AssertHoldsWholeTopicAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_pipeline_that_was_adopted_learns_who_continues_also_once_that_commit_has_expired(bool hasExpired)
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        using var renamed = flow.Another(pipeline: "purchases");
        await renamed.CatchUpAsync(Adopt("orders"));
        flow.Produce(10, 10);
        await renamed.CatchUpAsync();
        if (hasExpired) await ExpireAsync(flow);

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.StartsWith("purchases/lake has taken over the ledger of orders/lake in table shop.orders", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("matih-orders-lake", (await flow.TableAsync()).Metadata.Refs.Keys);
        await renamed.AssertHoldsWholeTopicAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_reset_of_a_pipeline_that_was_adopted_gives_no_generation_or_epoch_out_twice(bool isCherryPicked)
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        await flow.CatchUpAsync(new OpenAnswers(Reset: true));
        var before = await flow.LedgerAsync();
        using var renamed = flow.Another(pipeline: "purchases");
        var ours = await flow.HeadAsync();
        await renamed.CatchUpAsync(Adopt("orders"));
        if (isCherryPicked) await flow.ForeignAppendAsync(("source-snapshot-id", ours.ToString()));

        await flow.CatchUpAsync(new OpenAnswers(Reset: true));

        var after = await flow.LedgerAsync();
        Assert.True(after.Generation > before.Generation);
        Assert.True(after.Epoch.CompareTo(before.Epoch) > 0);
    }

    [Fact]
    public async Task A_ledger_can_be_taken_back_under_the_old_name()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        using var renamed = flow.Another(pipeline: "purchases");
        await renamed.CatchUpAsync(Adopt("orders"));
        flow.Produce(10, 10);

        await flow.CatchUpAsync(Adopt("purchases"));
        var refusal = await renamed.RefusalAsync();

        Assert.StartsWith("orders/lake has taken over the ledger of purchases/lake", refusal.Message, StringComparison.Ordinal);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Each_sink_of_a_renamed_pipeline_takes_over_the_ledger_of_its_name()
    {
        using var flow = await TwoSinksApartAsync();
        using var renamed = flow.Another(pipeline: "purchases");

        await renamed.CatchUpAsync(Adopt("orders"));

        await AssertTwiceAsync(renamed, 20);
    }

    [Fact]
    public async Task Sinks_of_other_names_are_asked_for_and_matched_as_the_answer_says()
    {
        using var flow = await TwoSinksApartAsync();
        using var renamed = flow.Another(pipeline: "purchases");
        renamed.Definition = flow.Definition.Replace("  lake:", "  main:", StringComparison.Ordinal).Replace("  copy:", "  second:", StringComparison.Ordinal);

        var refusal = await renamed.RefusalAsync(Adopt("orders"));
        var unknown = await renamed.RefusalAsync(Adopt("lake=orders/lake"));
        await renamed.CatchUpAsync(Adopt("main=orders/lake, second=orders/copy"));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("it is not clear which ledger sink", refusal.Message, StringComparison.Ordinal);
        Assert.StartsWith("--adopt lake=orders/lake: the definition has no sink 'lake'.", unknown.Message, StringComparison.Ordinal);
        await AssertTwiceAsync(renamed, 20);
    }

    [Fact]
    public async Task A_renamed_pipeline_is_adopted_although_old_snapshots_have_expired()
    {
        using var flow = await WithoutFirstSnapshotsAsync();
        using var renamed = flow.Another(pipeline: "purchases");

        await renamed.CatchUpAsync(Adopt("orders"));

        await renamed.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_new_pipeline_starts_on_a_table_whose_old_snapshots_have_expired()
    {
        using var flow = await WithoutFirstSnapshotsAsync();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        other.Produce(0, 10);

        await other.CatchUpAsync();

        Assert.Equal(50, (await other.RowsAsync()).Count);
    }

    [Fact]
    public async Task Adoption_by_a_pipeline_that_has_begun_by_itself_is_refused_because_it_would_resume_beside_the_old_one()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        using var renamed = flow.Another(pipeline: "purchases");
        renamed.Overrides.Add("orchestration.checkpoint_interval=1h");
        await renamed.RunUntilKilledAsync(() => Task.FromResult(renamed.CountOf("started") == 1));
        using var third = flow.Another(pipeline: "sales");

        var refusal = await renamed.RefusalAsync(Adopt("orders"));
        await third.CatchUpAsync(Adopt("orders"));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.EndsWith("the ledger of orders/lake is not taken over.", refusal.Message, StringComparison.Ordinal);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task The_same_answer_at_later_starts_changes_nothing()
    {
        using var flow = await TwoSinksApartAsync();
        using var renamed = flow.Another(pipeline: "purchases");
        await renamed.CatchUpAsync(Adopt("orders"));
        flow.Produce(20, 10);

        await renamed.CatchUpAsync(Adopt("orders"));

        await AssertTwiceAsync(renamed, 30);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_ledger_above_which_a_commit_was_applied_again_is_not_adopted(bool isAtTheCompareAndSet)
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var ours = await flow.HeadAsync();
        using var renamed = flow.Another(pipeline: "purchases");
        if (isAtTheCompareAndSet) renamed.Store.Before(".metadata.json", () => flow.ForeignAppendAsync(("source-snapshot-id", ours.ToString())));
        else await flow.ForeignAppendAsync(("source-snapshot-id", ours.ToString()));

        var refusal = await renamed.RefusalAsync(Adopt("orders"));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains($"re-applies snapshot {ours}, which carried records of orders/lake", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain((await flow.TableAsync()).Metadata.Snapshots, snapshot => snapshot.Summary.ContainsKey("matih.ledger.purchases/lake"));
    }

    [Fact]
    public async Task A_commit_of_a_pipeline_that_was_taken_over_counts_as_the_taker_s_when_it_is_applied_again()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var first = await flow.HeadAsync();
        using var renamed = flow.Another(pipeline: "purchases");
        await renamed.CatchUpAsync(Adopt("orders"));
        using var last = flow.Another(pipeline: "sales");
        await last.CatchUpAsync(Adopt("purchases"));
        await flow.ForeignAppendAsync(("source-snapshot-id", first.ToString()));

        var refusal = await last.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains($"re-applies snapshot {first}, which carried records of sales/lake", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reset_and_adopt_contradict_each_other()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        using var renamed = flow.Another(pipeline: "purchases");

        var refusal = await renamed.RefusalAsync(new OpenAnswers(Reset: true, Adopt: "orders"));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Adoption_on_a_table_that_does_not_exist_creates_none_and_nothing_is_taken_over_for_the_other_sinks()
    {
        using var flow = new FlowHarness { Definition = SeveralSinksTests.TwoSinks };
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        using var renamed = flow.Another(pipeline: "purchases");
        renamed.Definition = flow.Definition.Replace("  copy:", "  fresh: { type: iceberg, input: typed, table: shop.fresh, mode: append }\n  copy:", StringComparison.Ordinal);
        var before = await flow.HeadAsync();

        var refusal = await renamed.RefusalAsync(Adopt("orders"));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.False(Directory.Exists($"{flow.Warehouse}/shop/fresh"));
        Assert.Equal(before, await flow.HeadAsync());
        await renamed.CatchUpAsync(Adopt("lake=orders/lake, copy=orders/copy"));
        foreach (var table in (string[])["shop.orders", "shop.copies", "shop.fresh"]) Assert.Equal(10, (await flow.RowsAsync(table)).Count);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(200)]
    public async Task Adoption_that_lands_without_an_answer_and_is_tried_again_doubles_nothing(int partitionCount)
    {
        using var flow = new FlowHarness(partitionCount);
        flow.Produce(0, 400);
        await flow.CatchUpAsync();
        flow.Produce(400, 400);
        using var renamed = flow.Another(pipeline: "purchases");
        renamed.Clock.Speed = 20;
        renamed.Overrides.Add("orchestration.max_retries=5");
        var isGone = false;
        renamed.Store.After(".metadata.json", () =>
        {
            isGone = true;
            throw new IOException("connection reset");
        });
        renamed.Store.IsDown = _ => isGone && renamed.CountOf("retrying") == 0;

        await renamed.CatchUpAsync(Adopt("orders"));

        Assert.Equal(1, renamed.CountOf("retrying"));
        await renamed.AssertHoldsWholeTopicAsync();
    }

    /// <summary>Two sinks into one table, of which "copy" is 10 records ahead of "lake".</summary>
    private static async Task<FlowHarness> TwoSinksApartAsync()
    {
        var flow = new FlowHarness(partitionCount: 1) { Definition = SeveralSinksTests.TwoSinks.Replace("shop.copies", "shop.orders", StringComparison.Ordinal) };
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var both = flow.Definition;
        flow.Definition = string.Join('\n', both.Split('\n').Where(line => !line.Contains("  lake:", StringComparison.Ordinal)));
        flow.Produce(10, 10);
        await flow.CatchUpAsync();
        flow.Definition = both;
        return flow;
    }

    private static async Task AssertTwiceAsync(FlowHarness flow, int recordCount)
    {
        var rows = (await flow.RowsAsync()).CountBy(row => row.Offset).ToList();
        Assert.Equal(recordCount, rows.Count);
        Assert.All(rows, row => Assert.Equal(2, row.Value));
    }

    /// <summary>A table that is some weeks old: only the newest snapshot is left, and nothing tells of the others.</summary>
    private static async Task<FlowHarness> WithoutFirstSnapshotsAsync()
    {
        var flow = new FlowHarness();
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        for (var round = 0; round < 4; round++)
        {
            flow.Produce(round * 10, 10);
            await flow.CatchUpAsync();
        }
        await ExpireAsync(flow);
        return flow;
    }

    private static async Task ExpireAsync(FlowHarness flow)
    {
        var metadata = (await flow.TableAsync()).Metadata;
        var kept = metadata.Refs.Values.Select(item => item.SnapshotId).Append(metadata.CurrentSnapshotId!.Value).ToHashSet();
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([.. metadata.Snapshots.Select(item => item.Id).Where(id => !kept.Contains(id))]));
        await flow.DeleteOlderMetadataAsync();
    }
}
