using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using Matih.Definition;

namespace Matih.Connectors.Rest;

/// <summary>What a server says of itself, with what the definition says: how to ask it, and what it offers.</summary>
/// <remarks>Source: Apache Iceberg REST catalog API, "v1/config": the server's defaults, then the client's own, then the server's overrides.</remarks>
internal sealed class RestConfiguration
{
    public const string LoadTable = "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}";
    public const string UpdateTable = "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}";
    public const string CreateTable = "POST /v1/{prefix}/namespaces/{namespace}/tables";
    public const string CreateNamespace = "POST /v1/{prefix}/namespaces";
    public const string LoadNamespace = "GET /v1/{prefix}/namespaces/{namespace}";
    public const string LoadCredentials = "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials";

    /// <summary>What servers offer that do not say what they offer.</summary>
    private static readonly FrozenSet<string> Legacy = FrozenSet.Create(StringComparer.Ordinal, LoadTable, UpdateTable, CreateTable, CreateNamespace, LoadNamespace);

    private readonly FrozenSet<string> _endpoints;
    private readonly string _root;
    private readonly string _separator;

    private RestConfiguration(IReadOnlyDictionary<string, string> properties, FrozenSet<string> endpoints)
    {
        Properties = properties;
        _endpoints = endpoints;
        _separator = properties.GetValueOrDefault("namespace-separator", "%1F");
        _root = $"{properties["uri"]}/v1{(properties.GetValueOrDefault("prefix") is { Length: > 0 } prefix ? $"/{Escaped(prefix)}" : "")}";
    }

    public IReadOnlyDictionary<string, string> Properties { get; }

    /// <summary>Whether the server takes a request that it knows from its key for the one before.</summary>
    public bool KnowsIdempotencyKeys => Properties.ContainsKey("idempotency-key-lifetime");

    /// <summary>Nessie marks itself: it keeps one snapshot of a table, and no tags.</summary>
    public bool KeepsHistory => !(bool.TryParse(Properties.GetValueOrDefault("nessie.is-nessie-catalog"), out var isNessie) && isNessie);

    public bool Offers(string endpoint) => _endpoints.Contains(endpoint);

    public Uri Namespaces => new($"{_root}/namespaces");

    public Uri Namespace(IReadOnlyList<string> levels) => new($"{_root}/namespaces/{string.Join(_separator, levels.Select(Uri.EscapeDataString))}");

    public Uri Tables(TableIdentifier table) => new($"{Namespace(table.Namespace)}/tables");

    public Uri Table(TableIdentifier table, string rest = "") => new($"{Tables(table)}/{Uri.EscapeDataString(table.Name)}{rest}");

    /// <summary>The address that the definition gives, without what is not part of it: user and query.</summary>
    public static string RootOf(EndpointUrl uri) => uri.Reveal().GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped).TrimEnd('/');

    public static Uri AddressOf(CatalogDefinition.Rest definition) =>
        new($"{RootOf(definition.Uri)}/v1/config{(definition.Warehouse is { } warehouse ? $"?warehouse={Uri.EscapeDataString(warehouse)}" : "")}");

    /// <exception cref="UnsupportedTableException">The answer is no configuration, or one that must not be followed.</exception>
    public static RestConfiguration Read(CatalogDefinition.Rest definition, string name, ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var json = document.RootElement;
            var properties = new Dictionary<string, string>(StringComparer.Ordinal);
            Take(json, "defaults", properties);
            properties["uri"] = RootOf(definition.Uri);
            if (definition.Prefix is { } prefix) properties["prefix"] = prefix;
            Take(json, "overrides", properties);
            properties["uri"] = CheckedRoot(definition, name, properties["uri"]);
            return new RestConfiguration(properties, EndpointsOf(json));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or UriFormatException)
        {
            throw new UnsupportedTableException($"The {name} answered GET /v1/config with what is no configuration. " +
                "Check the address: it is the one before /v1, and must lead to an Iceberg REST catalog.", e);
        }
    }

    private static void Take(JsonElement json, string name, Dictionary<string, string> properties)
    {
        if (!json.TryGetProperty(name, out var members) || members.ValueKind != JsonValueKind.Object) return;
        foreach (var member in members.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null) properties.Remove(member.Name);
            else properties[member.Name] = member.Value.ValueKind == JsonValueKind.String ? member.Value.GetString()! : member.Value.GetRawText();
        }
    }

    private static FrozenSet<string> EndpointsOf(JsonElement json)
    {
        if (!json.TryGetProperty("endpoints", out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0) return Legacy;
        return list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!).ToFrozenSet(StringComparer.Ordinal);
    }

    /// <summary>A server may send its clients to another address, but not from an encrypted one to one that is not.</summary>
    private static string CheckedRoot(CatalogDefinition.Rest definition, string name, string root)
    {
        if (Uri.TryCreate(root, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttps || uri.Scheme == definition.Uri.Reveal().Scheme) && uri.Scheme is "http" or "https")
            return uri!.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped).TrimEnd('/');
        throw new UnsupportedTableException($"The configuration of the {name} names an address for its clients that is not https, or is none. " +
            "Correct the server's configuration (uri), or give the right address in the definition.");
    }

    /// <summary>Servers give prefixes that are escaped already, and others that are not.</summary>
    private static string Escaped(string prefix)
    {
        var escaped = new StringBuilder();
        foreach (var rune in prefix.EnumerateRunes())
        {
            var text = rune.ToString();
            escaped.Append(rune.IsAscii && (char.IsAsciiLetterOrDigit(text[0]) || "-._~!$&'()*+,;=:@%/".Contains(text, StringComparison.Ordinal)) ? text : Uri.EscapeDataString(text));
        }
        return escaped.ToString().Trim('/');
    }
}
