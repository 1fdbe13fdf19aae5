using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Matih.Connectors.Rest;
using Matih.Definition;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Engine.Tests.Connectors.Rest;

/// <summary>A request as it came to the server.</summary>
internal sealed record RestCall(string Method, string Path, string Query, ImmutableSortedDictionary<string, string> Headers, string Body)
{
    public string? this[string header] => Headers.GetValueOrDefault(header.ToLowerInvariant());
}

/// <summary>
/// A REST catalog within the process: it keeps tables as the protocol says, and answers otherwise where a test scripts it.
/// Table metadata lies in the store, as with real servers.
/// </summary>
internal sealed class ScriptedCatalog(string warehouse, IStore store) : HttpMessageHandler
{
    private readonly Lock _lock = new();
    private readonly HashSet<string> _namespaces = [];
    private readonly Dictionary<string, (string File, TableMetadata Metadata)> _tables = [];
    private readonly ConcurrentQueue<Func<Func<HttpResponseMessage>, HttpResponseMessage>> _commits = new();
    private readonly ConcurrentQueue<Func<Func<HttpResponseMessage>, HttpResponseMessage>> _creations = new();
    private int _files;

    public ConcurrentQueue<RestCall> Calls { get; } = new();

    /// <summary>What the server says of itself.</summary>
    public string Config { get; set; } = """{"defaults":{},"overrides":{}}""";

    /// <summary>What comes before <c>/v1</c>.</summary>
    public string Root { get; set; } = "";

    /// <summary>What comes after <c>/v1</c>, with a slash before it.</summary>
    public string Prefix { get; set; } = "";

    public bool GivesETags { get; set; }

    public string ETagQuote { get; set; } = "\"";

    /// <summary>The members <c>config</c> and <c>storage-credentials</c> of loaded tables, with a comma before them.</summary>
    public string LoadMembers { get; set; } = "";

    /// <summary>Answers before the catalog does; null leaves the request to it.</summary>
    public Func<RestCall, HttpResponseMessage?>? Script { get; set; }

    /// <summary>Requests that get no answer.</summary>
    public Func<RestCall, bool>? Hang { get; set; }

    /// <summary>What becomes of a table's metadata before it is shown, where a server shows less or other than it was given.</summary>
    public Func<TableMetadata, TableMetadata>? Shown { get; set; }

    /// <summary>Answers the next commit; the function that it gets lets the catalog work on it.</summary>
    public void NextCommit(Func<Func<HttpResponseMessage>, HttpResponseMessage> answer) => _commits.Enqueue(answer);

    public void NextCreation(Func<Func<HttpResponseMessage>, HttpResponseMessage> answer) => _creations.Enqueue(answer);

    public void ClearScripts()
    {
        _commits.Clear();
        _creations.Clear();
    }

    public IEnumerable<RestCall> Commits => Calls.Where(call => call.Method == "POST" && call.Path.Split('/') is [.., "tables", _]);

    public IEnumerable<RestCall> Loads => Calls.Where(call => call.Method == "GET" && call.Path.Split('/') is [.., "tables", _]);

