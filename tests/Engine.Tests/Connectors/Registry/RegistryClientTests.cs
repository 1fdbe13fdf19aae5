using System.Net;
using Matih.Connectors;
using Matih.Connectors.Registry;
using Matih.Registry;

namespace Matih.Engine.Tests.Connectors.Registry;

public sealed class RegistryClientTests : IDisposable
{
    private readonly ScriptedRegistry _server = new();

    public void Dispose() => _server.Dispose();

    private static Task<RegisteredSchema?> FindAsync(RegistryClient client, int id) => client.FindAsync(SchemaKey.Of(id), default).AsTask();

    private async Task<SchemaRegistryException> RefusalAsync(RegistryClient? client = null, int id = 7) => await Assert.ThrowsAsync<SchemaRegistryException>(() => FindAsync(client ?? _server.Open(), id));

    [Fact]
    public async Task A_schema_is_found_by_id_by_GUID_and_as_the_newest_of_a_subject()
    {
        var guid = Guid.Parse("01020304-0506-0708-090a-0b0c0d0e0f10");
        _server.Add(7, "\"string\"");
        _server.Answers[$"/schemas/guids/{guid}"] = """{"schema":"syntax = \"proto3\";","schemaType":"PROTOBUF","references":null}""";
        _server.Answers["/subjects/a%2Fb%20c/versions/latest"] = """{"subject":"a/b c","id":9,"version":3,"schemaType":"JSON","schema":"{}","extra":[{}]}""";
        var client = _server.Open();

        var byId = (await FindAsync(client, 7))!;
        var byGuid = (await client.FindAsync(SchemaKey.Of(guid), default))!;
        var latest = (await client.FindLatestAsync("a/b c", default))!;

        Assert.Equal((SchemaLanguage.Avro, "\"string\"", 7, null), (byId.Language, byId.Text, byId.Id, byId.Version));
        Assert.Equal((SchemaLanguage.Protobuf, "syntax = \"proto3\";", null, null), (byGuid.Language, byGuid.Text, byGuid.Id, byGuid.Version));
        Assert.Equal((SchemaLanguage.Json, "{}", 9, 3), (latest.Language, latest.Text, latest.Id, latest.Version));
    }

    [Fact]
    public async Task An_address_may_have_a_path_and_a_slash_at_its_end()
    {
        _server.Answers["/apis/ccompat/v7/schemas/ids/7"] = """{"schema":"\"int\""}""";

        Assert.NotNull(await FindAsync(_server.Open(ScriptedRegistry.Definition("http://registry.test/apis/ccompat/v7/")), 7));
    }

    [Fact]
    public async Task A_schema_is_asked_for_once_and_the_newest_version_each_time()
    {
        _server.Add(7, "\"string\"");
        _server.Answers["/subjects/s/versions/latest"] = """{"id":9,"version":3,"schema":"\"int\""}""";
        var client = _server.Open();

        Assert.Same(await FindAsync(client, 7), await FindAsync(client, 7));
        await client.FindLatestAsync("s", default);
        _server.Answers["/subjects/s/versions/latest"] = """{"id":10,"version":4,"schema":"\"int\""}""";
        var latest = await client.FindLatestAsync("s", default);

        Assert.Equal(4, latest!.Version);
        Assert.Equal(["/schemas/ids/7", "/subjects/s/versions/latest", "/subjects/s/versions/latest"], _server.Calls);
    }

    [Fact]
    public async Task Callers_that_ask_for_one_schema_at_once_share_a_request_and_one_that_gives_up_takes_it_from_nobody()
    {
        var gate = new TaskCompletionSource();
        _server.Gate = gate.Task;
        _server.Add(7, "\"string\"");
        var client = _server.Open();
        using var stop = new CancellationTokenSource();

        var first = client.FindAsync(SchemaKey.Of(7), stop.Token).AsTask();
        var others = Enumerable.Range(0, 50).Select(_ => FindAsync(client, 7)).ToList();
        await stop.CancelAsync();
        gate.SetResult();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.All(await Task.WhenAll(others), Assert.NotNull);
        Assert.Single(_server.Calls);
    }

    [Fact]
    public async Task Of_more_schemas_than_are_kept_the_oldest_is_asked_for_again()
    {
        _server.Script = _ => ScriptedRegistry.Json(200, """{"schema":"\"int\""}""");
        var client = _server.Open();
        for (var id = 1; id <= 10_001; id++) await FindAsync(client, id);

        await FindAsync(client, 2);
        Assert.Equal(10_001, _server.Calls.Count);
        await FindAsync(client, 1);

        Assert.Equal(10_002, _server.Calls.Count);
    }

