using System.Buffers;
using Matih.Batches;
using Matih.Engine.Tests.Storage;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Engine.Tests.Iceberg;

public class FileCatalogTests : IDisposable
{
    private static readonly TableIdentifier Orders = TableIdentifier.Parse("shop.web.orders");
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly TemporaryFolder _folder = new();
    private readonly SeededIdSource _ids = new(1);
    private readonly FaultyStore _store;
    private readonly FileCatalog _catalog;

    public FileCatalogTests() : this(findsByName: false) { }

    protected FileCatalogTests(bool findsByName)
    {
        _store = new FaultyStore(new LocalStore(_ids)) { FindsByName = findsByName };
        // All commits in one and the same millisecond: nothing may rest on times being different.
        _catalog = new FileCatalog(_store, _folder.Path, _ids, new StandingClock());
    }

    public void Dispose()
    {
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_created_table_lies_where_spark_s_hadoop_catalog_looks()
    {
        var (table, isCreated) = await CreateAsync();

        Assert.True(isCreated);
        Assert.Equal(_folder.Child("shop/web/orders"), table.Metadata.Location);
        Assert.True(File.Exists(_folder.Child("shop/web/orders/metadata/v1.metadata.json")));
        Assert.Equal("1", File.ReadAllText(_folder.Child("shop/web/orders/metadata/version-hint.text")));
    }

    [Fact]
    public async Task Creating_a_table_that_exists_gives_the_one_that_exists()
    {
        var (first, _) = await CreateAsync();

        var (second, isCreated) = await CreateAsync();

        Assert.False(isCreated);
        Assert.Equal(first.Metadata.TableUuid, second.Metadata.TableUuid);
    }

    [Fact]
    public async Task A_table_of_the_deepest_column_is_read_back_and_grows_another()
    {
        DataType Deep(int depth) => depth == 0 ? new DataType.Int() : new DataType.Row(new RowType([new Field("f", Deep(depth - 1))]));
        var schema = Schema.FromRow(new RowType([new Field("v", Deep(TypeMapping.DepthMax))]));
        await _catalog.CreateAsync(Orders, new NewTable(schema, PartitionSpec.Unpartitioned, new Dictionary<string, string>()), None);

        var table = await new FileCatalog(_store, _folder.Path, _ids, new StandingClock()).LoadAsync(Orders, None);

        Assert.Null(TypeMapping.FaultOfDepth(table!.Metadata.CurrentSchema.Fields[0].Type));
        Assert.True(table.Metadata.CurrentSchema.IsSameAs(schema));
        var grown = SchemaEvolution.Find(table.Metadata, new RowType([new Field("v", Deep(TypeMapping.DepthMax)), new Field("w", Deep(TypeMapping.DepthMax))]), isFull: false, []);
        Assert.Equal(2, grown!.Schema.Fields.Length);
    }

    [Fact]
    public async Task A_table_that_does_not_exist_is_null() => Assert.Null(await _catalog.LoadAsync(Orders, None));

    [Theory]
    [InlineData("shop.web.orders.metadata")]
    [InlineData("shop.web.orders.data.x")]
    public async Task A_table_in_the_folder_of_another_is_refused(string nested)
    {
        await CreateAsync();

        var refusal = await Assert.ThrowsAsync<UnsupportedTableException>(() => CreateAsync(TableIdentifier.Parse(nested)).AsTask());

        Assert.Equal($"{nested} cannot be created: it would lie in the folder of table shop.web.orders. Give it another namespace.", refusal.Message);
    }

    [Fact]
    public async Task A_table_whose_folder_holds_another_is_not_taken_for_it()
    {
        var (inner, _) = await CreateAsync(TableIdentifier.Parse("shop.web.orders.metadata"));

        Assert.Null(await _catalog.LoadAsync(Orders, None));
        var (outer, isCreated) = await CreateAsync();

        Assert.True(isCreated);
        Assert.NotEqual(inner.Metadata.TableUuid, outer.Metadata.TableUuid);
    }

    [Fact]
    public async Task A_commit_is_what_the_next_load_sees()
    {
        var (table, _) = await CreateAsync();

        var result = await CommitAsync(table, "a", "1");

        var committed = Assert.IsType<CommitResult.Committed>(result).Table;
        var loaded = (await _catalog.LoadAsync(Orders, None))!;
        Assert.Equal(committed.MetadataLocation, loaded.MetadataLocation);
        Assert.Equal(committed.Metadata.CurrentSnapshotId, loaded.Metadata.CurrentSnapshotId);
        Assert.Equal("1", loaded.Metadata.CurrentSnapshot!.Summary["a"]);
        Assert.Equal("append", loaded.Metadata.CurrentSnapshot.Operation);
        Assert.Equal("2", File.ReadAllText(Metadata("version-hint.text")));
        Assert.Equal(table.MetadataLocation, Assert.Single(loaded.Metadata.MetadataLog).MetadataFile);
    }

    [Fact]
    public async Task A_version_that_this_process_committed_is_not_read_again()
    {
        var (first, _) = await CreateAsync();
        var second = Assert.IsType<CommitResult.Committed>(await CommitAsync(first, "a", new string('x', 2000))).Table;
        _store.Reads.Clear();

        var third = Assert.IsType<CommitResult.Committed>(await CommitAsync(await LoadAsync(), "a", "2")).Table;

        Assert.Equal([$"{Metadata("v2.metadata.json")} 0+1024"], _store.Reads.Where(read => read.Contains(".metadata.json", StringComparison.Ordinal)));
        Assert.Equal(second.Metadata.CurrentSnapshotId, third.Metadata.CurrentSnapshot!.ParentId);
        Assert.Same(third.Metadata, (await LoadAsync()).Metadata);
        var other = (await new FileCatalog(_store, _folder.Path, _ids, new StandingClock()).LoadAsync(Orders, None))!;
        Assert.Equal(TableMetadataJson.Write(other.Metadata).ToArray(), TableMetadataJson.Write(third.Metadata).ToArray());
    }

    [Fact]
    public async Task A_version_that_this_process_committed_is_read_again_where_somebody_wrote_over_it()
    {
        await CommitAsync((await CreateAsync()).Table, "a", "1");
        WriteOver("v2.metadata.json", "\"a\":\"1\"", "\"a\":\"2\"");

        Assert.Equal("2", (await LoadAsync()).Metadata.CurrentSnapshot!.Summary["a"]);
    }

    [Fact]
    public async Task A_commit_whose_base_somebody_wrote_over_is_withdrawn()
    {
        var table = Assert.IsType<CommitResult.Committed>(await CommitAsync((await CreateAsync()).Table, "a", "1")).Table;
        var attempt = await AttemptOnAsync(table, "a", "2");
        WriteOver("v2.metadata.json", $"\"last-updated-ms\":{table.Metadata.LastUpdatedMillis}", $"\"last-updated-ms\":{table.Metadata.LastUpdatedMillis + 1}");

        var result = await _catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, None);

        Assert.Contains($"last-updated-ms expected {table.Metadata.LastUpdatedMillis}, found", Assert.IsType<CommitResult.Conflict>(result).Reason, StringComparison.Ordinal);
        Assert.False(File.Exists(Metadata("v3.metadata.json")));
        Assert.Equal(table.Metadata.LastUpdatedMillis + 1, (await LoadAsync()).Metadata.LastUpdatedMillis);
    }