    public static HttpResponseMessage Json(int status, string body) => new((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };

    public static HttpResponseMessage Error(int status, string type, string message) =>
        Json(status, $$$"""{"error":{"message":"{{{message}}}","type":"{{{type}}}","code":{{{status}}}}}""");

    /// <summary>Changes a table as another client does.</summary>
    public TableMetadata Change(TableIdentifier identifier, Func<TableMetadata, IReadOnlyList<TableUpdate>> updates)
    {
        lock (_lock)
        {
            var key = KeyOf(identifier);
            var (file, metadata) = _tables[key];
            return Keep(key, file, metadata, updates(metadata));
        }
    }

    public void AddNamespace(string levels)
    {
        lock (_lock) _namespaces.Add(levels);
    }

    public void Drop(TableIdentifier identifier)
    {
        lock (_lock) _tables.Remove(KeyOf(identifier));
    }

    public TableMetadata MetadataOf(TableIdentifier identifier)
    {
        lock (_lock) return _tables[KeyOf(identifier)].Metadata;
    }

    /// <summary>Sets a table back to an earlier state, as a catalog with branches can.</summary>
    public void Put(TableIdentifier identifier, TableMetadata metadata)
    {
        lock (_lock) Keep(KeyOf(identifier), null, metadata, []);
    }

    /// <summary>The table as a load shows it.</summary>
    public HttpResponseMessage ShowOf(TableIdentifier identifier)
    {
        lock (_lock) return Show(KeyOf(identifier));
    }

    private static string KeyOf(TableIdentifier identifier) => $"{string.Join("%1F", identifier.Namespace)}/{identifier.Name}";

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
        var headers = request.Headers.NonValidated.Concat(request.Content?.Headers.NonValidated.AsEnumerable() ?? [])
            .ToImmutableSortedDictionary(header => header.Key.ToLowerInvariant(), header => string.Join(',', header.Value), StringComparer.Ordinal);
        var call = new RestCall(request.Method.Method, request.RequestUri!.AbsolutePath, request.RequestUri.Query, headers, body);
        Calls.Enqueue(call);
        if (Hang?.Invoke(call) == true) await Task.Delay(Timeout.Infinite, cancellationToken);
        if (Script?.Invoke(call) is { } scripted) return scripted;
        return Answer(call);
    }

    private HttpResponseMessage Answer(RestCall call)
    {
        if (call.Path == $"{Root}/v1/config") return Json(200, Config);
        var root = $"{Root}/v1{Prefix}/";
        if (!call.Path.StartsWith(root, StringComparison.Ordinal)) return new HttpResponseMessage(HttpStatusCode.NotFound);
        string[] parts = [call.Method, .. call.Path[root.Length..].Split('/')];
        return parts switch
        {
            ["POST", "namespaces"] => CreateNamespace(call),
            ["POST", "namespaces", var levels, "tables"] => With(_creations, () => Create(levels, call)),
            ["GET", "namespaces", var levels, "tables", var name] => Load($"{levels}/{name}", call),
            ["POST", "namespaces", var levels, "tables", var name] => With(_commits, () => Commit($"{levels}/{name}", call)),
            _ => Error(404, "NoSuchRouteException", "no such route"),
        };
    }

    private static HttpResponseMessage With(ConcurrentQueue<Func<Func<HttpResponseMessage>, HttpResponseMessage>> scripted, Func<HttpResponseMessage> act) =>
        scripted.TryDequeue(out var answer) ? answer(act) : act();

    private HttpResponseMessage CreateNamespace(RestCall call)
    {
        using var document = JsonDocument.Parse(call.Body);
        var name = string.Join("%1F", document.RootElement.GetProperty("namespace").EnumerateArray().Select(level => level.GetString()));
        lock (_lock) return _namespaces.Add(name) ? Json(200, "{}") : Error(409, "AlreadyExistsException", "exists");
    }

    private HttpResponseMessage Create(string levels, RestCall call)
    {
        using var document = JsonDocument.Parse(call.Body);
        var json = document.RootElement;
        lock (_lock)
        {
            if (!_namespaces.Contains(levels)) return Error(404, "NoSuchNamespaceException", "no such namespace");
            var key = $"{levels}/{json.GetProperty("name").GetString()}";
            if (_tables.ContainsKey(key)) return Error(409, "AlreadyExistsException", "exists");
            var schema = SchemaJson.ReadSchema(json.GetProperty("schema"));
            var spec = SchemaJson.ReadSpec(json.GetProperty("partition-spec"));
            var properties = json.GetProperty("properties").EnumerateObject().ToImmutableSortedDictionary(member => member.Name, member => member.Value.GetString()!, StringComparer.Ordinal);
            var metadata = new TableMetadata
            {
                FormatVersion = int.Parse(properties.GetValueOrDefault("format-version", "2"), CultureInfo.InvariantCulture),
                TableUuid = Guid.NewGuid().ToString("D"),
                Location = json.TryGetProperty("location", out var location) ? location.GetString()! : $"{warehouse}/{key.Replace("%1F", "/", StringComparison.Ordinal)}",
                LastUpdatedMillis = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(),
                LastColumnId = schema.HighestFieldId,
                CurrentSchemaId = schema.SchemaId,
                Schemas = [schema],
                DefaultSpecId = spec.SpecId,
                PartitionSpecs = [spec],
                LastPartitionId = spec.LastFieldId,
                SortOrders = [SortOrder.Unsorted],
                Properties = properties.Remove("format-version"),
            };
            Keep(key, null, metadata, []);
            return Show(key);
        }
    }

