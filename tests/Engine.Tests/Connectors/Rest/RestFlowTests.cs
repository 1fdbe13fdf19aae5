using Matih.Connectors.Rest;
using Matih.Delivery;
using Matih.Engine.Tests.Delivery;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Engine.Tests.Connectors.Rest;

/// <summary>Flows over a REST catalog: whatever it answers, each record is in the table once.</summary>
public sealed class RestFlowTests : IDisposable
{
    private readonly FlowHarness _flow = new();
    private readonly ScriptedCatalog _server;

    public RestFlowTests()
    {
        _flow.Clock.Speed = 20;
        _server = new ScriptedCatalog(_flow.Warehouse, new LocalStore(_flow.Ids));
        // The waits of seconds within the catalog need not take any.
        _flow.CatalogOver = store => RestCatalog.Open(ScriptedCatalog.Definition(), store, _flow.Ids, new LeapingClock(), _server.Parts);
        _flow.Overrides.Add("orchestration.checkpoint_interval=1h");
    }

    public void Dispose()
    {
        _server.Dispose();
        _flow.Dispose();
    }

    private async Task WithTenRowsAsync()
    {
        _flow.Produce(0, 10);
        await _flow.CatchUpAsync();
        await _flow.AssertHoldsWholeTopicAsync();
        _flow.Produce(10, 10);
    }

    private async Task<int> SnapshotCountAsync() => (await _flow.TableAsync()).Metadata.Snapshots.Length;

    [Fact]
    public async Task Runs_continue_where_the_one_before_ended()
    {
        await WithTenRowsAsync();
        await _flow.CatchUpAsync();
        _flow.Produce(20, 5);
        await _flow.CatchUpAsync();

        await _flow.AssertHoldsWholeTopicAsync();
        Assert.Contains((await _flow.TableAsync()).Metadata.Refs.Keys, name => name == "matih-orders-lake");
    }

    [Fact]
    public async Task A_checkpoint_costs_one_look_and_one_commit_and_a_table_that_has_not_changed_is_not_sent()
    {
        _server.GivesETags = true;
        _flow.Overrides.Add("orchestration.checkpoint_interval=50ms");
        await WithTenRowsAsync();
        await _flow.RunDuringAsync(async () =>
        {
            await _flow.WaitForRowsAsync(20);
            _server.Calls.Clear();
            _flow.Produce(20, 10);
            await _flow.WaitForRowsAsync(30);
        });

        // The checkpoint, perhaps in two parts, and the commit that closes the ledger.
        var commits = _server.Commits.Count();
        Assert.InRange(commits, 2, 4);
        Assert.InRange(_server.Loads.Count(), commits, commits + 1);
        Assert.All(_server.Loads, call => Assert.NotNull(call["If-None-Match"]));
    }

    [Theory]
    [InlineData(200, "{")]
    [InlineData(408, "")]
    [InlineData(409, "")]
    [InlineData(500, "")]
    [InlineData(503, "")]
    [InlineData(0, "")]
    public async Task A_commit_that_was_applied_and_answered_otherwise_stands_once(int status, string body)
    {
        await WithTenRowsAsync();
        var before = await SnapshotCountAsync();
        _server.NextCommit(apply =>
        {
            apply();
            return status == 0 ? throw new HttpRequestException("cut") : ScriptedCatalog.Json(status, body);
        });

        await _flow.CatchUpAsync();

        Assert.Equal(before + 1, await SnapshotCountAsync());
        await _flow.AssertHoldsWholeTopicAsync();
    }

    [Theory]
    [InlineData(400, "Commit validation failed")]
    [InlineData(409, "branch main has changed")]
    public async Task A_commit_that_another_engine_overtook_is_built_again_on_its_commit(int status, string message)
    {
        await WithTenRowsAsync();
        _server.NextCommit(_ =>
        {
            _flow.ForeignAppendAsync().GetAwaiter().GetResult();
            return ScriptedCatalog.Error(status, "X", message);
        });

        await _flow.CatchUpAsync();

        await _flow.AssertHoldsWholeTopicAsync();
    }

