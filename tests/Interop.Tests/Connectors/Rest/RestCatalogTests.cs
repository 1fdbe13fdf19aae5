using System.Collections.Immutable;
using System.Text.Json;
using Matih.Connectors.Rest;
using Matih.Definition;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Storage;
using RestServer = Matih.Fixtures.RestCatalog;

namespace Matih.Interop.Tests.Connectors.Rest;

/// <summary>Our client of REST catalogs against Iceberg's own server, with Java and Python as the other writers.</summary>
public sealed class RestCatalogTests(SharedRestCatalog shared)
{
    private readonly TableIdentifier _orders = RestTables.NewName();

    [Fact]
    public async Task A_table_is_created_committed_to_and_read_by_Java_and_Python()
    {
        var server = await shared.ServerAsync();
        var catalog = RestTables.Client(server);

        var (table, isCreated) = await catalog.CreateAsync(_orders, RestTables.Blank(("write.parquet.compression-codec", "zstd")), default);
        var first = Assert.IsType<CommitResult.Committed>(await RestTables.AppendAsync(catalog, table)).Table;
        var second = Assert.IsType<CommitResult.Committed>(await RestTables.AppendAsync(catalog, first)).Table;

        Assert.True(isCreated);
        Assert.False((await catalog.CreateAsync(_orders, RestTables.Blank(), default)).IsCreated);
        Assert.Equal(second.MetadataLocation, (await catalog.LoadAsync(_orders, default))!.MetadataLocation);
        Assert.Equal(second.Metadata.CurrentSnapshotId, second.Metadata.Refs["matih-orders-lake"].SnapshotId);
        Assert.Equal(long.MaxValue, second.Metadata.Refs["matih-orders-lake"].MaxRefAgeMillis);
        await IcebergReference.CheckAsync(IcebergTarget.Rest(server.Uri, $"{_orders}"));
        var seen = await PyIceberg.RunAsync(
            """
            import json, sys
            from pyiceberg.catalog import load_catalog
            table = load_catalog("rest", type="rest", uri=sys.argv[1]).load_table(sys.argv[2])
            print(json.dumps({"snapshots": len(table.metadata.snapshots), "tag": table.refs()["matih-orders-lake"].snapshot_id}))
            """, server.Uri, $"{_orders}");
        Assert.Equal((2, second.Metadata.CurrentSnapshotId!.Value.Value), (seen[0].GetProperty("snapshots").GetInt32(), seen[0].GetProperty("tag").GetInt64()));
    }

    [Fact]
    public async Task Java_and_Python_write_between_our_commits_and_nothing_is_lost()
    {
        var server = await shared.ServerAsync();
        var catalog = RestTables.Client(server);
        var (table, _) = await catalog.CreateAsync(_orders, RestTables.Blank(), default);
        var target = IcebergTarget.Rest(server.Uri, $"{_orders}");

        Assert.IsType<CommitResult.Committed>(await RestTables.AppendAsync(catalog, table));
        await IcebergReference.AppendAsync(target, ["""{"id":1,"s":"java"}"""]);
        var conflict = Assert.IsType<CommitResult.Conflict>(await RestTables.AppendAsync(catalog, table));
        var afterJava = Assert.IsType<CommitResult.Committed>(await RestTables.AppendAsync(catalog, (await catalog.LoadAsync(_orders, default))!)).Table;
        await PyIceberg.RunAsync(
            """
            import sys, pyarrow as pa
            from pyiceberg.catalog import load_catalog
            table = load_catalog("rest", type="rest", uri=sys.argv[1]).load_table(sys.argv[2])
            schema = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("s", pa.string())])
            table.append(pa.table({"id": [2, 3], "s": ["python", None]}, schema=schema))
            """, server.Uri, $"{_orders}");
        var late = Assert.IsType<CommitResult.Conflict>(await RestTables.AppendAsync(catalog, afterJava));
        Assert.IsType<CommitResult.Committed>(await RestTables.AppendAsync(catalog, (await catalog.LoadAsync(_orders, default))!));

        Assert.Contains("main", conflict.Reason + late.Reason, StringComparison.Ordinal);
        Assert.Equal(3, await IcebergReference.CountAsync(target));
        var metadata = (await catalog.LoadAsync(_orders, default))!.Metadata;
        Assert.Equal(5, metadata.Lineage().Count());
        await IcebergReference.CheckAsync(target);
    }