    private void WriteOver(string file, string old, string text)
    {
        var before = File.ReadAllText(Metadata(file));
        Assert.Contains(old, before, StringComparison.Ordinal);
        File.WriteAllText(Metadata(file), before.Replace(old, text, StringComparison.Ordinal));
        File.SetLastWriteTimeUtc(Metadata(file), File.GetLastWriteTimeUtc(Metadata(file)).AddSeconds(1));
    }

    [Fact]
    public async Task Of_two_commits_on_one_base_the_second_is_a_conflict()
    {
        var (table, _) = await CreateAsync();
        Assert.IsType<CommitResult.Committed>(await CommitAsync(table, "who", "first"));

        var result = await CommitAsync(table, "who", "second");

        Assert.IsType<CommitResult.Conflict>(result);
        Assert.Equal("first", (await LoadAsync()).Metadata.CurrentSnapshot!.Summary["who"]);
    }

    [Fact]
    public async Task The_newest_version_is_found_from_the_one_seen_last_and_few_are_listed()
    {
        var (table, _) = await CreateAsync();
        var others = new List<(int Seen, FileCatalog Catalog)>();
        for (var version = 2; version <= 113; version++)
        {
            table = Assert.IsType<CommitResult.Committed>(await CommitAsync(table, "v", $"{version}")).Table;
            if (version is not (9 or 10 or 19 or 42 or 99 or 100 or 112)) continue;
            var other = new FileCatalog(_store, _folder.Path, _ids, new StandingClock());
            Assert.Equal(table.MetadataLocation, (await other.LoadAsync(Orders, None))!.MetadataLocation);
            others.Add((version, other));
        }

        foreach (var (seen, other) in others)
        {
            _store.ListedPrefixes.Clear();
            Assert.Equal(table.MetadataLocation, (await other.LoadAsync(Orders, None))!.MetadataLocation);
            if (seen >= 10) Assert.DoesNotContain(Metadata("v"), _store.ListedPrefixes);
        }
        Assert.Equal(_store.FindsByName ? [] : [Metadata("v11")], _store.ListedPrefixes);
    }

