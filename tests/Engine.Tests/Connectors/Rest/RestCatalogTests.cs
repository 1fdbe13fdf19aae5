using System.Collections.Immutable;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Connectors.Rest;

public sealed class RestCatalogTests : IDisposable
{
    private readonly RestSetting _rest = new();

    public void Dispose() => _rest.Dispose();

    [Fact]
    public async Task A_table_is_created_with_its_namespaces_and_loaded()
    {
        var properties = ImmutableSortedDictionary<string, string>.Empty.Add("write.parquet.compression-codec", "zstd");

        var (table, isCreated) = await _rest.Catalog.CreateAsync(RestSetting.Orders, RestSetting.Blank with { Properties = properties }, default);

        Assert.True(isCreated);
        Assert.Equal(2, table.Metadata.FormatVersion);
        Assert.Equal("zstd", table.Metadata.Properties["write.parquet.compression-codec"]);
        Assert.Equal(table.Metadata.TableUuid, (await _rest.LoadAsync()).Metadata.TableUuid);
        Assert.Equal(2, _rest.Server.Calls.Count(call => call.Path == "/v1/namespaces"));
        Assert.All(_rest.Server.Loads, call => Assert.Equal(("/v1/namespaces/shop%1Fweb/tables/orders", "?snapshots=all"), (call.Path, call.Query)));
    }

    [Fact]
    public async Task Creating_a_table_that_exists_gives_the_one_that_exists()
    {
        var first = await _rest.CreateAsync();

        var (second, isCreated) = await _rest.Catalog.CreateAsync(RestSetting.Orders, RestSetting.Blank, default);

        Assert.False(isCreated);
        Assert.Equal(first.Metadata.TableUuid, second.Metadata.TableUuid);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(409)]
    [InlineData(0)]
    public async Task A_table_whose_creation_got_no_answer_is_known_as_ours(int status)
    {
        await CreateNamespaceAsync();
        _rest.Server.NextCreation(apply =>
        {
            apply();
            return status == 0 ? throw new HttpRequestException("cut") : ScriptedCatalog.Error(status, "X", "lost");
        });

        var (table, isCreated) = await _rest.Catalog.CreateAsync(RestSetting.Orders, RestSetting.Blank, default);

        Assert.True(isCreated);
        Assert.Equal(_rest.Server.MetadataOf(RestSetting.Orders).TableUuid, table.Metadata.TableUuid);
    }

    [Fact]
    public async Task A_table_that_another_created_meanwhile_is_not_ours()
    {
        await CreateNamespaceAsync();
        _rest.Server.NextCreation(apply =>
        {
            _rest.Server.Open(_rest.Ids, _rest.Clock).CreateAsync(RestSetting.Orders, RestSetting.Blank, default).AsTask().GetAwaiter().GetResult();
            return apply();
        });

        var (_, isCreated) = await _rest.Catalog.CreateAsync(RestSetting.Orders, RestSetting.Blank, default);

        Assert.False(isCreated);
    }

    [Fact]
    public async Task A_creation_without_an_answer_and_without_a_table_is_a_failure_that_is_tried_again()
    {
        await CreateNamespaceAsync();
        _rest.Server.NextCreation(_ => throw new HttpRequestException("cut"));

        var failure = await Assert.ThrowsAsync<CatalogException>(() => _rest.Catalog.CreateAsync(RestSetting.Orders, RestSetting.Blank, default).AsTask());

        Assert.Contains("cut", failure.Message, StringComparison.Ordinal);
    }

    private async Task CreateNamespaceAsync()
    {
        await _rest.Catalog.CreateAsync(TableIdentifier.Parse("shop.web.other"), RestSetting.Blank, default);
        _rest.Server.Calls.Clear();
    }

    [Fact]
    public async Task A_table_that_does_not_exist_is_null() => Assert.Null(await _rest.Catalog.LoadAsync(RestSetting.Orders, default));