    [Fact]
    public async Task Of_several_that_commit_at_once_each_gets_through_once()
    {
        var server = await shared.ServerAsync();
        var catalog = RestTables.Client(server);
        await catalog.CreateAsync(_orders, RestTables.Blank(), default);
        const int Writers = 4;
        const int CommitsEach = 3;

        var conflicts = await Task.WhenAll(Enumerable.Range(0, Writers).Select(async _ =>
        {
            var own = RestTables.Client(server);
            var lost = 0;
            for (var done = 0; done < CommitsEach;)
            {
                var table = (await own.LoadAsync(_orders, default))!;
                if (await RestTables.AppendAsync(own, table) is CommitResult.Committed) done++;
                else lost++;
            }
            return lost;
        }));

        var metadata = (await catalog.LoadAsync(_orders, default))!.Metadata;
        Assert.Equal(Writers * CommitsEach, metadata.Lineage().Count());
        Assert.Equal(Writers * CommitsEach, metadata.Snapshots.Length);
        Assert.True(conflicts.Sum() >= 0);
        await IcebergReference.CheckAsync(IcebergTarget.Rest(server.Uri, $"{_orders}"));
    }

    /// <summary>Two minutes of it in the soak.</summary>
    [Fact]
    public async Task Java_and_we_commit_at_the_same_time_and_lose_and_double_nothing_and_both_make_progress()
    {
        var isSoak = Soak.IsOn;
        const int CommitsMin = 3;
        // Each waits longer and longer, so that the other gets in between however slow the machine is.
        Task PauseAsync(int count) => Task.Delay(TimeSpan.FromSeconds(Math.Min(0.05 * Math.Pow(1.5, count), isSoak ? 0.5 : 20)));
        var server = await shared.ServerAsync();
        var catalog = RestTables.Client(server);
        await catalog.CreateAsync(_orders, RestTables.Blank(("commit.retry.num-retries", "1000"), ("commit.retry.max-wait-ms", "500")), default);
        var target = IcebergTarget.Rest(server.Uri, $"{_orders}");
        using var time = new CancellationTokenSource(isSoak ? TimeSpan.FromMinutes(2) : TimeSpan.FromSeconds(1));

        var java = Task.Run(async () =>
        {
            var count = 0;
            for (; count < CommitsMin || !time.IsCancellationRequested; await PauseAsync(count)) await IcebergReference.AppendAsync(target, [$$"""{"id":{{count++}},"s":"java"}"""]);
            return count;
        });
        var (ours, lostCount) = (new List<SnapshotId>(), 0);
        while (ours.Count < CommitsMin || !java.IsCompleted)
        {
            if (await RestTables.AppendAsync(catalog, (await catalog.LoadAsync(_orders, default))!) is CommitResult.Committed committed) ours.Add(committed.Table.Metadata.CurrentSnapshotId!.Value);
            else lostCount++;
            await Task.WhenAny(PauseAsync(ours.Count), java);
        }
        var javaCount = await java;

        var lineage = (await catalog.LoadAsync(_orders, default))!.Metadata.Lineage().Select(snapshot => snapshot.Id).ToList();
        TestContext.Current.TestOutputHelper?.WriteLine($"ours {ours.Count} commits and {lostCount} lost races, Java {javaCount} commits");
        Assert.Equal(ours.Select(id => id.Value).Order(), lineage.Where(ours.Contains).Select(id => id.Value).Order());
        Assert.Equal(ours.Count + javaCount, lineage.Count);
        Assert.Equal(javaCount, await IcebergReference.CountAsync(target));
        await IcebergReference.CheckAsync(target);
    }

