using System.Text;
using Matih.Connectors.Azure;
using Matih.Definition;
using Matih.Engine.Tests.Storage;
using Matih.Storage;
using static Matih.Engine.Tests.Connectors.Azure.ScriptedService;

namespace Matih.Engine.Tests.Connectors.Azure;

/// <summary>What the store makes of answers that a healthy service seldom gives.</summary>
public sealed class AzureBlobStoreTests
{
    private const string Location = Folder + "t/metadata/v2.metadata.json";
    private static readonly byte[] Content = "content"u8.ToArray();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_put_if_absent_is_one_request_with_its_condition()
    {
        var service = Of(Created);

        Assert.True(await service.Store().PutIfAbsentAsync(Location, Content, Token));

        var request = Assert.Single(service.Requests);
        Assert.Equal(("PUT", "https://acct.blob.core.windows.net/tables/db/t/metadata/v2.metadata.json"), (request.Kind, request.Uri.AbsoluteUri));
        Assert.Equal(("*", "BlockBlob"), (request.Headers["If-None-Match"], request.Headers["x-ms-blob-type"]));
        Assert.False(request.Headers.ContainsKey("Expect"));
        Assert.Equal(Content, request.Body);
    }

    [Theory]
    [InlineData(409, "BlobAlreadyExists")]
    [InlineData(409, "BlobImmutableDueToPolicy")]
    [InlineData(412, "ConditionNotMet")]
    [InlineData(412, "LeaseIdMissing")]
    public async Task An_answer_that_says_that_the_blob_exists_is_false(int status, string code)
    {
        var service = Of(Answer(status, code));

        Assert.False(await service.Store().PutIfAbsentAsync(Location, Content, Token));
        Assert.Single(service.Requests);
    }

    [Fact]
    public async Task A_token_that_may_create_but_not_replace_says_that_the_blob_exists()
    {
        foreach (var code in (string[])["UnauthorizedBlobOverwrite", "AuthorizationPermissionMismatch"])
        {
            var exists = Of(Answer(403, code), Answer(200));
            Assert.False(await exists.Store().PutIfAbsentAsync(Location, Content, Token));
            Assert.Equal(["PUT", "HEAD"], exists.Kinds);
        }

        var gone = Of(Answer(403, "UnauthorizedBlobOverwrite"), Answer(404, "BlobNotFound"));
        Assert.Equal(StoreFailureKind.Denied, (await FailureAsync(gone.Store().PutIfAbsentAsync(Location, Content, Token))).Kind);

        var hidden = Of(Answer(403, "UnauthorizedBlobOverwrite"), Answer(403, "AuthorizationPermissionMismatch"));
        Assert.Equal(StoreFailureKind.Denied, (await FailureAsync(hidden.Store().PutIfAbsentAsync(Location, Content, Token))).Kind);
    }

    [Fact]
    public async Task A_put_if_absent_that_was_turned_away_is_sent_again()
    {
        var service = Of(Answer(503, "ServerBusy"), Answer(429, null, "", ("Retry-After", "3")), NoConnection, Created);

        Assert.True(await service.Store().PutIfAbsentAsync(Location, Content, Token));
        Assert.Equal(4, service.Requests.Count);
        Assert.InRange(service.Clock.Elapsed, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(10));
    }

    public static TheoryData<string> LostAnswers => [.. Lost.Keys];

    private static Dictionary<string, Func<ScriptedService>> Lost { get; } = new()
    {
        ["500"] = () => Of(Answer(500, "InternalError"), Created),
        ["500 timed out"] = () => Of(Answer(500, "OperationTimedOut"), Created),
        ["502"] = () => Of(Answer(502), Created),
        ["503 of a gateway"] = () => Of(Answer(503), Created),
        ["504"] = () => Of(Answer(504), Created),
        ["408"] = () => Of(Answer(408), Created),
        ["another success"] = () => Of(Answer(200, null, "<html>"), Created),
        ["cut"] = () => Of(Cut, Created),
        ["silence"] = () =>
        {
            ScriptedService? service = null;
            return service = Of(request => service!.Silence(request), Created);
        },
    };

