using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Matih.Connectors.Rest;
using Matih.Definition;
using Matih.Iceberg.Catalogs;
using Matih.Registry;

namespace Matih.Connectors.Registry;

/// <summary>
/// A schema registry with Confluent's API, which others (Apicurio, Karapace, Redpanda) have as well. Schemas never change, so that
/// an answer is kept; a key that is unknown is asked for again. Only the address of the definition is ever asked, and no redirect followed.
/// </summary>
/// <remarks>Source: Confluent documentation, "Schema Registry API Reference": <c>GET /schemas/ids/{id}</c>, <c>/schemas/guids/{guid}</c>, <c>/subjects/{subject}/versions/{version}</c>.</remarks>
public sealed class ConfluentRegistry : ISchemaRegistry, IDisposable
{
    private const int ReferenceDepthMax = 32;
    private const int ReferenceCountMax = 1000;

    /// <summary>Beyond that nothing more is kept: a topic of so many schemas is not what this is for.</summary>
    private const int KeptMax = 10_000;

    private readonly ConcurrentDictionary<SchemaKey, RegisteredSchema> _kept = new();
    private readonly RestClient _client;
    private readonly HttpMessageInvoker _http;
    private readonly Uri _address;

    /// <param name="registry">A user and a password in it are shown to the registry (HTTP Basic), and never printed.</param>
    /// <param name="handler">Sends requests, without following redirects; null takes the machine's own.</param>
    /// <param name="limits">Null asks again for half a minute where there is no answer.</param>
    public ConfluentRegistry(EndpointUrl registry, TimeProvider clock, HttpMessageHandler? handler = null, CallLimits? limits = null)
    {
        var whole = registry.Reveal();
        _address = new Uri(whole.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped).TrimEnd('/') + "/");
        _http = new HttpMessageInvoker(handler ?? RestParts.CreateHandler(), disposeHandler: handler is null);
        var user = Uri.UnescapeDataString(whole.UserInfo);
        RestAuthentication authentication = user.Length == 0 ? new RestAuthentication.Anonymous() : new BasicAuthentication(user);
        var redaction = new RedactedText();
        if (user.Length != 0) redaction.Hide(user[(user.IndexOf(':', StringComparison.Ordinal) + 1)..]);
        _client = new RestClient(_http, $"schema registry {registry}", authentication, ImmutableSortedDictionary<string, Secret>.Empty, redaction, clock, limits);
    }

    public async ValueTask<RegisteredSchema?> FindAsync(SchemaKey key, CancellationToken cancellationToken)
    {
        if (_kept.TryGetValue(key, out var kept)) return kept;
        var path = key.Guid == Guid.Empty ? string.Create(CultureInfo.InvariantCulture, $"schemas/ids/{key.Id}") : $"schemas/guids/{key.Guid:D}";
        var schema = await AskAsync(path, cancellationToken);
        if (schema is not null && _kept.Count < KeptMax) _kept[key] = schema;
        return schema;
    }

    public Task<RegisteredSchema?> FindLatestAsync(string subject, CancellationToken cancellationToken) =>
        AskAsync($"subjects/{Uri.EscapeDataString(subject)}/versions/latest", cancellationToken);

    public void Dispose() => _http.Dispose();

    private Task<RegisteredSchema?> AskAsync(string path, CancellationToken cancellationToken) => AskAsync(path, new Dictionary<string, RegisteredSchema>(StringComparer.Ordinal), 0, cancellationToken);

    /// <param name="known">The references that were fetched on the way, by subject and version.</param>
    private async Task<RegisteredSchema?> AskAsync(string path, Dictionary<string, RegisteredSchema> known, int depth, CancellationToken cancellationToken)
    {
        if (depth > ReferenceDepthMax) throw new SchemaRegistryException($"{path}: schemas refer to each other more than {ReferenceDepthMax} levels deep.", isTransient: false);
        var request = new RestRequest(HttpMethod.Get, new Uri(_address, path));
        RestAnswer answer;
        try
        {
            answer = await _client.AskAsync(request, cancellationToken);
        }
        catch (CatalogException failure)
        {
            throw new SchemaRegistryException(failure.Failure, isTransient: true, failure);
        }
        if (answer.Status == 404 && IsUnknown(answer.Body)) return null;
        if (!answer.IsSuccess)
        {
            throw new SchemaRegistryException(answer.IsRedirect
                ? $"The schema registry {_address} answered {path} with {answer.Status}, a redirect, and redirects are not followed. Write the address that really serves it into the definition."
                : $"The schema registry {_address} answered {path} with {answer.Status}{MessageIn(answer.Body)}.", isTransient: false);
        }
        return await ReadAsync(path, answer.Body, known, depth, cancellationToken);
    }

    /// <summary>Subject not found, version not found, schema not found; any other 404 is of a server that is no registry.</summary>
    private static bool IsUnknown(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("error_code", out var code) && code.TryGetInt32(out var number) && number is >= 40_401 and <= 40_499;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string MessageIn(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("message", out var message) ? $": {message.GetString()}" : "";
        }
        catch (JsonException)
        {
            return "";
        }
    }

    private async Task<RegisteredSchema> ReadAsync(string path, ReadOnlyMemory<byte> body, Dictionary<string, RegisteredSchema> known, int depth, CancellationToken cancellationToken)
    {
        JsonElement root;
        try
        {
            using var json = JsonDocument.Parse(body);
            root = json.RootElement.Clone();
        }
        catch (JsonException fault)
        {
            throw new SchemaRegistryException($"The schema registry {_address} answered {path} with what is no JSON: {fault.Message}", isTransient: false, fault);
        }
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("schema", out var text) || text.ValueKind != JsonValueKind.String)
            throw new SchemaRegistryException($"The schema registry {_address} answered {path} without a 'schema'.", isTransient: false);
        var language = (root.TryGetProperty("schemaType", out var type) ? type.GetString() : "AVRO") switch
        {
            "AVRO" or null => SchemaLanguage.Avro,
            "PROTOBUF" => SchemaLanguage.Protobuf,
            "JSON" => SchemaLanguage.Json,
            var other => throw new SchemaRegistryException($"The schema registry {_address} answered {path} with a schema of type {other}, which is neither AVRO nor PROTOBUF nor JSON.", isTransient: false),
        };
        var references = ImmutableArray.CreateBuilder<SchemaReference>();
        if (root.TryGetProperty("references", out var list) && list.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in list.EnumerateArray()) references.Add(await ReferenceAsync(path, item, known, depth, cancellationToken));
        }
        return new RegisteredSchema(language, text.GetString()!, references.ToImmutable()) { Id = Number(root, "id"), Version = Number(root, "version") };
    }

    private async Task<SchemaReference> ReferenceAsync(string path, JsonElement item, Dictionary<string, RegisteredSchema> known, int depth, CancellationToken cancellationToken)
    {
        if (item.ValueKind != JsonValueKind.Object || Text(item, "name") is not { } name || Text(item, "subject") is not { } subject || Number(item, "version") is not { } version)
            throw new SchemaRegistryException($"The schema registry {_address} answered {path} with a reference that lacks name, subject or version.", isTransient: false);
        var reference = string.Create(CultureInfo.InvariantCulture, $"subjects/{Uri.EscapeDataString(subject)}/versions/{version}");
        if (known.TryGetValue(reference, out var found)) return new SchemaReference(name, found);
        if (known.Count >= ReferenceCountMax) throw new SchemaRegistryException($"{path}: it refers to more than {ReferenceCountMax} schemas.", isTransient: false);
        found = await AskAsync(reference, known, depth + 1, cancellationToken)
            ?? throw new SchemaRegistryException($"The schema registry {_address} does not know version {version} of subject '{subject}', to which {path} refers.", isTransient: false);
        known[reference] = found;
        return new SchemaReference(name, found);
    }

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static int? Number(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.TryGetInt32(out var number) ? number : null;

    private sealed class BasicAuthentication(string user) : RestAuthentication
    {
        private readonly AuthenticationHeaderValue _header = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(user)));

        public override ValueTask AuthorizeAsync(HttpRequestMessage request, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
        {
            request.Headers.Authorization = _header;
            return default;
        }
    }
}
