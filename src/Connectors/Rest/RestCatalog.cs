using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Matih.Definition;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Connectors.Rest;

/// <summary>
/// A catalog that speaks Iceberg's REST protocol. A commit is one request, sent once: what its answer means is told by
/// <see cref="CommitAnswer"/>. Thread-safe.
/// </summary>
/// <remarks>
/// Source: Apache Iceberg REST catalog API (<c>rest-catalog-open-api.yaml</c>). Tables are loaded with all their snapshots:
/// <c>snapshots=refs</c> leaves out the parents by which ledgers are found. What has not changed is not sent again where the
/// server gives an ETag.
/// </remarks>
public sealed class RestCatalog : ICatalog
{
    /// <summary>By this property a table is known as ours where the answer to its creation was lost: its uuid is the server's choice.</summary>
    internal const string CreationProperty = "matih.creation-id";

    private const string KeyHeader = "Idempotency-Key";

    private readonly CatalogDefinition.Rest _definition;
    private readonly RestClient _client;
    private readonly IStore _store;

    /// <summary>Null where the catalog is not asked for credentials.</summary>
    private readonly LentStores? _lent;

    private readonly IIdSource _ids;
    private readonly TimeProvider _clock;
    private readonly SharedCall<RestConfiguration> _configuring;
    private volatile RestConfiguration? _configuration;

    /// <summary>The tables as they were last seen: a server with ETags can say that nothing has changed, and of an answer only what is new is parsed.</summary>
    private readonly ConcurrentDictionary<TableIdentifier, (string? ETag, Table Table)> _seen = new();

    private RestCatalog(CatalogDefinition.Rest definition, RestClient client, IStore store, LentStoreOpening? lending, IIdSource ids, TimeProvider clock)
    {
        _definition = definition;
        _client = client;
        _store = store;
        _lent = definition.IsVendingAsked && store is LocationStore locations && lending is not null ? new LentStores(locations, definition.Stores, lending, clock) : null;
        _ids = ids;
        _clock = clock;
        Name = NameOf(definition);
        _configuring = new SharedCall<RestConfiguration>(async () => _configuration ??= await ConfigureAsync());
    }

    public string Name { get; }

    /// <param name="store">Where its tables' files live; a <see cref="LocationStore"/> where the catalog may lend credentials.</param>
    /// <param name="parts">What a test plays; null for all that is real.</param>
    public static RestCatalog Open(CatalogDefinition.Rest definition, IStore store, IIdSource ids, TimeProvider clock, RestParts? parts = null)
    {
        parts ??= RestParts.Real(definition, clock);
        var http = new HttpMessageInvoker(parts.Handler, disposeHandler: false);
        var redaction = new RedactedText(definition.Headers.Values);
        return new RestCatalog(definition, ClientOf(new RestAuthentications(parts, http, redaction, clock).Create(definition.Auth, new Uri($"{RestConfiguration.RootOf(definition.Uri)}/v1/oauth/tokens"), definition.Headers)), store, parts.Lending, ids, clock);

        RestClient ClientOf(RestAuthentication authentication) => new(http, NameOf(definition), authentication, definition.Headers, redaction, clock, parts.Limits);
    }

    internal static string NameOf(CatalogDefinition.Rest definition) => $"REST catalog {definition.Uri}{(definition.Warehouse is { } warehouse ? $" (warehouse {warehouse})" : "")}";