    [Fact]
    public async Task An_id_that_the_registry_does_not_know_yet_is_asked_for_again_for_a_while()
    {
        _server.NextError(404, 40403, times: 3);
        _server.Add(7, "\"string\"");

        Assert.NotNull(await FindAsync(_server.Open(), 7));

        Assert.Equal(4, _server.Calls.Count);
        Assert.InRange(_server.Clock.Elapsed, TimeSpan.FromMilliseconds(300), TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task An_id_that_nobody_knows_stays_unknown_for_five_seconds_and_is_then_asked_for_once()
    {
        var client = _server.Open();

        Assert.Null(await FindAsync(client, 7));
        var patient = _server.Calls.Count;
        Assert.InRange(_server.Clock.Elapsed, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5));
        Assert.InRange(patient, 5, 12);
        _server.Clock.Advance(TimeSpan.FromSeconds(4));
        Assert.Null(await FindAsync(client, 7));
        Assert.Equal(patient, _server.Calls.Count);
        _server.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await FindAsync(client, 7));
        Assert.Equal(patient + 1, _server.Calls.Count);
        _server.Add(7, "\"string\"");
        _server.Clock.Advance(TimeSpan.FromSeconds(5));

        Assert.NotNull(await FindAsync(client, 7));
    }

    [Theory]
    [InlineData(40401)]
    [InlineData(40402)]
    [InlineData(40403)]
    public async Task A_subject_that_nobody_knows_has_no_newest_version(int code)
    {
        _server.NextError(404, code);

        Assert.Null(await _server.Open().FindLatestAsync("s", default));

        Assert.Single(_server.Calls);
    }