    [Fact]
    public async Task A_table_that_was_dropped_and_created_again_is_found_by_who_has_seen_more_of_it()
    {
        var (table, _) = await CreateAsync();
        for (var version = 2; version <= 25; version++) table = Assert.IsType<CommitResult.Committed>(await CommitAsync(table, "v", $"{version}")).Table;
        Directory.Delete(_folder.Child("shop"), recursive: true);
        var (again, _) = await new FileCatalog(_store, _folder.Path, _ids, new StandingClock()).CreateAsync(Orders, new NewTable(table.Metadata.CurrentSchema, table.Metadata.DefaultSpec, TableMetadata.EmptyProperties), None);

        Assert.Equal(again.Metadata.TableUuid, (await LoadAsync()).Metadata.TableUuid);
    }

    [Fact]
    public async Task Committers_racing_on_one_table_lose_no_commit()
    {
        const int WriterCount = 4;
        const int CommitsEach = 8;
        await CreateAsync();

        await Task.WhenAll(Enumerable.Range(0, WriterCount).Select(writer => Task.Factory.StartNew(() => CommitAllAsync(writer), TaskCreationOptions.LongRunning).Unwrap()));

        var lineage = (await LoadAsync()).Metadata.Lineage().Select(snapshot => snapshot.Summary["commit"]).Order().ToArray();
        Assert.Equal(WriterCount * CommitsEach, lineage.Length);
        Assert.Equal(lineage.Distinct(), lineage);
        Assert.Equal((WriterCount * CommitsEach + 1).ToString(), File.ReadAllText(Metadata("version-hint.text")));

        async Task CommitAllAsync(int writer)
        {
            var catalog = new FileCatalog(_store, _folder.Path, _ids, TimeProvider.System);
            for (var i = 0; i < CommitsEach; i++)
            {
                var prepared = await PreparedChange.PrepareAsync((await catalog.LoadAsync(Orders, None))!, [], _ids, None);
                while (true)
                {
                    var attempt = await AttemptAsync(prepared, (await catalog.LoadAsync(Orders, None))!, "commit", $"{writer}-{i}");
                    if (await catalog.CommitAsync(attempt.Base, attempt.Attempt.Requirements, attempt.Attempt.Updates, None) is CommitResult.Committed) break;
                }
            }
        }
    }

    [Fact]
    public async Task A_put_whose_answer_was_lost_after_it_was_applied_is_committed()
    {
        var (table, _) = await CreateAsync();
        _store.FailAfter("v2.metadata.json");

        var result = await CommitAsync(table, "a", "1");

        Assert.IsType<CommitResult.Committed>(result);
        Assert.Equal("1", (await LoadAsync()).Metadata.CurrentSnapshot!.Summary["a"]);
    }

    [Fact]
    public async Task A_put_that_failed_before_it_was_applied_is_unknown_because_it_may_still_land()
    {
        var (table, _) = await CreateAsync();
        _store.FailBefore("v2.metadata.json");

        var result = await CommitAsync(table, "a", "1");

        Assert.IsType<CommitResult.Unknown>(result);
        Assert.Null((await LoadAsync()).Metadata.CurrentSnapshot);
    }

