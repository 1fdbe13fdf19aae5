using Matih.Definition.Format;
using Matih.Definition.Shapes;

namespace Matih.Definition.Reading;

/// <summary>Turns a catalog's <c>s3:</c> and <c>azure:</c> into <see cref="StoreAccess"/>, and checks that their keys fit together.</summary>
internal static class StoreAccessReading
{
    public static StoreAccess Read(BoundMapping catalog, ReadState state) => new(
        catalog.Get(CatalogKeys.S3) is { } s3 ? ReadS3(s3, state) : StoreAccess.Default.S3,
        catalog.Get(CatalogKeys.Azure) is { } azure ? ReadAzure(azure, state) : StoreAccess.Default.Azure);

    private static S3Access ReadS3(BoundMapping s3, ReadState state)
    {
        if (s3.IsGiven(S3Keys.AccessKeyId) != s3.IsGiven(S3Keys.SecretAccessKey))
        {
            Key given = s3.IsGiven(S3Keys.AccessKeyId) ? S3Keys.AccessKeyId : S3Keys.SecretAccessKey;
            Key missing = s3.IsGiven(S3Keys.AccessKeyId) ? S3Keys.SecretAccessKey : S3Keys.AccessKeyId;
            Report(s3, given, $"needs '{missing.Name}' beside it", state);
        }
        if (!s3.IsGiven(S3Keys.AccessKeyId)) Refuse(s3, S3Keys.SessionToken, "has no meaning without 'access_key_id'", state);
        else Refuse(s3, S3Keys.Profile, "has no meaning beside 'access_key_id'; keep one of them", state);
        if (!s3.IsGiven(S3Keys.RoleArn))
            foreach (var key in new Key[] { S3Keys.RoleSessionName, S3Keys.RoleExternalId }) Refuse(s3, key, "has no meaning without 'role_arn'", state);
        if (s3.Get(S3Keys.Encryption) != S3Encryption.Kms) Refuse(s3, S3Keys.KmsKeyId, "has no meaning without 'encryption: kms'", state);
        RefuseCredentials(s3, S3Keys.Endpoint, mayHaveQuery: false, "write them under 'access_key_id' and 'secret_access_key'", state);
        return new S3Access
        {
            Endpoint = s3.Get(S3Keys.Endpoint),
            Region = s3.Get(S3Keys.Region),
            IsPathStyle = s3.Get(S3Keys.PathStyle),
            AccessKeyId = s3.Get(S3Keys.AccessKeyId),
            SecretAccessKey = s3.Get(S3Keys.SecretAccessKey),
            SessionToken = s3.Get(S3Keys.SessionToken),
            Profile = s3.Get(S3Keys.Profile),
            RoleArn = s3.Get(S3Keys.RoleArn),
            RoleSessionName = s3.Get(S3Keys.RoleSessionName),
            RoleExternalId = s3.Get(S3Keys.RoleExternalId) is { } id ? new Secret(id) : null,
            Encryption = s3.Get(S3Keys.Encryption),
            KmsKeyId = s3.Get(S3Keys.KmsKeyId),
        };
    }

    private static AzureAccess ReadAzure(BoundMapping azure, ReadState state)
    {
        (Key Key, AzureCredentialKind Kind)[] secrets =
        [
            (AzureKeys.ClientSecret, AzureCredentialKind.ClientSecret), (AzureKeys.SasToken, AzureCredentialKind.SasToken),
            (AzureKeys.ConnectionString, AzureCredentialKind.ConnectionString), (AzureKeys.AccountKey, AzureCredentialKind.AccountKey),
        ];
        var given = secrets.Where(secret => azure.IsGiven(secret.Key)).ToList();
        var kind = azure.Get(AzureKeys.Credential) ?? (given.Count == 0 ? AzureCredentialKind.Automatic : given[0].Kind);
        foreach (var (key, of) in given)
            if (of != kind) Report(azure, key, $"has no meaning with credential {Name(kind)}; leave it out", state);
        foreach (var (key, of) in secrets)
            if (of == kind && !azure.IsGiven(key)) state.Report(azure.Position, azure.PathOf(key), $"is missing: credential {Name(kind)} needs it");
        if (kind == AzureCredentialKind.ClientSecret)
        {
            foreach (var key in new Key[] { AzureKeys.ClientId, AzureKeys.TenantId })
                if (!azure.IsGiven(key)) state.Report(azure.Position, azure.PathOf(key), $"is missing: credential {Name(kind)} needs it");
        }
        else if (kind is AzureCredentialKind.SasToken or AzureCredentialKind.ConnectionString or AzureCredentialKind.AccountKey)
        {
            foreach (var key in new Key[] { AzureKeys.ClientId, AzureKeys.TenantId }) Refuse(azure, key, $"has no meaning with credential {Name(kind)}; leave it out", state);
        }
        RefuseCredentials(azure, AzureKeys.Endpoint, mayHaveQuery: false, "write a shared access signature under 'sas_token'", state);
        return new AzureAccess
        {
            Credential = kind,
            Endpoint = azure.Get(AzureKeys.Endpoint),
            ClientId = azure.Get(AzureKeys.ClientId),
            TenantId = azure.Get(AzureKeys.TenantId),
            ClientSecret = azure.Get(AzureKeys.ClientSecret),
            SasToken = azure.Get(AzureKeys.SasToken),
            ConnectionString = azure.Get(AzureKeys.ConnectionString),
            AccountKey = azure.Get(AzureKeys.AccountKey),
        };
    }

    private static string Name(AzureCredentialKind kind) => kind switch
    {
        AzureCredentialKind.Automatic => "automatic",
        AzureCredentialKind.ManagedIdentity => "managed_identity",
        AzureCredentialKind.WorkloadIdentity => "workload_identity",
        AzureCredentialKind.ClientSecret => "client_secret",
        AzureCredentialKind.SasToken => "sas_token",
        AzureCredentialKind.ConnectionString => "connection_string",
        _ => "account_key",
    };

    public static void Refuse(BoundMapping mapping, Key key, string reason, ReadState state)
    {
        if (mapping.IsGiven(key)) Report(mapping, key, reason, state);
    }

    /// <summary>Refuses keys that belong to other types.</summary>
    public static void RefuseForeign(BoundMapping mapping, IEnumerable<Key> foreign, string type, ReadState state)
    {
        foreach (var key in foreign) Refuse(mapping, key, $"has no meaning with type {type}; leave it out", state);
    }

    /// <summary>Credentials in an address are sent to nobody, and would be shown wherever the address is.</summary>
    public static void RefuseCredentials(BoundMapping mapping, Key<EndpointUrl?> key, bool mayHaveQuery, string advice, ReadState state)
    {
        if (mapping.Get(key)?.Reveal() is { } uri && (uri.UserInfo.Length != 0 || (!mayHaveQuery && uri.Query.Length != 0)))
            Report(mapping, key, $"expected an address without credentials{(mayHaveQuery ? "" : " and query")}, found something else (not shown): {advice}", state);
    }

    private static void Report(BoundMapping mapping, Key key, string reason, ReadState state) => state.Report(mapping.PositionOf(key), mapping.PathOf(key), reason);
}
