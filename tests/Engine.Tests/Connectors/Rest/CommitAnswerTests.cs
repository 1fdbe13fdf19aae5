using System.Net;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Connectors.Rest;

/// <summary>
/// What each answer to a commit means. None is believed without a look at the table where own success is possible, and none
/// makes the catalog send the commit again.
/// </summary>
public sealed class CommitAnswerTests : IDisposable
{
    private readonly RestSetting _rest = new();

    public void Dispose() => _rest.Dispose();

    private async Task<Table> CreateAsync() => Assert.IsType<CommitResult.Committed>(await _rest.AppendAsync(await _rest.CreateAsync())).Table;

    [Fact]
    public async Task An_answer_of_success_counts_when_the_table_that_it_shows_holds_the_snapshot()
    {
        var table = await CreateAsync();
        // Apache Amoro, pull request 4291: a service answered 200 for commits that it had not made.
        _rest.Server.NextCommit(_ => _rest.Server.ShowOf(RestSetting.Orders));

        var unknown = Assert.IsType<CommitResult.Unknown>(await _rest.AppendAsync(table));

        Assert.Contains("showed a table without it", unknown.Cause.Message, StringComparison.Ordinal);
        Assert.Equal(2, _rest.Server.Commits.Count());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("""{"metadata-location":"x","metadata":{"format-version":2}}""")]
    public async Task An_answer_of_success_that_cannot_be_read_is_unknown(string body)
    {
        var table = await CreateAsync();
        _rest.Server.NextCommit(apply => { apply(); return ScriptedCatalog.Json(200, body); });

        Assert.IsType<CommitResult.Unknown>(await _rest.AppendAsync(table));

        Assert.Equal(2, (await _rest.LoadAsync()).Metadata.Snapshots.Length);
    }

    [Theory]
    [InlineData(408)]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    [InlineData(599)]
    public async Task A_failure_of_the_server_is_unknown_whether_the_commit_was_applied_or_not(int status)
    {
        var table = await CreateAsync();
        _rest.Server.NextCommit(apply => { apply(); return ScriptedCatalog.Error(status, "ServiceFailureException", "lost"); });
        _rest.Server.NextCommit(_ => ScriptedCatalog.Error(status, "ServiceFailureException", "lost"));

        var applied = Assert.IsType<CommitResult.Unknown>(await _rest.AppendAsync(table));
        var not = Assert.IsType<CommitResult.Unknown>(await _rest.AppendAsync(await _rest.LoadAsync()));

        Assert.Contains($"{status} (ServiceFailureException: lost)", applied.Cause.Message, StringComparison.Ordinal);
        Assert.Contains($"{status}", not.Cause.Message, StringComparison.Ordinal);
        Assert.Equal(3, _rest.Server.Commits.Count());
        Assert.Equal(2, (await _rest.LoadAsync()).Metadata.Snapshots.Length);
    }

    [Fact]
    public async Task A_503_with_Retry_After_is_not_sent_again()
    {
        var table = await CreateAsync();
        _rest.Server.NextCommit(apply =>
        {
            apply();
            var answer = ScriptedCatalog.Error(503, "SlowDownException", "later");
            answer.Headers.TryAddWithoutValidation("Retry-After", "1");
            return answer;
        });

        Assert.IsType<CommitResult.Unknown>(await _rest.AppendAsync(table));

        Assert.Equal(2, _rest.Server.Commits.Count());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_connection_that_is_cut_is_unknown_and_the_commit_is_not_sent_again(bool isApplied)
    {
        var table = await CreateAsync();
        _rest.Server.NextCommit(apply =>
        {
            if (isApplied) apply();
            throw new HttpRequestException("the connection was cut");
        });

        var unknown = Assert.IsType<CommitResult.Unknown>(await _rest.AppendAsync(table));

        Assert.Contains("the connection was cut", unknown.Cause.Message, StringComparison.Ordinal);
        Assert.Equal(2, _rest.Server.Commits.Count());
        Assert.Equal(isApplied ? 2 : 1, (await _rest.LoadAsync()).Metadata.Snapshots.Length);
    }

    [Fact]
    public async Task An_answer_whose_body_is_cut_is_unknown()
    {
        var table = await CreateAsync();
        _rest.Server.NextCommit(apply => { apply(); return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(new CutStream()) }; });

        Assert.IsType<CommitResult.Unknown>(await _rest.AppendAsync(table));
    }

