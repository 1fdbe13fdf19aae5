using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Matih.Definition;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Connectors.Rest;

/// <summary>Keys that a catalog lends for S3.</summary>
/// <param name="Expires">Null where the catalog does not say.</param>
public sealed record LentS3Keys(string AccessKeyId, Secret SecretAccessKey, Secret? SessionToken, DateTimeOffset? Expires);

/// <summary>What a catalog lends for one part of a store.</summary>
/// <param name="Prefix">The folder that it opens, in the spelling of <see cref="StoreLocation.Plain"/>, without a slash at its end.</param>
/// <param name="Properties">Settings and credentials, by Iceberg's names.</param>
internal sealed record LentCredential(string Prefix, ImmutableSortedDictionary<string, string> Properties)
{
    private const string SasToken = "adls.sas-token.";
    private const string SasExpiry = "adls.sas-token-expires-at-ms.";

    /// <summary>Prints no credential.</summary>
    public override string ToString() => $"credential for {Prefix}";

    public bool IsForS3 => Properties.ContainsKey("s3.access-key-id") && Properties.ContainsKey("s3.secret-access-key");

    public bool IsForAzure => Properties.Keys.Any(key => key.StartsWith(SasToken, StringComparison.Ordinal));

    /// <summary>When the first of its credentials ends; null where nobody says.</summary>
    public DateTimeOffset? Expires => Properties
        .Where(pair => pair.Key == "s3.session-token-expires-at-ms" || pair.Key.StartsWith(SasExpiry, StringComparison.Ordinal))
        .Select(pair => long.TryParse(pair.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var millis) ? DateTimeOffset.FromUnixTimeMilliseconds(millis) : (DateTimeOffset?)null)
        .Min();

    public LentS3Keys S3Keys => new(
        Properties["s3.access-key-id"], new Secret(Properties["s3.secret-access-key"]),
        Properties.GetValueOrDefault("s3.session-token") is { Length: > 0 } token ? new Secret(token) : null, Expires);

    /// <summary>The token for an account's host. Catalogs name it by one of its hosts (<c>a.dfs.core.windows.net</c>) or by its name alone.</summary>
    public string? SasTokenOf(string host)
    {
        if (Properties.GetValueOrDefault(SasToken + host) is { } exact) return exact.TrimStart('?');
        return Properties.Where(pair => pair.Key.StartsWith(SasToken, StringComparison.Ordinal) && AccountOf(pair.Key[SasToken.Length..]) == AccountOf(host))
            .Select(pair => pair.Value.TrimStart('?')).FirstOrDefault();
    }

    private static string AccountOf(string host) => host.Split('.')[0];

    /// <summary>The definition's settings, with what the catalog says where the definition is silent. Holds no credentials.</summary>
    public S3Access S3Access(S3Access own)
    {
        EndpointUrl? endpoint = null;
        if (Properties.GetValueOrDefault("s3.endpoint") is { } address) EndpointUrl.TryParse(address, out endpoint);
        var encryption = Properties.GetValueOrDefault("s3.sse.type")?.ToLowerInvariant();
        return new S3Access
        {
            Endpoint = own.Endpoint ?? endpoint,
            Region = own.Region ?? Properties.GetValueOrDefault("client.region") ?? Properties.GetValueOrDefault("s3.region"),
            IsPathStyle = own.IsPathStyle ?? (bool.TryParse(Properties.GetValueOrDefault("s3.path-style-access"), out var isPathStyle) ? isPathStyle : null),
            Encryption = own.Encryption != S3Encryption.BucketDefault ? own.Encryption : encryption switch { "kms" => S3Encryption.Kms, "s3" => S3Encryption.S3, _ => S3Encryption.BucketDefault },
            KmsKeyId = own.KmsKeyId ?? (encryption == "kms" ? Properties.GetValueOrDefault("s3.sse.key") : null),
        };
    }
}

/// <summary>Reads what a catalog lends with a table.</summary>
/// <remarks>Source: Apache Iceberg REST catalog API, LoadTableResult and LoadCredentialsResponse: <c>storage-credentials</c> come before <c>config</c>.</remarks>
internal static class LentCredentials
{
    /// <param name="settings">The catalog's configuration.</param>
    /// <param name="metadata">Null for an answer that holds credentials alone.</param>
    public static ImmutableArray<LentCredential> Read(JsonElement json, IReadOnlyDictionary<string, string> settings, TableMetadata? metadata)
    {
        var shared = Members(json, "config", [.. settings]);
        var lent = ImmutableArray.CreateBuilder<LentCredential>();
        if (json.TryGetProperty("storage-credentials", out var list) && list.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in list.EnumerateArray()) Add(item.GetProperty("prefix").GetString() ?? "", Members(item, "config", shared));
        }
        if (lent.Count == 0 && metadata is not null)
            foreach (var folder in FoldersOf(metadata)) Add(folder, shared);
        return lent.ToImmutable();

        void Add(string prefix, ImmutableSortedDictionary<string, string> properties)
        {
            var credential = new LentCredential(StoreLocation.Plain(prefix).TrimEnd('/'), properties);
            var kind = StoreLocation.KindOf(prefix);
            if ((kind == StoreKind.S3 && credential.IsForS3) || (kind == StoreKind.Azure && credential.IsForAzure)) lent.Add(credential);
        }
    }

    /// <summary>Whether the catalog would rather sign each request to the store than lend credentials.</summary>
    public static bool WantsToSign(JsonElement json, IReadOnlyDictionary<string, string> settings) =>
        Members(json, "config", [.. settings]).GetValueOrDefault("s3.remote-signing-enabled") is { } text && bool.TryParse(text, out var wants) && wants;

    private static ImmutableSortedDictionary<string, string> Members(JsonElement json, string name, IEnumerable<KeyValuePair<string, string>> below)
    {
        var members = below.ToImmutableSortedDictionary(StringComparer.Ordinal).ToBuilder();
        if (json.TryGetProperty(name, out var given) && given.ValueKind == JsonValueKind.Object)
            foreach (var member in given.EnumerateObject())
                if (member.Value.ValueKind == JsonValueKind.String) members[member.Name] = member.Value.GetString()!;
        return members.ToImmutable();
    }

    /// <summary>Where a table's files may be, by its metadata.</summary>
    private static IEnumerable<string> FoldersOf(TableMetadata metadata) =>
        new[] { "write.data.path", "write.metadata.path", "write.object-storage.path", "write.folder-storage.path" }
            .Select(name => metadata.Properties.GetValueOrDefault(name)).OfType<string>().Append(metadata.Location).Where(folder => folder.Length != 0).Distinct(StringComparer.Ordinal);
}