    [Theory]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("")]
    public async Task A_subject_whose_name_is_another_path_is_not_asked_for(string subject)
    {
        var refusal = await Assert.ThrowsAsync<SchemaRegistryException>(() => _server.Open().FindLatestAsync(subject, default));

        Assert.False(refusal.IsTransient);
        Assert.Empty(_server.Calls);
    }

    [Theory]
    [InlineData("/schemas/ids/7", """{"error_code":404,"message":"HTTP 404 Not Found"}""", "The schema registry http://registry.test answered GET /schemas/ids/7 with 404 (HTTP 404 Not Found). Check the address: it is what comes before /schemas and /subjects.")]
    [InlineData("/schemas/ids/7", """{"error_code":0,"message":"no such path"}""", "The schema registry http://registry.test answered GET /schemas/ids/7 with 404 (0: no such path). Check the address: it is what comes before /schemas and /subjects.")]
    [InlineData("/schemas/ids/7", "<html>", "The schema registry http://registry.test answered GET /schemas/ids/7 with 404. Check the address: it is what comes before /schemas and /subjects.")]
    [InlineData("/schemas/guids/01020304-0506-0708-090a-0b0c0d0e0f10", "", "The schema registry http://registry.test answered GET /schemas/guids/01020304-0506-0708-090a-0b0c0d0e0f10 with 404. It does not know schemas by their GUIDs, or its address is another one: that is what comes before /schemas and /subjects.")]
    public async Task A_404_that_is_not_the_registry_s_own_says_nothing_of_a_schema(string path, string body, string message)
    {
        _server.Next(_ => ScriptedRegistry.Json(404, body));
        var key = path.Contains("guids", StringComparison.Ordinal) ? SchemaKey.Of(Guid.Parse(path.Split('/')[^1])) : SchemaKey.Of(7);

        var refusal = await Assert.ThrowsAsync<SchemaRegistryException>(() => _server.Open().FindAsync(key, default).AsTask());

        Assert.Equal((message, false), (refusal.Message, refusal.IsTransient));
        Assert.Equal([path], _server.Calls);
    }

    [Theory]
    [InlineData(408)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    public async Task A_registry_that_is_busy_or_not_well_is_asked_again(int status)
    {
        _server.NextError(status, 50001);
        _server.Next(_ => throw new HttpRequestException("refused"));
        _server.NextError(status, 50001);
        _server.Add(7, "\"string\"");

        Assert.NotNull(await FindAsync(_server.Open(), 7));

        Assert.Equal(4, _server.Calls.Count);
    }

    [Fact]
    public async Task A_registry_that_stays_away_is_given_up_after_a_minute_and_asked_anew_by_the_next_caller()
    {
        _server.Script = _ => throw new HttpRequestException("Connection refused");
        var client = _server.Open();

        var refusal = await RefusalAsync(client);

        Assert.Equal(("The schema registry http://registry.test did not answer GET /schemas/ids/7: Connection refused. Check its address, the network and its health.", true), (refusal.Message, refusal.IsTransient));
        Assert.InRange(_server.Clock.Elapsed, TimeSpan.FromSeconds(50), TimeSpan.FromSeconds(60));
        Assert.InRange(_server.Calls.Count, 12, 40);
        _server.Script = _ => ScriptedRegistry.Json(200, """{"schema":"\"int\""}""");
        Assert.NotNull(await FindAsync(client, 7));
    }

    [Fact]
    public async Task Who_wants_to_know_soon_does_not_wait_for_a_minute()
    {
        _server.Script = _ => ScriptedRegistry.Error(503, 50001);

        var refusal = await RefusalAsync(_server.Open(limits: new CallLimits(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(20))));

        Assert.True(refusal.IsTransient);
        Assert.InRange(_server.Clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task A_pause_that_the_registry_asks_for_is_made()
    {
        _server.Next(_ => Later(10));
        _server.Add(7, "\"string\"");

        Assert.NotNull(await FindAsync(_server.Open(), 7));

        Assert.InRange(_server.Clock.Elapsed, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(11));
    }

    [Fact]
    public async Task A_pause_that_is_too_long_is_a_failure_at_once()
    {
        _server.Next(_ => Later(61));

        var refusal = await RefusalAsync();

        Assert.Equal(("The schema registry http://registry.test answered GET /schemas/ids/7 with 429 (42901: a message). It asks for fewer requests: ask for a higher limit.", true), (refusal.Message, refusal.IsTransient));
        Assert.Equal(TimeSpan.Zero, _server.Clock.Elapsed);
    }

    private static HttpResponseMessage Later(int seconds)
    {
        var answer = ScriptedRegistry.Error(429, 42901);
        answer.Headers.TryAddWithoutValidation("Retry-After", $"{seconds}");
        return answer;
    }

    [Fact]
    public async Task An_answer_that_does_not_come_is_not_waited_for_longer_than_twenty_seconds()
    {
        _server.Gate = new TaskCompletionSource().Task;
        _server.Add(7, "\"string\"");
        var found = FindAsync(_server.Open(), 7);
        Assert.Single(_server.Calls);

        _server.Gate = Task.CompletedTask;
        Assert.False(found.IsCompleted);
        _server.Clock.Advance(TimeSpan.FromSeconds(20));

        Assert.NotNull(await found);
        Assert.Equal(2, _server.Calls.Count);
    }

    [Fact]
    public async Task Of_several_addresses_the_next_is_asked_and_stayed_with()
    {
        var isDown = "a";
        _server.Script = request => request.RequestUri!.Host == isDown ? throw new HttpRequestException("down") : ScriptedRegistry.Json(200, """{"schema":"\"int\""}""");
        var client = _server.Open(ScriptedRegistry.Definition("http://a,http://b,http://c"));

        await FindAsync(client, 1);
        await FindAsync(client, 2);
        isDown = "b";
        await FindAsync(client, 3);

        Assert.Equal(["a/schemas/ids/1", "b/schemas/ids/1", "b/schemas/ids/2", "b/schemas/ids/3", "c/schemas/ids/3"], _server.Calls);
    }

    [Theory]
    [InlineData("", "it is not JSON")]
    [InlineData("<html>", "it is not JSON")]
    [InlineData("[]", "expected an object")]
    [InlineData("{}", "it has no text 'schema'")]
    [InlineData("""{"schema":7}""", "it has no text 'schema'")]
    [InlineData("""{"schema":"\ud800"}""", "it is not JSON")]
    [InlineData("""{"schema":"x","schemaType":"THRIFT"}""", "its schemaType is 'THRIFT', expected AVRO, PROTOBUF or JSON")]
    [InlineData("""{"schema":"x","references":{}}""", "its references are no array")]
    [InlineData("""{"schema":"x","references":[7]}""", "a reference is no object")]
    [InlineData("""{"schema":"x","references":[{"name":"a","version":1}]}""", "it has no text 'subject'")]
    [InlineData("""{"schema":"x","references":[{"name":"a","subject":"b"}]}""", "a reference has no version from 1 on")]
    [InlineData("""{"schema":"x","references":[{"name":"a","subject":"b","version":99999999999}]}""", "a reference has no version from 1 on")]
    public async Task An_answer_that_is_no_schema_is_a_failure_that_says_why(string body, string reason)
    {
        _server.Next(_ => ScriptedRegistry.Json(200, body));

        var refusal = await RefusalAsync();

        Assert.Equal(($"The schema registry http://registry.test answered GET /schemas/ids/7 with what is no schema: {reason}. Check the address: it is what comes before /schemas and /subjects.", false), (refusal.Message, refusal.IsTransient));
        Assert.Single(_server.Calls);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_answer_that_is_too_long_is_not_read(bool saysSo)
    {
        using var endless = new EndlessStream();
        _server.Next(_ =>
        {
            var content = new StreamContent(endless);
            if (saysSo) content.Headers.ContentLength = (10 << 20) + 1;
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = content };
        });

        var refusal = await RefusalAsync();

        Assert.Equal(("The schema registry http://registry.test answered GET /schemas/ids/7 at too great length. The answer is longer than 10 MiB. Check the address: no schema is that long.", false), (refusal.Message, refusal.IsTransient));
        Assert.InRange(endless.ReadBytes, 0, saysSo ? 0 : 24 << 20);
    }

    /// <summary>Gives letters without end.</summary>
    private sealed class EndlessStream : MemoryStream
    {
        public long ReadBytes { get; private set; }

        public override bool CanSeek => false;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            buffer.Span.Fill((byte)'x');
            ReadBytes += buffer.Length;
            return new(buffer.Length);
        }
    }
}
