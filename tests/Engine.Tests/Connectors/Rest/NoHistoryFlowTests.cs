using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Matih.Connectors.Rest;
using Matih.Delivery;
using Matih.Engine.Tests.Delivery;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Engine.Tests.Connectors.Rest;

/// <summary>
/// Flows over a catalog that keeps one snapshot of a table and refuses tags, as Nessie does (projectnessie.org/guides/iceberg-rest,
/// and IcebergMetadataUpdate of its sources). The ledger stands in the table's properties, which change in the same commit.
/// </summary>
public sealed class NoHistoryFlowTests : IDisposable
{
    private readonly FlowHarness _flow = new();
    private readonly ScriptedCatalog _server;

    public NoHistoryFlowTests()
    {
        _flow.Clock.Speed = 20;
        _server = new ScriptedCatalog(_flow.Warehouse, new LocalStore(_flow.Ids))
        {
            Config = """{"defaults":{"prefix":"main|lake"},"overrides":{"nessie.is-nessie-catalog":"true"}}""",
            Prefix = "/main%7Clake",
            Shown = Cut,
            Script = Refuse,
        };
        _flow.CatalogOver = store => RestCatalog.Open(ScriptedCatalog.Definition(), store, _flow.Ids, new LeapingClock(), _server.Parts);
        _flow.Overrides.Add("orchestration.checkpoint_interval=1h");
    }

    public void Dispose()
    {
        _server.Dispose();
        _flow.Dispose();
    }

    /// <summary>The current snapshot, without its parent; neither tags nor logs.</summary>
    private static TableMetadata Cut(TableMetadata metadata) => metadata.CurrentSnapshot is not { } current ? metadata : metadata with
    {
        Snapshots = [new Snapshot(current.Id, null, current.SequenceNumber, current.TimestampMillis, current.ManifestList!, current.Summary, current.SchemaId)],
        Refs = metadata.Refs.RemoveRange(metadata.Refs.Keys.Where(name => name != SnapshotRef.Main)),
        SnapshotLog = [],
        MetadataLog = [],
    };

    private static HttpResponseMessage? Refuse(RestCall call)
    {
        if (call.Method != "POST" || call.Path.Split('/') is not [.., "tables", _]) return null;
        using var document = JsonDocument.Parse(call.Body);
        var updates = document.RootElement.GetProperty("updates").EnumerateArray().ToList();
        if (updates.Any(update => update.TryGetProperty("ref-name", out var name) && name.GetString() != SnapshotRef.Main)) return ScriptedCatalog.Error(400, "IllegalArgumentException", "refs are not supported");
        if (updates.Any(update => update.GetProperty("action").GetString() == "remove-snapshots")) return ScriptedCatalog.Error(400, "IllegalArgumentException", "remove-snapshots is not supported");
        // projectnessie/nessie issue 9999.
        return updates.GroupBy(update => update.GetProperty("action").GetString()).Any(group => group.Count() > 1) ? ScriptedCatalog.Error(400, "IllegalArgumentException", "duplicate update") : null;
    }

    private async Task WithTenRowsAsync()
    {
        _flow.Produce(0, 10);
        await _flow.CatchUpAsync();
        _flow.Produce(10, 10);
    }

    private async Task AssertHoldsWholeTopicAsync() => Assert.Equal(_flow.TopicRecords().Order(), await _flow.RowsAsync());

    [Fact]
    public async Task Runs_continue_and_the_start_says_what_is_weaker()
    {
        await WithTenRowsAsync();
        await _flow.CatchUpAsync();

        await AssertHoldsWholeTopicAsync();
        Assert.Contains(_flow.Entries, entry => entry.Event == "history-not-kept");
        Assert.Single((await _flow.TableAsync()).Metadata.Snapshots);
    }