    [Fact]
    public async Task A_put_whose_answer_was_lost_to_another_commit_is_a_conflict()
    {
        var (table, _) = await CreateAsync();
        var other = await AttemptOnAsync(table, "who", "other");
        var own = await AttemptOnAsync(table, "who", "own");
        _store.Before("v2.metadata.json", async () =>
        {
            Assert.IsType<CommitResult.Committed>(await _catalog.CommitAsync(table, other.Requirements, other.Updates, None));
            throw new IOException("connection reset");
        });

        var result = await _catalog.CommitAsync(table, own.Requirements, own.Updates, None);

        Assert.IsType<CommitResult.Conflict>(result);
        Assert.Equal("other", (await LoadAsync()).Metadata.CurrentSnapshot!.Summary["who"]);
    }

    [Fact]
    public async Task A_late_commit_into_a_number_that_became_free_is_withdrawn()
    {
        var (first, _) = await CreateAsync();
        var late = await AttemptOnAsync(first, "who", "late");
        var head = first;
        for (var i = 0; i < 3; i++) head = Assert.IsType<CommitResult.Committed>(await CommitAsync(head, "who", $"{i}")).Table;
        File.Delete(Metadata("v2.metadata.json"));

        var result = await _catalog.CommitAsync(first, late.Requirements, late.Updates, None);

        Assert.IsType<CommitResult.Conflict>(result);
        Assert.False(File.Exists(Metadata("v2.metadata.json")));
        Assert.Equal("2", (await LoadAsync()).Metadata.CurrentSnapshot!.Summary["who"]);
    }

    [Fact]
    public async Task A_late_commit_below_a_gap_of_deleted_versions_is_withdrawn_and_the_newest_is_found_again()
    {
        await CreateAsync();
        for (var version = 2; version <= 12; version++) await CommitAsync(await LoadAsync(), "who", $"{version}");
        var sleeper = new FileCatalog(_store, _folder.Path, _ids, new StandingClock());
        var seen = (await sleeper.LoadAsync(Orders, None))!;
        var late = await AttemptOnAsync(seen, "who", "late");
        for (var version = 13; version <= 30; version++) await CommitAsync(await LoadAsync(), "who", $"{version}");
        for (var version = 13; version <= 25; version++) File.Delete(Metadata($"v{version}.metadata.json"));

        var result = await sleeper.CommitAsync(seen, late.Requirements, late.Updates, None);

        Assert.Contains("version 30", Assert.IsType<CommitResult.Conflict>(result).Reason);
        Assert.False(File.Exists(Metadata("v13.metadata.json")));
        Assert.EndsWith("v30.metadata.json", (await sleeper.LoadAsync(Orders, None))!.MetadataLocation);
    }

    [Fact]
    public async Task A_table_that_the_store_refuses_to_create_is_told_with_the_store_s_reason()
    {
        _store.Before("v1.metadata.json", () => throw StoreException.Of(StoreFailureKind.Refused, "write", "v1.metadata.json", "not implemented (501)", "Use another store."));

        var exception = await Assert.ThrowsAsync<IOException>(async () => await CreateAsync());

        Assert.EndsWith("could not be created: Could not write v1.metadata.json: not implemented (501). Use another store.", exception.Message);
    }

    [Fact]
    public async Task A_commit_whose_base_was_deleted_meanwhile_is_withdrawn()
    {
        var (table, _) = await CreateAsync();
        var attempt = await AttemptOnAsync(table, "a", "1");
        File.Delete(Metadata("v1.metadata.json"));

        var result = await _catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, None);