    public async ValueTask<Table?> LoadAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        var configuration = await ConfigurationAsync(RestConfiguration.LoadTable, "load a table", cancellationToken);
        var known = _seen.GetValueOrDefault(identifier);
        var request = Loading(configuration, identifier);
        if (known.ETag is { } seen) request = request with { Headers = request.Headers.Add(("If-None-Match", seen)) };
        var answer = await _client.AskAsync(request, cancellationToken);
        if (answer.Status == 304 && known.ETag is not null) return known.Table;
        if (answer.IsSuccess) return Read(identifier, answer, configuration, isWithLoan: true) ?? throw Unreadable(identifier, answer);
        _seen.TryRemove(identifier, out _);
        // Only a catalog's own error says that there is no such table: a 404 of a proxy or of a wrong address does not.
        if (answer.Status == 404 && answer.ErrorType is not null) return null;
        throw _client.Failure(request, answer);
    }

    public async ValueTask<(Table Table, bool IsCreated)> CreateAsync(TableIdentifier identifier, NewTable table, CancellationToken cancellationToken)
    {
        if (await LoadAsync(identifier, cancellationToken) is { } existing) return (existing, false);
        var configuration = await ConfigurationAsync(RestConfiguration.CreateTable, "create a table", cancellationToken);
        var creation = _ids.NewUuid().ToString("D");
        var request = Keyed(configuration, new RestRequest(HttpMethod.Post, configuration.Tables(identifier), CreationOf(identifier, table, creation)) { Headers = Delegation });
        Exception? lost = null;
        try
        {
            var answer = await _client.SendAsync(request, cancellationToken);
            if (answer.Status == 404 && answer.ErrorType is not null)
            {
                await CreateNamespacesAsync(configuration, identifier.Namespace, cancellationToken);
                answer = await _client.SendAsync(Keyed(configuration, request), cancellationToken);
            }
            // AWS Glue wants to be told a location, and gives databases one.
            if (answer.Status == 400 && table.Location is null && await FolderOfAsync(configuration, identifier, cancellationToken) is { } folder)
            {
                request = request with { Body = CreationOf(identifier, table with { Location = $"{folder}/{identifier.Name}" }, creation) };
                answer = await _client.SendAsync(Keyed(configuration, request), cancellationToken);
            }
            if (answer.IsSuccess && ReadChanged(identifier, answer, configuration, isWithLoan: true) is { } created) return (created, true);
            var failure = _client.Failure(request, answer);
            if (!answer.IsSuccess && !answer.IsPassing && answer.Status != 409) throw failure;
            lost = failure;
        }
        catch (NoAnswerException e)
        {
            lost = e;
        }
        // Whether another caller or a lost answer of ours made the table: what stands there is the table.
        if (await LoadAsync(identifier, cancellationToken) is { } found) return (found, found.Metadata.Properties.GetValueOrDefault(CreationProperty) == creation);
        throw new CatalogException($"Table {identifier} could not be created in the {Name}: {lost.Message.TrimEnd('.')}.",
            "If this stays so, look for a view of that name, and into the server's log.", lost);
    }

    /// <summary>The location of a namespace; null where it has none.</summary>
    private async ValueTask<string?> FolderOfAsync(RestConfiguration configuration, TableIdentifier identifier, CancellationToken cancellationToken)
    {
        if (!configuration.Offers(RestConfiguration.LoadNamespace)) return null;
        var answer = await _client.AskAsync(new RestRequest(HttpMethod.Get, configuration.Namespace(identifier.Namespace)), cancellationToken);
        try
        {
            using var document = JsonDocument.Parse(answer.Body);
            return document.RootElement.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object
                && properties.TryGetProperty("location", out var location) && location.GetString() is { Length: > 0 } text ? text.TrimEnd('/') : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private byte[] CreationOf(TableIdentifier identifier, NewTable table, string creation)
    {
        table.CheckFormatVersion();
        return Json(writer =>
        {
            writer.WriteString("name", identifier.Name);
            if (table.Location is { } location) writer.WriteString("location", location);
            TableChangeJson.WriteShape(writer, table.Schema, table.Spec);
            writer.WriteBoolean("stage-create", false);
            writer.WriteStartObject("properties");
            foreach (var (name, value) in table.Properties) writer.WriteString(name, value);
            writer.WriteString("format-version", table.FormatVersion.ToString(CultureInfo.InvariantCulture));
            writer.WriteString(CreationProperty, creation);
            writer.WriteEndObject();
        });
    }

    /// <summary>Creates a namespace and those around it; one that exists is left as it is.</summary>
    private async ValueTask CreateNamespacesAsync(RestConfiguration configuration, ImmutableArray<string> levels, CancellationToken cancellationToken)
    {
        await ConfigurationAsync(RestConfiguration.CreateNamespace, "create a namespace", cancellationToken);
        for (var depth = 1; depth <= levels.Length; depth++)
        {
            var body = Json(writer =>
            {
                TableChangeJson.WriteNamespace(writer, levels[..depth]);
                writer.WriteStartObject("properties");
                writer.WriteEndObject();
            });
            // A namespace that exists answers 409, so that a request that is sent again does no harm.
            var request = new RestRequest(HttpMethod.Post, configuration.Namespaces, body);
            var answer = await _client.AskAsync(request, cancellationToken);
            if (!answer.IsSuccess && answer.Status != 409) throw _client.Failure(request, answer);
        }
    }

    public async ValueTask<CommitResult> CommitAsync(
        Table baseTable, IReadOnlyList<TableRequirement> requirements, IReadOnlyList<TableUpdate> updates, CancellationToken cancellationToken)
    {
        foreach (var requirement in requirements)
            if (requirement.Violation(baseTable.Metadata) is { } violation) return new CommitResult.Conflict(violation);
        var identifier = baseTable.Identifier;
        var configuration = await ConfigurationAsync(RestConfiguration.UpdateTable, "change a table", cancellationToken);
        var commit = new SentCommit(requirements, updates);
        var request = Keyed(configuration, new RestRequest(HttpMethod.Post, configuration.Table(identifier), TableChangeJson.Write(identifier, requirements, updates)));
        RestAnswer answer;
        try
        {
            answer = await _client.SendAsync(request, cancellationToken);
        }
        catch (NoAnswerException e)
        {
            return new CommitResult.Unknown(e);
        }
        switch (CommitAnswers.MeaningOf(answer))
        {
            case CommitAnswer.Applied:
                if (ReadChanged(identifier, answer, configuration, isWithLoan: false) is { } table && commit.IsIn(table.Metadata)) return new CommitResult.Committed(table);
                return Unknown("it answered that the commit is done, and showed a table without it");
            case CommitAnswer.NotApplied:
                if (answer.Status != 429) throw _client.Failure(request, answer);
                await Task.Delay(WaitOf(answer), _clock, cancellationToken);
                return new CommitResult.Conflict($"The {Name} asked for fewer requests: {_client.Describe(answer)}");
            case CommitAnswer.Doubtful:
                return await LookAsync(baseTable, commit, cancellationToken) ?? Unknown("the table stands as the commit expects it");
            case CommitAnswer.Refused:
                return await LookAsync(baseTable, commit, cancellationToken) ?? throw Refusal(identifier, request, answer);
            default:
                return Unknown("nobody knows what became of the commit");
        }

        CommitResult.Unknown Unknown(string why) => new(new NoAnswerException($"The {Name} answered the commit with {_client.Describe(answer)}; {why}"));
    }

    /// <summary>What the table itself says of a commit: it is there, or it cannot get there any more. Null where it says neither.</summary>
    private async ValueTask<CommitResult?> LookAsync(Table baseTable, SentCommit commit, CancellationToken cancellationToken)
    {
        try
        {
            var now = await LoadAsync(baseTable.Identifier, cancellationToken);
            if (now is not null && commit.CanBeFound && commit.IsIn(now.Metadata)) return new CommitResult.Committed(now);
            return commit.FindObstacle(now?.Metadata) is { } obstacle ? new CommitResult.Conflict(obstacle) : null;
        }
        catch (Exception e) when (e is CatalogException or UnsupportedTableException or InvalidTableException)
        {
            return new CommitResult.Unknown(e);
        }
    }

    private Exception Refusal(TableIdentifier identifier, RestRequest request, RestAnswer answer) => answer.IsRedirect
        ? _client.Failure(request, answer)
        : new UnsupportedTableException(
            $"The {Name} refuses the commit to {identifier}: it answered {_client.Describe(answer)}, and the table stands as the commit expects it. " +
            (answer.Status is 404 or 405 or 406 or 501 ? "Either the server takes no commits at this address, or this identity may only read." : "Look into the server's log and its limits."));

    private async ValueTask<RestConfiguration> ConfigurationAsync(string endpoint, string action, CancellationToken cancellationToken)
    {
        var configuration = _configuration ?? await _configuring.RunAsync(cancellationToken);
        if (configuration.Offers(endpoint)) return configuration;
        throw new UnsupportedTableException($"The {Name} does not offer to {action}: '{endpoint}' is not among the endpoints that its configuration lists. Use a server that does.");
    }

    private async Task<RestConfiguration> ConfigureAsync()
    {
        var request = new RestRequest(HttpMethod.Get, RestConfiguration.AddressOf(_definition));
        var answer = await _client.AskAsync(request, CancellationToken.None);
        if (!answer.IsSuccess) throw _client.Failure(request, answer);
        return RestConfiguration.Read(_definition, Name, answer.Body);
    }

    /// <summary>The request with a key of its own, where the server knows keys: if anybody between us sends it twice, it counts once.</summary>
    private RestRequest Keyed(RestConfiguration configuration, RestRequest request) =>
        configuration.KnowsIdempotencyKeys ? request with { Headers = [.. request.Headers.Where(header => header.Name != KeyHeader), (KeyHeader, NewKey().ToString("D"))] } : request;

    /// <summary>A UUID of version 7 (RFC 9562), which servers may require.</summary>
    private Guid NewKey()
    {
        Span<byte> bytes = stackalloc byte[16];
        _ids.NewUuid().TryWriteBytes(bytes, bigEndian: true, out _);
        var millis = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        for (var i = 0; i < 6; i++) bytes[i] = (byte)(millis >> (40 - 8 * i));
        bytes[6] = (byte)(bytes[6] & 0x0F | 0x70);
        bytes[8] = (byte)(bytes[8] & 0x3F | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>How long to leave the server alone: as long as it asks, up to half a minute.</summary>
    private static TimeSpan WaitOf(RestAnswer answer)
    {
        var asked = answer.RetryAfter ?? TimeSpan.FromSeconds(1);
        return asked < TimeSpan.Zero ? TimeSpan.Zero : asked < TimeSpan.FromSeconds(30) ? asked : TimeSpan.FromSeconds(30);
    }

    /// <summary>The table after a change; null where the answer shows none that can be read, so that the change has to be looked for.</summary>
    private Table? ReadChanged(TableIdentifier identifier, RestAnswer answer, RestConfiguration configuration, bool isWithLoan)
    {
        try
        {
            return Read(identifier, answer, configuration, isWithLoan);
        }
        catch (Exception e) when (e is InvalidTableException or UnsupportedTableException)
        {
            return null;
        }
    }

    /// <summary>The table that an answer holds; null where it holds none.</summary>
    /// <param name="isWithLoan">Whether the answer may hold credentials, which those to commits do not.</param>
    /// <exception cref="InvalidTableException">It holds one that contradicts the format.</exception>
    private Table? Read(TableIdentifier identifier, RestAnswer answer, RestConfiguration configuration, bool isWithLoan)
    {
        try
        {
            var known = _seen.GetValueOrDefault(identifier).Table?.Metadata;
            var history = HistoryJson.Cut(answer.Body, "metadata", known, $"{Name}, {identifier}");
            using var document = history.ParseRest();
            var json = document.RootElement;
            var location = json.TryGetProperty("metadata-location", out var file) && file.ValueKind == JsonValueKind.String ? file.GetString()! : $"{Name}, {identifier}";
            var metadata = TableMetadataJson.Read(json.GetProperty("metadata"), history, location);
            if (isWithLoan) TakeLoan(identifier, configuration, json, metadata);
            var traits = new CatalogTraits(NamesMetadata: true, configuration.KeepsHistory, IsConfined(identifier, metadata.Location.TrimEnd('/')));
            var table = new Table(identifier, location, metadata, _store) { Traits = traits };
            _seen[identifier] = (answer.ETag, table);
            // Without a known version the table keeps the text.
            if (known is not null) answer.ReleaseBody();
            return table;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>
    /// Whether a table's pipelines can keep nothing beside its folder: there is no such place, what the catalog lends does not
    /// reach it, or the service removes what no metadata names after days (Amazon S3 Tables).
    /// </summary>
    private bool IsConfined(TableIdentifier identifier, string location)
    {
        var isTableBucket = location.Split('/') is [_, "", var bucket, ..] && bucket.EndsWith("--table-s3", StringComparison.Ordinal);
        var beside = location[..Math.Max(0, location.LastIndexOf('/'))];
        return isTableBucket || _definition.Auth is RestAuth.SigV4 { Service: "s3tables" } || beside.EndsWith('/') || _lent?.IsOutOfReach(identifier, beside) == true;
    }

    /// <summary>Takes the credentials that came with a table.</summary>
    private void TakeLoan(TableIdentifier identifier, RestConfiguration configuration, JsonElement json, TableMetadata metadata)
    {
        if (_lent is null) return;
        var lent = LentCredentials.Read(json, configuration.Properties, metadata);
        if (lent.IsEmpty && LentCredentials.WantsToSign(json, configuration.Properties))
        {
            throw new UnsupportedTableException(
                $"The {Name} lends no credentials for {identifier}: it wants each request to the store signed by itself (s3.remote-signing-enabled), and a pipeline that wrote so would stand still with every hiccup of the catalog. " +
                "Let the catalog vend credentials, or give the catalog's entry credentials of its own for the store and vended_credentials: false.");
        }
        _lent.Lend(identifier, lent, () => AskForLoanAsync(configuration, identifier));
    }

    /// <summary>Credentials alone where the server has an endpoint for them; else the table, whether it has changed or not.</summary>
    private async Task<ImmutableArray<LentCredential>> AskForLoanAsync(RestConfiguration configuration, TableIdentifier identifier)
    {
        var hasOwn = configuration.Offers(RestConfiguration.LoadCredentials);
        var request = hasOwn ? new RestRequest(HttpMethod.Get, configuration.Table(identifier, "/credentials")) : Loading(configuration, identifier);
        var answer = await _client.AskAsync(request, CancellationToken.None);
        if (!answer.IsSuccess) throw _client.Failure(request, answer);
        try
        {
            var history = HistoryJson.Cut(answer.Body, "metadata", _seen.GetValueOrDefault(identifier).Table?.Metadata, Name);
            using var document = history.ParseRest();
            var metadata = hasOwn ? null : TableMetadataJson.Read(document.RootElement.GetProperty("metadata"), history, Name);
            return LentCredentials.Read(document.RootElement, configuration.Properties, metadata);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw Unreadable(identifier, answer);
        }
    }

    private RestRequest Loading(RestConfiguration configuration, TableIdentifier identifier) =>
        new(HttpMethod.Get, configuration.Table(identifier, "?snapshots=all")) { Headers = Delegation };

    private ImmutableArray<(string Name, string Value)> Delegation => _lent is null ? [] : [("X-Iceberg-Access-Delegation", "vended-credentials")];

    private CatalogException Unreadable(TableIdentifier identifier, RestAnswer answer) => new(
        $"The {Name} answered {answer.Status} for table {identifier}, with what is no table.", "Check its address, and what stands between it and here.");

    private static byte[] Json(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }
}