    private HttpResponseMessage Load(string key, RestCall call)
    {
        lock (_lock)
        {
            if (!_tables.TryGetValue(key, out var table)) return Error(404, "NoSuchTableException", "no such table");
            if (GivesETags && call["If-None-Match"] == ETagOf(table.File)) return new HttpResponseMessage(HttpStatusCode.NotModified);
            return Show(key);
        }
    }

    private HttpResponseMessage Commit(string key, RestCall call)
    {
        var (requirements, updates) = TableChangeReader.Read(call.Body);
        lock (_lock)
        {
            if (!_tables.TryGetValue(key, out var table)) return Error(404, "NoSuchTableException", "no such table");
            foreach (var requirement in requirements)
                if (requirement.Violation(table.Metadata) is { } violation) return Error(409, "CommitFailedException", violation);
            try
            {
                Keep(key, table.File, table.Metadata, updates);
            }
            catch (ArgumentException e)
            {
                return Error(400, "ValidationException", e.Message);
            }
            return Show(key);
        }
    }

    private TableMetadata Keep(string key, string? before, TableMetadata metadata, IReadOnlyList<TableUpdate> updates)
    {
        var after = TableUpdates.Apply(metadata, updates, metadata.LastUpdatedMillis);
        if (before is not null) after = after with { MetadataLog = after.MetadataLog.Add(new(metadata.LastUpdatedMillis, before)) };
        var file = string.Create(CultureInfo.InvariantCulture, $"{after.Location}/metadata/{_files++:00000}-{Guid.NewGuid()}.metadata.json");
        // The store of these tests completes at once.
        store.PutAsync(file, TableMetadataJson.Write(after), default).AsTask().GetAwaiter().GetResult();
        _tables[key] = (file, after);
        return after;
    }

    private HttpResponseMessage Show(string key)
    {
        var (file, metadata) = _tables[key];
        if (Shown is not null) metadata = Shown(metadata);
        var answer = Json(200, $$"""{"metadata-location":"{{file}}","metadata":{{Encoding.UTF8.GetString(TableMetadataJson.Write(metadata))}}{{LoadMembers}}}""");
        if (GivesETags) answer.Headers.TryAddWithoutValidation("ETag", ETagOf(file));
        return answer;
    }

    private string ETagOf(string file) => $"{ETagQuote}{Path.GetFileName(file)}{ETagQuote}";

    public static CatalogDefinition.Rest Definition(string uri = "http://catalog.test", string? warehouse = null)
    {
        Assert.True(EndpointUrl.TryParse(uri, out var url));
        return new CatalogDefinition.Rest("test", url!, warehouse);
    }

    /// <summary>A client of this server.</summary>
    public RestCatalog Open(IIdSource ids, TimeProvider clock, CatalogDefinition.Rest? definition = null) => RestCatalog.Open(definition ?? Definition(), store, ids, clock, Parts);

    /// <summary>A network on which there is only this server.</summary>
    public RestParts Parts => new(this, _ => throw new NotSupportedException(), (_, _) => throw new NotSupportedException(), null);
}