    [Fact]
    public async Task A_404_that_is_no_word_of_a_catalog_is_not_taken_for_a_table_that_is_missing()
    {
        _rest.Server.Script = call => call.Path.Contains("/tables/", StringComparison.Ordinal) ? new HttpResponseMessage(System.Net.HttpStatusCode.NotFound) { Content = new StringContent("<html>not here</html>") } : null;

        var failure = await Assert.ThrowsAsync<UnsupportedTableException>(() => _rest.Catalog.LoadAsync(RestSetting.Orders, default).AsTask());

        Assert.Contains("404", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_commit_is_applied_with_its_snapshot_and_tag()
    {
        var table = await _rest.CreateAsync();

        var first = Assert.IsType<CommitResult.Committed>(await _rest.AppendAsync(table)).Table;
        var second = Assert.IsType<CommitResult.Committed>(await _rest.AppendAsync(first)).Table;

        Assert.Equal(2, second.Metadata.Snapshots.Length);
        Assert.Equal(second.Metadata.CurrentSnapshotId, second.Metadata.Refs["matih-orders-lake"].SnapshotId);
        Assert.Equal(long.MaxValue, second.Metadata.Refs["matih-orders-lake"].MaxRefAgeMillis);
        // A table without snapshots has no branch main yet, and null says so.
        Assert.Contains("\"ref\":\"main\",\"snapshot-id\":null", _rest.Server.Commits.First().Body, StringComparison.Ordinal);
        var body = _rest.Server.Commits.Last().Body;
        Assert.True(body.IndexOf("add-snapshot", StringComparison.Ordinal) < body.IndexOf("set-snapshot-ref", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_requirement_and_update_is_written_as_the_protocol_names_it()
    {
        var table = Assert.IsType<CommitResult.Committed>(await _rest.AppendAsync(await _rest.CreateAsync())).Table;
        var (requirements, updates) = await _rest.PrepareAsync(table);
        TableRequirement[] allRequirements =
        [
            .. requirements, new TableRequirement.AssertCreate(), new TableRequirement.AssertRefSnapshotId("none", null), new TableRequirement.AssertLastAssignedFieldId(1),
            new TableRequirement.AssertCurrentSchemaId(0), new TableRequirement.AssertLastAssignedPartitionId(999), new TableRequirement.AssertDefaultSpecId(0), new TableRequirement.AssertDefaultSortOrderId(0),
        ];
        TableUpdate[] allUpdates =
        [
            .. updates, new TableUpdate.AssignUuid(table.Metadata.TableUuid), new TableUpdate.AddSchema(table.Metadata.CurrentSchema), new TableUpdate.SetCurrentSchema(TableUpdate.LastAdded),
            new TableUpdate.AddSpec(PartitionSpec.Unpartitioned), new TableUpdate.SetDefaultSpec(0), new TableUpdate.AddSortOrder(SortOrder.Unsorted), new TableUpdate.SetDefaultSortOrder(0),
            new TableUpdate.RemoveSnapshotRef("old"), new TableUpdate.RemoveSnapshots([new SnapshotId(1), new SnapshotId(2)]),
            new TableUpdate.SetProperties(ImmutableSortedDictionary<string, string>.Empty.Add("a", "b")), new TableUpdate.RemoveProperties(["c"]),
            new TableUpdate.SetSnapshotRef("kept", new SnapshotRef(new SnapshotId(3), SnapshotRefKind.Branch, 4, 5, 6)),
        ];

        var (readRequirements, readUpdates) = TableChangeReader.Read(System.Text.Encoding.UTF8.GetString(TableChangeJson.Write(RestSetting.Orders, allRequirements, allUpdates)));

        Assert.Equal(allRequirements, readRequirements);
        Assert.Equal(typeof(TableUpdate).GetNestedTypes().Length, readUpdates.Select(update => update.GetType()).Distinct().Count());
        Assert.Equal(typeof(TableRequirement).GetNestedTypes().Length, readRequirements.Select(requirement => requirement.GetType()).Distinct().Count());
        Assert.Equal(allUpdates.Select(update => update.GetType()), readUpdates.Select(update => update.GetType()));
        Assert.Equal(new SnapshotRef(new SnapshotId(3), SnapshotRefKind.Branch, 4, 5, 6), ((TableUpdate.SetSnapshotRef)readUpdates[^1]).Ref);
    }

    [Theory]
    [InlineData("\"")]
    [InlineData("")]
    public async Task A_table_that_has_not_changed_is_not_sent_again(string quote)
    {
        _rest.Server.GivesETags = true;
        _rest.Server.ETagQuote = quote;
        var table = await _rest.CreateAsync();

        var loaded = await _rest.LoadAsync();
        var committed = Assert.IsType<CommitResult.Committed>(await _rest.AppendAsync(loaded)).Table;
        var again = await _rest.LoadAsync();
        await _rest.ForeignAppendAsync();
        var changed = await _rest.LoadAsync();

        Assert.Same(table, loaded);
        Assert.Same(committed, again);
        Assert.Equal(2, changed.Metadata.Snapshots.Length);
        Assert.All(_rest.Server.Loads.Skip(1), call => Assert.NotNull(call["If-None-Match"]));
    }

    [Fact]
    public async Task A_server_without_ETags_is_asked_for_the_whole_table_each_time()
    {
        await _rest.CreateAsync();

        Assert.NotSame(await _rest.LoadAsync(), await _rest.LoadAsync());
        Assert.All(_rest.Server.Loads, call => Assert.Null(call["If-None-Match"]));
    }

    [Fact]
    public async Task Each_commit_has_a_key_of_its_own_where_the_server_knows_keys()
    {
        _rest.Server.Config = """{"defaults":{"idempotency-key-lifetime":"PT30M"},"overrides":{}}""";
        var table = await _rest.CreateAsync();
        // A 409 is replayed for its key: a commit with another base needs another one.
        _rest.Server.NextCommit(_ => { _rest.ForeignAppendAsync().GetAwaiter().GetResult(); return ScriptedCatalog.Error(409, "CommitFailedException", "moved"); });
        await _rest.AppendAsync(table);
        await _rest.AppendAsync(await _rest.LoadAsync());

        var keys = _rest.Server.Commits.Select(call => Guid.Parse(call["Idempotency-Key"]!)).ToList();

        Assert.Equal(2, keys.Distinct().Count());
        Assert.All(keys, key => Assert.Equal(7, key.Version));
    }

    [Fact]
    public async Task A_server_that_knows_no_keys_is_sent_none()
    {
        await _rest.AppendAsync(await _rest.CreateAsync());

        Assert.All(_rest.Server.Commits, call => Assert.Null(call["Idempotency-Key"]));
    }

    [Fact]
    public async Task A_question_is_asked_again_while_the_server_fails()
    {
        await _rest.CreateAsync();
        var failures = 3;
        _rest.Server.Script = call => call.Method != "GET" || failures-- <= 0 ? null : failures == 1 ? throw new HttpRequestException("cut") : ScriptedCatalog.Error(503, "X", "busy");

        Assert.NotNull(await _rest.Catalog.LoadAsync(RestSetting.Orders, default));
    }

    [Fact]
    public async Task A_question_that_nobody_answers_fails_after_half_a_minute()
    {
        await _rest.CreateAsync();
        _rest.Server.Script = _ => ScriptedCatalog.Error(503, "X", "busy");
        var startedAt = _rest.Clock.GetTimestamp();

        var failure = await Assert.ThrowsAsync<CatalogException>(() => _rest.Catalog.LoadAsync(RestSetting.Orders, default).AsTask());

        Assert.Contains("503 (X: busy)", failure.Message, StringComparison.Ordinal);
        Assert.True(_rest.Clock.GetElapsedTime(startedAt) >= TimeSpan.FromSeconds(20));
    }
}
