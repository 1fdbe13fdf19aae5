using Matih.Definition.Format;
using Matih.Definition.Shapes;

namespace Matih.Engine.Tests.Connectors;

/// <summary>A catalog whose entry holds a secret.</summary>
/// <param name="Name">Of the case.</param>
/// <param name="Keys">Which keys hold the secret, below <c>catalogs.NAME</c>.</param>
/// <param name="Entry">YAML, with <c>HTTP</c> for the server's address, <c>POSTGRESQL</c> for the database's, and variables for the secret.</param>
internal sealed record PlantedCatalog(string Name, string[] Keys, string Entry)
{
    private const string S3 = "endpoint: 'HTTP', region: eu-west-1, access_key_id: AKID, secret_access_key: '${PLANTED}'";
    private const string S3Role = S3 + ", role_arn: 'arn:aws:iam::123456789012:role/lake', role_external_id: '${PLANTED}'";
    private const string Container = "type: file, warehouse: 'abfss://c@acct.dfs.core.windows.net/w'";
    private const string Database = "type: sql, uri: 'postgresql://POSTGRESQL/lake', warehouse: /tmp/none, user: me";

    /// <summary>Every way to write a secret into a catalog's entry.</summary>
    public static IReadOnlyList<PlantedCatalog> All { get; } =
    [
        new("S3 keys", ["s3.secret_access_key"], $"type: file, warehouse: 's3://b/w', s3: {{ {S3} }}"),
        new("S3 session", ["s3.session_token"], $"type: file, warehouse: 's3://b/w', s3: {{ {S3}, session_token: '${{PLANTED}}' }}"),
        new("S3 role", ["s3.role_external_id"], $"type: file, warehouse: 's3://b/w', s3: {{ {S3Role} }}"),
        new("SAS", ["azure.sas_token"], $"{Container}, azure: {{ endpoint: 'HTTP/acct', sas_token: '${{SAS}}' }}"),
        new("SAS with its question mark", ["azure.sas_token"], $"{Container}, azure: {{ endpoint: 'HTTP/acct', sas_token: '?${{SAS}}' }}"),
        new("account key", ["azure.account_key"], $"{Container}, azure: {{ endpoint: 'HTTP/acct', account_key: '${{KEY}}' }}"),
        new("account key that is none", ["azure.account_key"], $"{Container}, azure: {{ endpoint: 'HTTP/acct', account_key: '${{PLANTED}}' }}"),
        new("connection string with a key", ["azure.connection_string"], $"{Container}, azure: {{ connection_string: 'AccountName=acct;AccountKey=${{KEY}};BlobEndpoint=HTTP/acct' }}"),
        new("connection string with a SAS", ["azure.connection_string"], $"{Container}, azure: {{ connection_string: 'BlobEndpoint=HTTP/acct;SharedAccessSignature=${{SAS}}' }}"),
        new("connection string with a password in its address", ["azure.connection_string"], $"{Container}, azure: {{ connection_string: 'BlobEndpoint=http://me:${{PLAIN}}@127.0.0.1:1/acct;AccountName=acct;AccountKey=${{KEY}}' }}"),
        new("connection string that is none", ["azure.connection_string"], $"{Container}, azure: {{ connection_string: '${{PLANTED}}' }}"),
        new("bearer", ["auth.token"], "type: rest, uri: 'HTTP', auth: { type: bearer, token: '${PLANTED}' }"),
        new("headers", ["headers"], "type: rest, uri: 'HTTP', headers: { X-Key: '${PLANTED}' }"),
        new("OAuth client", ["auth.client_secret", "auth.token_uri", "auth.parameters"], "type: rest, uri: 'HTTP', auth: { type: oauth2, client_id: me, client_secret: '${PLANTED}', token_uri: 'HTTP/tokens?key=${PLAIN}', parameters: { assertion: '${PLANTED}' } }"),
        new("OAuth secret alone, asked of the catalog", ["auth.client_secret"], "type: rest, uri: 'HTTP', auth: { type: oauth2, client_secret: '${PLANTED}' }"),
        new("signed", ["s3.session_token"], $"type: rest, uri: 'HTTP', auth: {{ type: sigv4 }}, s3: {{ {S3}, session_token: '${{PLANTED}}' }}"),
        new("signed with a role", ["s3.role_external_id"], $"type: rest, uri: 'HTTP', auth: {{ type: sigv4 }}, s3: {{ {S3Role} }}"),
        new("password", ["password"], $"{Database}, password: '${{PLANTED}}'"),
        new("password among the settings", ["options"], $"{Database}, options: {{ Password: '${{PLANTED}}' }}"),
        new("password of a key, and a setting that is none", ["options"], $"{Database}, options: {{ SSL Password: '${{PLANTED}}', Timeout: '${{PLANTED}}' }}"),
    ];

    /// <summary>Keys that other tests plant: an identity is asked for at its own address, and credentials in an address are refused.</summary>
    public static IReadOnlyList<string> PlantedElsewhere { get; } = ["azure.client_secret", "uri", "s3.endpoint", "azure.endpoint"];

    /// <summary>The values of the variables.</summary>
    public static string? ValueOf(string variable) => variable switch
    {
        "PLANTED" => PlantedText.Text,
        "PLAIN" => Uri.EscapeDataString(PlantedText.Text),
        "SAS" => PlantedText.Sas,
        "KEY" => PlantedText.Key,
        _ => null,
    };

    /// <summary>Every key of an entry whose value is never shown, because it is a secret or people write secrets into it.</summary>
    public static IEnumerable<string> HiddenKeys => HiddenBelow(CatalogKeys.Set, "");

    private static IEnumerable<string> HiddenBelow(KeySet set, string path) => set.Keys.SelectMany(key => key.Shape switch
    {
        SecretShape or TextMapShape or HiddenTextShape or UrlShape => [path + key.Name],
        { Keys: { } below } => HiddenBelow(below, $"{path}{key.Name}."),
        _ => Enumerable.Empty<string>(),
    });

    public override string ToString() => Name;
}