        Assert.IsType<CommitResult.Conflict>(result);
        Assert.Null(await _catalog.LoadAsync(Orders, None));
    }

    [Fact]
    public async Task A_commit_to_a_table_that_was_dropped_and_created_anew_is_withdrawn()
    {
        var (table, _) = await CreateAsync();
        var attempt = await AttemptOnAsync(table, "a", "1");
        Directory.Delete(_folder.Child("shop"), recursive: true);
        var (anew, _) = await CreateAsync();

        var result = await _catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, None);

        Assert.Contains(table.Metadata.TableUuid, Assert.IsType<CommitResult.Conflict>(result).Reason);
        Assert.Equal(anew.Metadata.TableUuid, (await LoadAsync()).Metadata.TableUuid);
        Assert.False(File.Exists(Metadata("v2.metadata.json")));
    }

    [Fact]
    public async Task A_commit_that_another_already_built_upon_is_committed_and_stays()
    {
        var (table, _) = await CreateAsync();
        var attempt = await AttemptOnAsync(table, "who", "own");
        _store.After("v2.metadata.json", async () => Assert.IsType<CommitResult.Committed>(await CommitAsync(await LoadAsync(), "who", "next")));

        var result = await _catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, None);

        Assert.IsType<CommitResult.Committed>(result);
        Assert.Equal(["next", "own"], (await LoadAsync()).Metadata.Lineage().Select(snapshot => snapshot.Summary["who"]));
        Assert.Equal("3", File.ReadAllText(Metadata("version-hint.text")));
    }

    [Fact]
    public async Task A_commit_beside_which_another_engine_wrote_the_same_version_compressed_is_withdrawn()
    {
        var (table, _) = await CreateAsync();
        var attempt = await AttemptOnAsync(table, "a", "1");
        _store.Before("v2.metadata.json", () =>
        {
            File.Copy(Metadata("v1.metadata.json"), Metadata("v2.gz.metadata.json"));
            return Task.CompletedTask;
        });

        var result = await _catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, None);

        Assert.IsType<CommitResult.Conflict>(result);
        Assert.False(File.Exists(Metadata("v2.metadata.json")));
    }

    [Fact]
    public async Task A_version_that_was_seen_and_is_gone_is_looked_for_among_all()
    {
        await CreateAsync();
        for (var version = 2; version <= 13; version++) await CommitAsync(await LoadAsync(), "a", $"{version}");
        for (var version = 9; version <= 13; version++) File.Delete(Metadata($"v{version}.metadata.json"));

        Assert.EndsWith("v8.metadata.json", (await LoadAsync()).MetadataLocation);
    }

    [Fact]
    public async Task The_hint_is_neither_trusted_nor_lowered()
    {
        var (table, _) = await CreateAsync();
        File.WriteAllText(Metadata("version-hint.text"), "7");

        await CommitAsync(table, "a", "1");

        Assert.Equal("7", File.ReadAllText(Metadata("version-hint.text")));
        Assert.EndsWith("v2.metadata.json", (await LoadAsync()).MetadataLocation);
    }

    [Fact]
    public async Task A_compressed_metadata_file_is_read_and_the_next_version_is_plain()
    {
        var (table, _) = await CreateAsync();
        using (var file = File.Create(Metadata("v2.gz.metadata.json")))
        using (var gzip = new System.IO.Compression.GZipStream(file, System.IO.Compression.CompressionLevel.Fastest))
            gzip.Write(File.ReadAllBytes(Metadata("v1.metadata.json")));

        var loaded = await LoadAsync();
        await CommitAsync(loaded, "a", "1");

        Assert.EndsWith("v2.gz.metadata.json", loaded.MetadataLocation);
        Assert.EndsWith("v3.metadata.json", (await LoadAsync()).MetadataLocation);
    }

    [Fact]
    public async Task A_table_that_wants_its_metadata_compressed_gets_it_so()
    {
        await CreateAsync(("write.metadata.compression-codec", "gzip"));

        await CommitAsync(await LoadAsync(), "a", "1");
        var last = await CommitAsync(await LoadAsync(), "a", "2");

        var table = Assert.IsType<CommitResult.Committed>(last).Table;
        Assert.EndsWith("v3.gz.metadata.json", table.MetadataLocation);
        Assert.Equal("3", File.ReadAllText(Metadata("version-hint.text")));
        Assert.Equal([0x1F, 0x8B], File.ReadAllBytes(table.MetadataLocation)[..2]);
        var read = await new FileCatalog(new LocalStore(_ids), _folder.Path, _ids, TimeProvider.System).LoadAsync(Orders, None);
        Assert.Equal(TableMetadataJson.Write(table.Metadata).ToArray(), TableMetadataJson.Write(read!.Metadata).ToArray());
    }

    [Fact]
    public async Task Two_commits_on_one_version_race_for_one_name_though_one_of_them_changes_the_compression()
    {
        await CreateAsync();
        var table = await LoadAsync();

        var codec = new TableUpdate.SetProperties(TableMetadataSamples.Properties(("write.metadata.compression-codec", "gzip")));
        var first = await _catalog.CommitAsync(table, [], [codec], None);
        var second = await CommitAsync(table, "a", "1");
        var third = await CommitAsync(await LoadAsync(), "a", "1");

        Assert.EndsWith("v2.metadata.json", Assert.IsType<CommitResult.Committed>(first).Table.MetadataLocation);
        Assert.IsType<CommitResult.Conflict>(second);
        Assert.EndsWith("v3.gz.metadata.json", Assert.IsType<CommitResult.Committed>(third).Table.MetadataLocation);
    }

    [Fact]
    public async Task A_table_that_deletes_metadata_after_commits_is_refused()
    {
        var (table, _) = await CreateAsync();
        var updates = new TableUpdate[] { new TableUpdate.SetProperties(TableMetadataSamples.Properties(("write.metadata.delete-after-commit.enabled", "true"))) };

        var exception = await Assert.ThrowsAsync<UnsupportedTableException>(async () => await _catalog.CommitAsync(table, [], updates, None));

        Assert.Contains("write.metadata.delete-after-commit.enabled", exception.Message);
    }

    [Fact]
    public async Task The_metadata_log_is_cut_to_the_number_that_the_table_asks_for()
    {
        var (table, _) = await CreateAsync(("write.metadata.previous-versions-max", "2"));

        for (var i = 0; i < 4; i++) table = Assert.IsType<CommitResult.Committed>(await CommitAsync(table, "n", $"{i}")).Table;

        Assert.Equal(["v3.metadata.json", "v4.metadata.json"], table.Metadata.MetadataLog.Select(entry => Path.GetFileName(entry.MetadataFile)));
        Assert.True(File.Exists(Metadata("v1.metadata.json")));
    }

    [Fact]
    public async Task Metadata_that_is_cut_short_is_told_with_its_file()
    {
        await CreateAsync();
        File.WriteAllBytes(Metadata("v2.metadata.json"), File.ReadAllBytes(Metadata("v1.metadata.json"))[..100]);

        var exception = await Assert.ThrowsAsync<InvalidTableException>(async () => await _catalog.LoadAsync(Orders, None));

        Assert.Contains("v2.metadata.json", exception.Message);
    }

    private sealed class StandingClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddYears(56);
    }

    private string Metadata(string name) => _folder.Child("shop/web/orders/metadata/" + name);

    private ValueTask<(Table Table, bool IsCreated)> CreateAsync(params (string, string)[] properties) => CreateAsync(Orders, properties);

    private ValueTask<(Table Table, bool IsCreated)> CreateAsync(TableIdentifier identifier, params (string, string)[] properties)
    {
        var schema = Schema.FromRow(new RowType([new Field("id", new DataType.BigInt()), new Field("at", new DataType.Timestamp(3))]));
        var spec = PartitionSpec.Create(schema, [("at", new Transform.Day(), "date")]);
        return _catalog.CreateAsync(identifier, new NewTable(schema, spec, TableMetadataSamples.Properties(properties)), None);
    }

    private async Task<Table> LoadAsync() => (await _catalog.LoadAsync(Orders, None))!;

    private async Task<ChangeAttempt.Ready> AttemptOnAsync(Table table, string key, string value) =>
        (await AttemptAsync(await PreparedChange.PrepareAsync(table, [], _ids, None), table, key, value)).Attempt;

    private static async Task<(Table Base, ChangeAttempt.Ready Attempt)> AttemptAsync(PreparedChange prepared, Table table, string key, string value)
    {
        var timestamp = table.Metadata.NextTimestampMillis(new StandingClock().GetUtcNow());
        return (table, Assert.IsType<ChangeAttempt.Ready>(await prepared.AttemptAsync(table, timestamp, new Dictionary<string, string> { [key] = value }, [], None)));
    }

    private async Task<CommitResult> CommitAsync(Table table, string key, string value)
    {
        var attempt = await AttemptOnAsync(table, key, value);
        return await _catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, None);
    }
}