    [Theory]
    [MemberData(nameof(LostAnswers))]
    public async Task A_put_if_absent_whose_answer_is_lost_is_unknown_and_sent_once(string kind)
    {
        var service = Lost[kind]();

        var failure = await FailureAsync(service.Store().PutIfAbsentAsync(Location, Content, Token));

        Assert.Equal((StoreFailureKind.UnknownOutcome, Location), (failure.Kind, failure.Location));
        Assert.Single(service.Requests);
    }

    [Theory]
    [MemberData(nameof(LostAnswers))]
    public async Task What_may_be_sent_twice_is_sent_again_when_its_answer_is_lost(string kind)
    {
        var service = Lost[kind]();

        await service.Store().PutAsync(Location, Content, Token);

        Assert.Equal(2, service.Requests.Count);
    }

    [Fact]
    public async Task Attempts_end_after_half_a_minute_with_what_is_known()
    {
        var busy = Of(Answer(503, "ServerBusy"));
        var failure = await FailureAsync(busy.Store().PutIfAbsentAsync(Location, Content, Token));
        Assert.Equal(StoreFailureKind.Throttled, failure.Kind);
        Assert.InRange(busy.Clock.Elapsed, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(30));
        Assert.InRange(busy.Requests.Count, 5, 20);

        var cut = Of(Cut);
        Assert.Equal(StoreFailureKind.UnknownOutcome, (await FailureAsync(cut.Store().PutAsync(Location, Content, Token))).Kind);
        Assert.Equal(StoreFailureKind.UnknownOutcome, (await FailureAsync(cut.Store().DeleteAsync(Location, Token))).Kind);
        Assert.Equal(StoreFailureKind.Unreachable, (await FailureAsync(cut.Store().ReadAsync(Location, Token))).Kind);

        var dead = Of(NoConnection);
        Assert.Equal(StoreFailureKind.Unreachable, (await FailureAsync(dead.Store().PutAsync(Location, Content, Token))).Kind);
        Assert.InRange(dead.Clock.Elapsed, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(30));

        ScriptedService? silent = null;
        silent = Of(request => silent!.Silence(request));
        Assert.Equal(StoreFailureKind.Unreachable, (await FailureAsync(silent.Store().LengthAsync(Location, Token))).Kind);
        Assert.InRange(silent.Clock.Elapsed, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task An_endpoint_where_nobody_listens_is_unreachable_and_named()
    {
        // Port 9 (discard) of this machine.
        Assert.True(EndpointUrl.TryParse("http://127.0.0.1:9/acct", out var nobody));
        var access = new AzureAccess { Endpoint = nobody, Credential = AzureCredentialKind.AccountKey, AccountKey = new Secret(ScriptedService.Key) };

        var failure = await FailureAsync(new AzureBlobStore(access, new SeededIdSource(7), new LeapingClock()).PutIfAbsentAsync(Location, Content, Token));

        Assert.Equal(StoreFailureKind.Unreachable, failure.Kind);
        Assert.Contains("127.0.0.1:9", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_after_a_lost_answer_leaves_the_outcome_unknown()
    {
        var service = Of(Cut, Answer(403, "AuthenticationFailed"));

        var failure = await FailureAsync(service.Store().PutAsync(Location, Content, Token));

        Assert.Equal(StoreFailureKind.UnknownOutcome, failure.Kind);
        Assert.Contains("403 AuthenticationFailed", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(403, "AuthorizationPermissionMismatch", StoreFailureKind.Denied, "Storage Blob Data Contributor")]
    [InlineData(403, "AuthenticationFailed", StoreFailureKind.Denied, "expired")]
    [InlineData(403, "AuthorizationFailure", StoreFailureKind.Denied, "network rules")]
    [InlineData(401, "NoAuthenticationInformation", StoreFailureKind.Denied, "Give the catalog's settings a credential")]
    [InlineData(404, "ContainerNotFound", StoreFailureKind.Refused, "Create that container")]
    [InlineData(404, null, StoreFailureKind.Refused, "Check the account's address")]
    [InlineData(409, "ContainerBeingDeleted", StoreFailureKind.Refused, "Wait until the container is deleted")]
    [InlineData(409, "BlobArchived", StoreFailureKind.Refused, "archive tier")]
    [InlineData(400, "InvalidResourceName", StoreFailureKind.Refused, "Correct the address")]
    [InlineData(307, null, StoreFailureKind.Refused, "do not follow a redirect")]
    public async Task A_refusal_is_final_and_says_what_to_do(int status, string? code, StoreFailureKind kind, string remedy)
    {
        var service = Of(Answer(status, code, "", ("Location", "https://other.example/")));
        var store = service.Store();

        var failures = new List<StoreException>
        {
            await FailureAsync(store.PutAsync(Location, Content, Token)),
            await FailureAsync(store.ReadAsync(Location, Token)),
            await FailureAsync(store.LengthAsync(Location, Token)),
            await FailureAsync(store.DeleteAsync(Location, Token)),
            await FailureAsync(FirstAsync(store.ListAsync(Location, Token))),
        };

        Assert.Equal(failures.Count, service.Requests.Count);
        foreach (var failure in failures)
        {
            Assert.Equal((kind, Location), (failure.Kind, failure.Location));
            Assert.Contains($"answered {status}{(code is null ? "" : " " + code)} (request 11111111-2222-3333-4444-555555555555)", failure.Message, StringComparison.Ordinal);
            Assert.Contains("https://acct.blob.core.windows.net/tables", failure.Message, StringComparison.Ordinal);
            Assert.Contains(remedy, failure.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(403, "AuthenticationFailed", StoreFailureKind.Denied)]
    [InlineData(404, "ContainerNotFound", StoreFailureKind.Refused)]
    [InlineData(404, null, StoreFailureKind.Refused)]
    [InlineData(409, "ContainerBeingDeleted", StoreFailureKind.Refused)]
    public async Task A_put_if_absent_that_is_refused_is_sent_once(int status, string? code, StoreFailureKind kind)
    {
        var service = Of(Answer(status, code));

        Assert.Equal(kind, (await FailureAsync(service.Store().PutIfAbsentAsync(Location, Content, Token))).Kind);
        Assert.Single(service.Requests);
    }

    [Fact]
    public async Task An_absent_blob_is_deleted_and_one_with_snapshots_too()
    {
        var absent = Of(Cut, Answer(404, "BlobNotFound"));
        await absent.Store().DeleteAsync(Location, Token);
        Assert.Equal(2, absent.Requests.Count);

        var snapshots = Of(Answer(409, "SnapshotsPresent"), Answer(202));
        await snapshots.Store().DeleteAsync(Location, Token);
        Assert.False(snapshots.Requests[0].Headers.ContainsKey("x-ms-delete-snapshots"));
        Assert.Equal("include", snapshots.Requests[1].Headers["x-ms-delete-snapshots"]);
    }

    [Fact]
    public async Task A_read_that_fails_is_tried_again_and_one_that_ends_early_is_not_taken()
    {
        var service = Of(Answer(500, "InternalError"), Answer(503, "ServerBusy"), NoConnection, Answer(200, null, "whole"));

        Assert.Equal("whole"u8.ToArray(), await service.Store().ReadAsync(Location, Token));
        Assert.Equal(4, service.Requests.Count);
    }

    [Fact]
    public async Task A_listing_asks_for_pages_as_the_caller_comes_to_them()
    {
        var service = Of(Answer(200, null, Page("next1", ("db/a", 1, false))), Cut, Answer(200, null, Page("next2")), Answer(200, null, Page("", ("db/b", 2, false))));
        var items = service.Store().ListAsync(Folder, Token).GetAsyncEnumerator(Token);

        Assert.True(await items.MoveNextAsync());
        Assert.Equal((Folder + "a", 1), (items.Current.Location, items.Current.LengthBytes));
        Assert.Single(service.Requests);
        Assert.True(await items.MoveNextAsync());
        Assert.Equal((Folder + "b", 2), (items.Current.Location, items.Current.LengthBytes));
        Assert.False(await items.MoveNextAsync());

        Assert.Equal(4, service.Requests.Count);
        Assert.All(service.Requests, request => Assert.Contains("prefix=db%2F", request.Uri.Query, StringComparison.Ordinal));
        Assert.All(service.Requests.Skip(1).Take(2), request => Assert.Contains("marker=next1", request.Uri.Query, StringComparison.Ordinal));
        Assert.Contains("marker=next2", service.Requests[3].Uri.Query, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_listing_that_breaks_off_in_the_middle_of_an_answer_is_asked_again()
    {
        var page = Page("", ("db/a", 1, false));
        var service = Of(Answer(200, null, page[..(page.Length / 2)]), Answer(200, null, page));

        Assert.Equal(Folder + "a", await FirstAsync(service.Store().ListAsync(Folder, Token)));
        Assert.Equal(2, service.Requests.Count);
    }

    [Fact]
    public async Task Folders_of_a_hierarchical_namespace_are_no_objects()
    {
        var listing = Of(Answer(200, null, Page("", ("db/t", 0, true), ("db/t/x", 3, false), ("db/t/empty", 0, false))));
        var names = new List<string>();
        await foreach (var item in listing.Store().ListAsync(Folder, Token)) names.Add(item.Location[Folder.Length..]);
        Assert.Equal(["t/x", "t/empty"], names);
        Assert.Contains("include=metadata", listing.Requests[0].Uri.Query, StringComparison.OrdinalIgnoreCase);

        var folder = Of(Answer(200, null, "", ("x-ms-meta-Hdi_isfolder", "true")));
        Assert.Null(await folder.Store().ReadAsync(Folder + "t", Token));
        Assert.Null(await folder.Store().LengthAsync(Folder + "t", Token));
    }

    internal static async Task<StoreException> FailureAsync<T>(ValueTask<T> call) => await Assert.ThrowsAsync<StoreException>(async () => await call);

    internal static async Task<StoreException> FailureAsync<T>(Func<ValueTask<T>> call) => await Assert.ThrowsAsync<StoreException>(async () => await call());

    internal static async Task<StoreException> FailureAsync(ValueTask call) => await Assert.ThrowsAsync<StoreException>(async () => await call);

    internal static async ValueTask<string?> FirstAsync(IAsyncEnumerable<StoredObject> items)
    {
        await foreach (var item in items) return item.Location;
        return null;
    }

    private static string Page(string next, params (string Name, int LengthBytes, bool IsFolder)[] blobs)
    {
        var text = new StringBuilder("<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"https://acct.blob.core.windows.net/\" ContainerName=\"tables\"><Blobs>");
        foreach (var (name, length, isFolder) in blobs)
            text.Append("<Blob><Name>").Append(name).Append("</Name><Properties><Last-Modified>Sun, 29 Nov 2026 10:00:00 GMT</Last-Modified><Etag>0x1</Etag><Content-Length>")
                .Append(length).Append("</Content-Length><BlobType>BlockBlob</BlobType></Properties>")
                .Append(isFolder ? "<Metadata><hdi_isfolder>true</hdi_isfolder></Metadata>" : "").Append("</Blob>");
        return text.Append("</Blobs><NextMarker>").Append(next).Append("</NextMarker></EnumerationResults>").ToString();
    }
}