    [Fact]
    public async Task A_token_that_the_server_does_not_know_is_refused_and_the_right_one_serves()
    {
        await using var server = await RestServer.StartAsync(TemporaryDirectory.New(), token: "the-right-token");

        var failure = await Assert.ThrowsAsync<CatalogException>(() => RestTables.Client(server, "the-wrong-token").LoadAsync(_orders, default).AsTask());

        Assert.Contains("401", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("the-wrong-token", failure.ToString(), StringComparison.Ordinal);
        Assert.Null(await RestTables.Client(server, "the-right-token").LoadAsync(_orders, default));
    }

    [Fact]
    public async Task A_table_of_another_engine_is_loaded_with_all_of_its_history()
    {
        var server = await shared.ServerAsync();
        var target = IcebergTarget.Rest(server.Uri, $"{_orders}");
        await IcebergReference.CreateAsync(target, "id long required, at timestamptz", "day(at)");
        for (var i = 0; i < 3; i++) await IcebergReference.AppendAsync(target, [$$"""{"id":{{i}},"at":"2026-01-0{{i + 1}}T00:00:00+00:00"}"""]);

        var catalog = RestTables.Client(server);
        var table = (await catalog.LoadAsync(_orders, default))!;
        var committed = Assert.IsType<CommitResult.Committed>(await RestTables.AppendAsync(catalog, table)).Table;

        Assert.Equal(3, table.Metadata.Lineage().Count());
        Assert.Equal(4, committed.Metadata.Lineage().Count());
        Assert.Equal(3, (await SnapshotReader.LiveFilesAsync(committed, committed.Metadata.CurrentSnapshot!, default)).Count);
        await IcebergReference.CheckAsync(target);
    }

    /// <summary>What a commit costs on the wire. This server gives an ETag with the whole table that it shows after each commit.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(20)]
    public async Task A_commit_costs_one_request_and_a_load_without_a_body(int snapshotCount)
    {
        var server = await shared.ServerAsync();
        using var counting = new CountingHandler();
        Assert.True(EndpointUrl.TryParse(server.Uri, out var address));
        var definition = new CatalogDefinition.Rest("rest", address!, null);
        var catalog = Matih.Connectors.Rest.RestCatalog.Open(
            definition, new LocalStore(RestTables.Ids), RestTables.Ids, TimeProvider.System, RestParts.Real(definition, TimeProvider.System) with { Handler = counting });
        var table = (await catalog.CreateAsync(_orders, RestTables.Blank(), default)).Table;
        for (var i = 0; i < snapshotCount; i++) table = Assert.IsType<CommitResult.Committed>(await RestTables.AppendAsync(catalog, table)).Table;
        counting.Sent.Clear();

        var loaded = (await catalog.LoadAsync(_orders, default))!;
        Assert.IsType<CommitResult.Committed>(await RestTables.AppendAsync(catalog, loaded));

        Assert.Equal(["GET", "POST"], counting.Sent.Select(sent => sent.Method));
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join(", ", counting.Sent.Select(sent => $"{sent.Method} {sent.Status}: {sent.RequestBytes} up, {sent.AnswerBytes} down")));
        Assert.Equal((304, 0), (counting.Sent[0].Status, counting.Sent[0].AnswerBytes));
    }

    /// <summary>Counts what goes over the wire.</summary>
    private sealed class CountingHandler() : DelegatingHandler(RestParts.CreateHandler())
    {
        public List<(string Method, int Status, long RequestBytes, long AnswerBytes)> Sent { get; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var answer = await base.SendAsync(request, cancellationToken);
            await answer.Content.LoadIntoBufferAsync(cancellationToken);
            Sent.Add((request.Method.Method, (int)answer.StatusCode, request.Content?.Headers.ContentLength ?? 0, (await answer.Content.ReadAsByteArrayAsync(cancellationToken)).Length));
            return answer;
        }
    }
}