    [Fact]
    public async Task An_answer_that_does_not_come_is_unknown_after_a_minute()
    {
        var table = await CreateAsync();
        _rest.Server.Hang = call =>
        {
            if (call.Method == "POST") _rest.Clock.Advance(TimeSpan.FromSeconds(60));
            return call.Method == "POST";
        };

        var unknown = Assert.IsType<CommitResult.Unknown>(await _rest.AppendAsync(table));

        Assert.Contains("no answer within 60 s", unknown.Cause.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_commit_that_is_cancelled_says_so()
    {
        var table = await CreateAsync();
        using var stop = new CancellationTokenSource();
        _rest.Server.Hang = call =>
        {
            stop.Cancel();
            return call.Method == "POST";
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _rest.AppendAsync(table, stop.Token));
    }

    [Fact]
    public async Task A_409_is_a_conflict_where_the_table_has_moved()
    {
        var table = await CreateAsync();
        await _rest.AppendAsync(await _rest.LoadAsync());

        var conflict = Assert.IsType<CommitResult.Conflict>(await _rest.AppendAsync(table));

        Assert.Contains("snapshot of 'main'", conflict.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_409_for_a_commit_that_got_through_is_success()
    {
        var table = await CreateAsync();
        // Apache Iceberg, pull request 12818: the request was sent again on its way, and met its own success.
        _rest.Server.NextCommit(apply => { apply(); return ScriptedCatalog.Error(409, "CommitFailedException", "Requirement failed: branch main has changed"); });

        var committed = Assert.IsType<CommitResult.Committed>(await _rest.AppendAsync(table));

        Assert.Equal(2, committed.Table.Metadata.Snapshots.Length);
    }

    [Fact]
    public async Task A_409_for_a_commit_of_which_the_table_shows_nothing_is_unknown_because_it_may_still_be_on_its_way()
    {
        var table = await CreateAsync();
        // Lakekeeper, pull request 1671: a key that is still being worked on. Polaris, pull request 5263: a lost answer of its database.
        _rest.Server.NextCommit(_ => ScriptedCatalog.Error(409, "RequestInProgress", "a request with this key is being worked on"));

        var unknown = Assert.IsType<CommitResult.Unknown>(await _rest.AppendAsync(table));

        Assert.Contains("409 (RequestInProgress", unknown.Cause.Message, StringComparison.Ordinal);
        Assert.Contains("stands as the commit expects it", unknown.Cause.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_409_of_which_nobody_can_tell_because_the_table_cannot_be_read_is_unknown()
    {
        var table = await CreateAsync();
        _rest.Server.NextCommit(apply =>
        {
            apply();
            _rest.Server.Script = _ => ScriptedCatalog.Error(500, "ServiceFailureException", "down");
            return ScriptedCatalog.Error(409, "CommitFailedException", "?");
        });

        Assert.IsType<CommitResult.Unknown>(await _rest.AppendAsync(table));
    }

    [Fact]
    public async Task A_400_is_a_conflict_where_the_table_has_moved()
    {
        var table = await CreateAsync();
        // Databricks answers lost races so (Apache Iceberg, pull request 16644).
        _rest.Server.NextCommit(_ =>
        {
            _rest.ForeignAppendAsync().GetAwaiter().GetResult();
            return ScriptedCatalog.Error(400, "BadRequestException", "Commit validation failed");
        });

        Assert.IsType<CommitResult.Conflict>(await _rest.AppendAsync(table));
    }

    [Fact]
    public async Task A_400_is_a_conflict_where_another_commit_took_the_sequence_number()
    {
        var table = await CreateAsync();
        // Polaris before pull request 5138: a commit on another branch moves the sequence number, and main stays.
        _rest.Server.NextCommit(apply =>
        {
            _rest.Server.Change(RestSetting.Orders, metadata => [new TableUpdate.AddSnapshot(new Snapshot(
                new SnapshotId(77), null, metadata.LastSequenceNumber + 1, metadata.LastUpdatedMillis + 1, "/none.avro", new Dictionary<string, string>(), null))]);
            return apply();
        });

        var conflict = Assert.IsType<CommitResult.Conflict>(await _rest.AppendAsync(table));

        Assert.Contains("sequence number 2", conflict.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_400_for_a_snapshot_that_was_rolled_back_is_a_conflict_that_says_so()
    {
        var table = await CreateAsync();
        var head = table.Metadata.CurrentSnapshotId!.Value;
        _rest.Server.NextCommit(apply =>
        {
            apply();
            _rest.Server.Change(RestSetting.Orders, _ => [new TableUpdate.SetSnapshotRef(SnapshotRef.Main, new SnapshotRef(head, SnapshotRefKind.Branch))]);
            return ScriptedCatalog.Error(400, "ValidationException", "Snapshot already exists");
        });

        var conflict = Assert.IsType<CommitResult.Conflict>(await _rest.AppendAsync(table));

        Assert.Contains("rolled back past it", conflict.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400, "server's log and its limits")]
    [InlineData(404, "takes no commits at this address")]
    [InlineData(405, "takes no commits at this address")]
    [InlineData(406, "takes no commits at this address")]
    [InlineData(422, "server's log and its limits")]
    [InlineData(501, "takes no commits at this address")]
    public async Task A_refusal_of_a_commit_that_would_fit_the_table_needs_a_person(int status, string remedy)
    {
        var table = await CreateAsync();
        _rest.Server.NextCommit(_ => ScriptedCatalog.Error(status, "Refusal", "no"));

        var refusal = await Assert.ThrowsAsync<UnsupportedTableException>(() => _rest.AppendAsync(table));

        Assert.Contains($"{status} (Refusal: no)", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(remedy, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(2, _rest.Server.Commits.Count());
    }

    [Fact]
    public async Task A_404_is_a_conflict_where_the_table_is_gone()
    {
        var table = await CreateAsync();
        _rest.Server.Drop(RestSetting.Orders);

        var conflict = Assert.IsType<CommitResult.Conflict>(await _rest.AppendAsync(table));

        Assert.Contains("gone", conflict.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    [InlineData(419)]
    public async Task Refused_credentials_that_cannot_be_renewed_are_no_commit(int status)
    {
        var table = await CreateAsync();
        _rest.Server.NextCommit(_ => ScriptedCatalog.Error(status, "NotAuthorizedException", "no"));

        var failure = await Assert.ThrowsAsync<CatalogException>(() => _rest.AppendAsync(table));

        Assert.Contains("credentials", failure.Remedy, StringComparison.Ordinal);
        Assert.Single((await _rest.LoadAsync()).Metadata.Snapshots);
    }

    [Fact]
    public async Task A_429_is_no_commit_and_the_server_is_left_alone_as_long_as_it_asks()
    {
        var table = await CreateAsync();
        _rest.Server.NextCommit(_ =>
        {
            var answer = ScriptedCatalog.Error(429, "TooManyRequestsException", "slow down");
            answer.Headers.TryAddWithoutValidation("Retry-After", "20");
            return answer;
        });
        var startedAt = _rest.Clock.GetTimestamp();

        var conflict = Assert.IsType<CommitResult.Conflict>(await _rest.AppendAsync(table));

        Assert.Contains("fewer requests", conflict.Reason, StringComparison.Ordinal);
        Assert.True(_rest.Clock.GetElapsedTime(startedAt) >= TimeSpan.FromSeconds(20));
        Assert.Equal(2, _rest.Server.Commits.Count());
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task A_redirect_of_a_commit_is_not_followed(int status)
    {
        var table = await CreateAsync();
        // Databricks answers 303 where the workspace is missing in the host's name.
        _rest.Server.NextCommit(_ => Redirected(status));

        var failure = await Assert.ThrowsAsync<UnsupportedTableException>(() => _rest.AppendAsync(table));

        Assert.Contains("https://other.test", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("token", failure.Message, StringComparison.Ordinal);
        Assert.Equal(2, _rest.Server.Commits.Count());
    }

    [Fact]
    public async Task A_redirect_after_the_commit_was_done_is_success()
    {
        var table = await CreateAsync();
        _rest.Server.NextCommit(apply => { apply(); return Redirected(303); });

        Assert.IsType<CommitResult.Committed>(await _rest.AppendAsync(table));
    }

    private static HttpResponseMessage Redirected(int status)
    {
        var answer = new HttpResponseMessage((HttpStatusCode)status);
        answer.Headers.Location = new Uri("https://other.test/v1/x?token=abcdef");
        return answer;
    }

    [Fact]
    public async Task A_commit_that_the_loaded_table_contradicts_is_not_sent()
    {
        var table = await CreateAsync();

        var result = await _rest.Catalog.CommitAsync(table, [new TableRequirement.AssertDefaultSpecId(7)], [], default);

        Assert.IsType<CommitResult.Conflict>(result);
        Assert.Single(_rest.Server.Commits);
    }

    [Fact]
    public async Task A_commit_without_a_snapshot_is_never_taken_for_found()
    {
        var table = await CreateAsync();
        _rest.Server.NextCommit(apply => { apply(); return ScriptedCatalog.Error(409, "CommitFailedException", "?"); });

        var result = await _rest.Catalog.CommitAsync(
            table, [new TableRequirement.AssertTableUuid(table.Metadata.TableUuid)], [new TableUpdate.RemoveProperties(["x"])], default);

        Assert.IsType<CommitResult.Unknown>(result);
    }

    private sealed class CutStream : MemoryStream
    {
        public override int Read(byte[] buffer, int offset, int count) => throw new IOException("cut");

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new IOException("cut");
    }
}