    [Fact]
    public async Task A_ledger_that_another_engine_s_commits_took_away_is_found()
    {
        await WithTenRowsAsync();
        await _flow.ForeignAppendAsync();
        await _flow.ForeignAppendAsync();

        await _flow.CatchUpAsync();

        await AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_table_that_others_wrote_for_long_is_begun()
    {
        _flow.Produce(0, 1);
        using (var first = _flow.Another(pipeline: "first")) await first.CatchUpAsync();
        await ForgetAsync();
        _flow.Pipeline = "second";

        await _flow.CatchUpAsync();

        Assert.Equal(2, (await _flow.RowsAsync()).Count);
    }

    [Fact]
    public async Task A_table_whose_ledger_somebody_removed_is_refused_by_the_group_s_mark()
    {
        await WithTenRowsAsync();
        await ForgetAsync();

        Assert.Equal(FailureKind.WouldLoseOrDouble, (await _flow.RefusalAsync()).Kind);
    }

    /// <summary>Somebody removes our properties, and another engine's commit takes our snapshot away.</summary>
    private async Task ForgetAsync()
    {
        _server.Change(FlowHarness.Identifier, metadata => [new TableUpdate.RemoveProperties([.. metadata.Properties.Keys.Where(name => name.StartsWith("matih.newest.", StringComparison.Ordinal))])]);
        await _flow.ForeignAppendAsync();
    }

    [Fact]
    public async Task A_commit_whose_answer_was_lost_is_found_below_another_engine_s()
    {
        await WithTenRowsAsync();
        _server.NextCommit(apply =>
        {
            apply();
            _flow.ForeignAppendAsync().GetAwaiter().GetResult();
            throw new HttpRequestException("cut");
        });

        await _flow.CatchUpAsync();

        await AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Two_pipelines_keep_each_other_s_ledger_also_below_another_engine_s_commit()
    {
        await WithTenRowsAsync();
        using var other = _flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        other.Produce(0, 3);
        await other.CatchUpAsync();
        await _flow.ForeignAppendAsync();
        await _flow.CatchUpAsync();
        other.Produce(3, 3);
        await _flow.ForeignAppendAsync();
        await other.CatchUpAsync();

        Assert.Equal(20 + 6, (await _flow.RowsAsync()).Count);
    }

    [Fact]
    public async Task An_adopted_ledger_does_not_come_back()
    {
        await WithTenRowsAsync();
        using var renamed = _flow.Another(pipeline: "renamed");
        await renamed.CatchUpAsync(OpenAnswers.None with { Adopt = "orders" });
        await _flow.ForeignAppendAsync();
        _flow.Produce(20, 10);
        await renamed.CatchUpAsync();

        await AssertHoldsWholeTopicAsync();
        Assert.Equal(FailureKind.WouldLoseOrDouble, (await _flow.RefusalAsync()).Kind);
        Assert.DoesNotContain("matih.newest.summary.matih.ledger.orders/lake", (await _flow.TableAsync()).Metadata.Properties.Keys);
    }

    [Fact]
    public async Task A_table_whose_branch_was_set_back_is_continued_from_what_it_holds()
    {
        await WithTenRowsAsync();
        var before = _server.MetadataOf(FlowHarness.Identifier);
        await _flow.CatchUpAsync();
        _server.Put(FlowHarness.Identifier, before);

        await _flow.CatchUpAsync();

        await AssertHoldsWholeTopicAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Whatever_the_catalog_answers_each_record_is_there_once(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 20; round++)
        {
            _flow.Produce(round * 4, 4);
            for (var i = 0; i < 2; i++) _server.NextCommit(Lie(random.Next(8)));
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

        Assert.True(_flow.TopicRecords().Order().SequenceEqual(await _flow.RowsAsync()), string.Create(CultureInfo.InvariantCulture, $"seed {seed}"));
    }

    private Func<Func<HttpResponseMessage>, HttpResponseMessage> Lie(int kind) => apply =>
    {
        if (kind is 1 or 2 or 3) apply().Dispose();
        if (kind is 2 or 5) AppendBehindScripts();
        return kind switch
        {
            1 or 4 => ScriptedCatalog.Error(500, "X", "lie"),
            2 => throw new HttpRequestException("cut"),
            3 => ScriptedCatalog.Error(409, "X", "lie"),
            _ => apply(),
        };
    };

    /// <summary>Another engine's commit, which no script answers.</summary>
    private void AppendBehindScripts()
    {
        var metadata = _server.MetadataOf(FlowHarness.Identifier);
        var table = new Table(FlowHarness.Identifier, "", metadata, new LocalStore(_flow.Ids));
        var change = PreparedChange.PrepareAsync(table, [], _flow.Ids, default).AsTask().GetAwaiter().GetResult();
        var attempt = change.AttemptAsync(table, metadata.LastUpdatedMillis + 1, ImmutableDictionary<string, string>.Empty, [], default).AsTask().GetAwaiter().GetResult();
        _server.Change(FlowHarness.Identifier, _ => Assert.IsType<ChangeAttempt.Ready>(attempt).Updates);
    }
}