    [Theory]
    [InlineData(408)]
    [InlineData(409)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(0)]
    public async Task A_commit_that_was_not_applied_is_tried_again(int status)
    {
        await WithTenRowsAsync();
        var before = await SnapshotCountAsync();
        for (var i = 0; i < 2; i++) _server.NextCommit(_ => status == 0 ? throw new HttpRequestException("cut") : ScriptedCatalog.Error(status, "X", "no"));

        await _flow.CatchUpAsync();

        Assert.Equal(before + 1, await SnapshotCountAsync());
        await _flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_commit_that_lands_after_it_was_given_up_is_found_by_the_next_attempt()
    {
        await WithTenRowsAsync();
        var before = await SnapshotCountAsync();
        Func<HttpResponseMessage>? late = null;
        _server.NextCommit(apply =>
        {
            late = apply;
            return ScriptedCatalog.Error(504, "X", "no answer from the database");
        });
        _server.NextCommit(apply =>
        {
            late!();
            return apply();
        });

        await _flow.CatchUpAsync();

        Assert.Equal(before + 1, await SnapshotCountAsync());
        await _flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_commit_that_is_refused_for_good_ends_the_run_and_the_next_one_is_exact()
    {
        await WithTenRowsAsync();
        _server.NextCommit(_ => ScriptedCatalog.Error(400, "ValidationException", "metadata is too large"));

        var refusal = await _flow.RefusalAsync();
        Assert.Contains("metadata is too large", refusal.Message, StringComparison.Ordinal);

        await _flow.CatchUpAsync();
        await _flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_rolled_back_table_is_continued_from_what_it_holds()
    {
        await WithTenRowsAsync();
        await _flow.CatchUpAsync();
        await _flow.RollBackAsync((await _flow.TableAsync()).Metadata.Lineage().ElementAt(2).Id);

        await _flow.CatchUpAsync();

        await _flow.AssertHoldsWholeTopicAsync();
        Assert.Equal(2, (await _flow.LedgerAsync()).Generation);
    }

    [Fact]
    public async Task A_table_that_is_dropped_under_its_catalog_is_refused()
    {
        await WithTenRowsAsync();
        _server.Drop(FlowHarness.Identifier);

        Assert.Equal(FailureKind.WouldLoseOrDouble, (await _flow.RefusalAsync()).Kind);
    }

    [Fact]
    public async Task Two_pipelines_on_one_table_keep_each_other_s_ledger()
    {
        await WithTenRowsAsync();
        using var other = _flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        other.Produce(0, 3);
        await other.CatchUpAsync();
        await _flow.CatchUpAsync();
        other.Produce(3, 3);
        await other.CatchUpAsync();

        Assert.Equal(20 + 6, (await _flow.RowsAsync()).Count);
        await _flow.AssertVerifiesAsync();
    }

    [Fact]
    public async Task An_expired_parent_is_found_in_an_older_metadata_file()
    {
        await WithTenRowsAsync();
        for (var i = 0; i < 2; i++) await _flow.ForeignAppendAsync();
        var metadata = (await _flow.TableAsync()).Metadata;
        var kept = metadata.Refs.Values.Select(named => named.SnapshotId).ToHashSet();
        await _flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([.. metadata.Lineage().Select(snapshot => snapshot.Id).Where(id => !kept.Contains(id))]));

        await _flow.CatchUpAsync();

        await _flow.AssertHoldsWholeTopicAsync();
    }

    /// <summary>Half of all answers to commits lie, for some hundred commits, kills between them: the seed is printed.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Whatever_the_catalog_answers_each_record_is_there_once(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 25; round++)
        {
            _flow.Produce(round * 4, 4);
            for (var i = 0; i < 2; i++) _server.NextCommit(Lie(random.Next(10)));
            try
            {
                await _flow.CatchUpAsync();
            }
            catch (PipelineException)
            {
                // The next round reads what stands.
            }
        }
        _server.ClearScripts();
        await _flow.CatchUpAsync();

        await _flow.AssertHoldsWholeTopicAsync();
    }

    private Func<Func<HttpResponseMessage>, HttpResponseMessage> Lie(int kind) => apply =>
    {
        if (kind == 9) _server.Change(FlowHarness.Identifier, metadata => [new TableUpdate.SetSnapshotRef("foreign", new SnapshotRef(metadata.CurrentSnapshotId!.Value, SnapshotRefKind.Tag))]);
        if (kind is 1 or 2 or 3 or 4) apply().Dispose();
        return kind switch
        {
            1 or 5 => ScriptedCatalog.Error(500, "X", "lie"),
            2 or 6 => throw new HttpRequestException("cut"),
            3 or 7 => ScriptedCatalog.Error(409, "X", "lie"),
            4 => ScriptedCatalog.Json(200, "{}"),
            8 => ScriptedCatalog.Error(403, "X", "no"),
            _ => apply(),
        };
    };
}
