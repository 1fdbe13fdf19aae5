using System.Collections.Immutable;
using Matih.Definition.Shapes;

namespace Matih.Definition.Format;

internal enum CatalogType
{
    File,
    Rest,
    Sql,
    Hive,
}

internal enum CatalogAuthType
{
    None,
    Bearer,
    OAuth2,
    SigV4,
    Entra,
}

/// <summary>Keys of an entry under <c>catalogs:</c>.</summary>
internal static class CatalogKeys
{
    public static readonly Key<CatalogType> Type = new("type", new ChoiceShape<CatalogType>([("file", CatalogType.File), ("rest", CatalogType.Rest), ("sql", CatalogType.Sql), ("hive", CatalogType.Hive)],
        ("hadoop", "is 'file' here: the layout is the same"),
        ("jdbc", "is 'sql' here: the tables in the database are the same"),
        ("glue", "is 'rest' here, with auth type sigv4: uri https://glue.REGION.amazonaws.com/iceberg"),
        ("nessie", "is 'rest' here: Nessie's address ends with /iceberg")) { EndsMappingWhenNotYet = true }, "The kind of catalog. Only a Flink cluster reaches `hive`.")
    {
        IsRequired = true,
        Example = "file",
    };

    public static readonly Key<string?> Warehouse = new("warehouse", new TextShape("a directory, an address in an object store, or a name that the server knows")!,
        "Where tables lie. `file` and `sql` need it: a path (relative ones from the working directory), a `file:` address, or a folder in an object store: `s3://bucket/folder`, `abfss://container@account.dfs.core.windows.net/folder`. For `rest` it is what the server calls a warehouse. For `hive` a folder as Flink's machines see it; left out where `hive_conf_dir` says it.");

    public static readonly Key<string?> Address = new("uri", new HiddenTextShape("an address")!,
        "`rest`: the server's address, without `/v1`. `sql`: `sqlite:PATH`, or `postgresql://HOST:PORT/DATABASE`. `hive`: `thrift://HOST:9083`, several separated by commas; left out where `hive_conf_dir` says it.");

    public static readonly Key<string?> HiveConfFolder = new("hive_conf_dir", new TextShape("a folder")!, "`hive`: the folder of a `hive-site.xml` on Flink's machines.");
    public static readonly Key<string?> HadoopConfFolder = new("hadoop_conf_dir", new TextShape("a folder")!, "`hive`: the folder of `core-site.xml` and `hdfs-site.xml` on Flink's machines.");

    public static readonly Key<string?> Prefix = new("prefix", new TextShape("a path segment")!, "`rest`: what the server expects after `/v1`, where its configuration does not say it.");

    public static readonly Key<BoundMapping?> Auth = new("auth", new MappingShape(CatalogAuthKeys.Set)!, "`rest`: how the server knows this client. Left out: not at all.");

    public static readonly Key<bool> VendedCredentials = new("vended_credentials", new FlagShape(), "`rest`: whether the server is asked for credentials to each table's files.")
    {
        Default = true,
        DefaultText = "true",
    };

    public static readonly Key<ImmutableArray<TextPair>> Headers = new("headers", new TextMapShape("a mapping of header names to values", Grammars.Key), "`rest`: sent with each request.") { Default = [] };

    public static readonly Key<string?> CatalogName = new("catalog_name", new TextShape("a name", 255)!,
        "`sql`: what the database calls the catalog. Other engines must use the same. Left out: the entry's name.");

    public static readonly Key<string?> User = new("user", new TextShape("a user name")!, "`sql` on PostgreSQL: the user.");
    public static readonly Key<Secret?> Password = new("password", new SecretShape()!, "`sql` on PostgreSQL: the user's password.");

    public static readonly Key<ImmutableArray<TextPair>> Options = new("options", new TextMapShape("a mapping of connection settings to values", Grammars.Setting),
        "`sql` on PostgreSQL: further connection settings by Npgsql's names, such as `SSL Mode: VerifyFull`.") { Default = [] };

    public static readonly Key<BoundMapping?> S3 = new("s3", new MappingShape(S3Keys.Set)!, "How tables in S3, or in a store that speaks its protocol, are reached.");

    public static readonly Key<BoundMapping?> Azure = new("azure", new MappingShape(AzureKeys.Set)!, "How tables in Azure Blob Storage or ADLS Gen2 are reached.");

    public static readonly KeySet Set = new("catalogs.NAME", "Where tables are registered, and how their files are reached. [catalogs.md](catalogs.md) has an example of each.",
        Type, Warehouse, Address, Prefix, Auth, VendedCredentials, Headers, CatalogName, User, Password, Options, HiveConfFolder, HadoopConfFolder, S3, Azure);
}

/// <summary>Keys of a catalog's <c>auth:</c>.</summary>
internal static class CatalogAuthKeys
{
    public static readonly Key<CatalogAuthType> Type = new("type", new ChoiceShape<CatalogAuthType>(
        [("none", CatalogAuthType.None), ("bearer", CatalogAuthType.Bearer), ("oauth2", CatalogAuthType.OAuth2), ("sigv4", CatalogAuthType.SigV4), ("entra", CatalogAuthType.Entra)]),
        "`bearer` sends a fixed token; `oauth2` asks for tokens with a client's credentials; `sigv4` signs requests with the credentials of `s3` (Glue, S3 Tables); `entra` asks Microsoft Entra ID with the credential of `azure` (OneLake).")
    {
        IsRequired = true,
        Example = "oauth2",
    };

    public static readonly Key<Secret?> Token = new("token", new SecretShape { IsLine = true }!, "For `bearer`.");
    public static readonly Key<string?> ClientId = new("client_id", new TextShape("a client id")!, "For `oauth2`. Left out: the secret alone is sent.");
    public static readonly Key<Secret?> ClientSecret = new("client_secret", new SecretShape { IsLine = true }!, "For `oauth2`.");

    public static readonly Key<EndpointUrl?> TokenUri = new("token_uri", new UrlShape()!,
        "For `oauth2`: where tokens are issued. Left out: the catalog's own `/v1/oauth/tokens`, which the protocol has deprecated.");

    public static readonly Key<string?> Scope = new("scope", new TextShape("a scope")!,
        "For `oauth2` (left out: `catalog`) and `entra` (left out: `https://storage.azure.com/.default`).");

    public static readonly Key<ImmutableArray<TextPair>> Parameters = new("parameters", new TextMapShape("a mapping of form fields to values", Grammars.Key), "For `oauth2`: further fields of the request, such as `audience`.") { Default = [] };

    public static readonly Key<string?> Region = new("region", new TextShape("an AWS region")!, "For `sigv4`. Left out: the region of `s3`.");

    public static readonly Key<string?> Service = new("service", new TextShape("a signing name")!, "For `sigv4`: `glue`, `s3tables`, or `execute-api`, which is the default.");

    public static readonly KeySet Set = new("catalogs.NAME.auth", "How a REST catalog knows this client.", Type, Token, ClientId, ClientSecret, TokenUri, Scope, Parameters, Region, Service);
}

/// <summary>Keys of a catalog's <c>s3:</c>.</summary>
internal static class S3Keys
{
    public static readonly Key<EndpointUrl?> Endpoint = new("endpoint", new UrlShape()!, "The address of a store that is not AWS itself: MinIO, Ceph, R2.");
    public static readonly Key<string?> Region = new("region", new TextShape("an AWS region")!, "Left out: as the AWS SDK finds it (`AWS_REGION`, the profile), and `us-east-1` with an endpoint.");

    public static readonly Key<bool?> PathStyle = new("path_style", new OptionalFlagShape(), "Whether the bucket is a part of the path, and not of the host. Left out: true where `endpoint` is given.");

    public static readonly Key<string?> AccessKeyId = new("access_key_id", new TextShape("an access key id")!,
        "Left out: the AWS SDK's own chain, which is the environment, the profile, and the identity of the machine.");

    public static readonly Key<Secret?> SecretAccessKey = new("secret_access_key", new SecretShape { IsLine = true }!, "Goes with `access_key_id`.");
    public static readonly Key<Secret?> SessionToken = new("session_token", new SecretShape { IsLine = true }!, "Goes with `access_key_id`, where the two are temporary.");
    public static readonly Key<string?> Profile = new("profile", new TextShape("a profile's name")!, "A profile of the AWS configuration files.");
    public static readonly Key<string?> RoleArn = new("role_arn", new TextShape("a role's ARN")!, "A role to assume with the credentials above.");
    public static readonly Key<string?> RoleSessionName = new("role_session_name", new TextShape("a session's name", 64)!, "What the assumed role's session is called. Left out: `matih`.");
    public static readonly Key<string?> RoleExternalId = new("role_external_id", new TextShape("an external id")!, "What the role's owner asks for.");

    public static readonly Key<S3Encryption> Encryption = new("encryption", new ChoiceShape<S3Encryption>([("bucket", S3Encryption.BucketDefault), ("s3", S3Encryption.S3), ("kms", S3Encryption.Kms)]),
        "What new objects are encrypted with: as the bucket says, with S3's own keys (SSE-S3), or with a key of KMS (SSE-KMS).")
    {
        DefaultText = "bucket",
    };

    public static readonly Key<string?> KmsKeyId = new("kms_key_id", new TextShape("a key's id or ARN")!, "The key of `encryption: kms`. Left out: the bucket's.");

    public static readonly KeySet Set = new("catalogs.NAME.s3", "How S3, or a store that speaks its protocol, is reached.",
        Endpoint, Region, PathStyle, AccessKeyId, SecretAccessKey, SessionToken, Profile, RoleArn, RoleSessionName, RoleExternalId, Encryption, KmsKeyId);
}

/// <summary>Keys of a catalog's <c>azure:</c>.</summary>
internal static class AzureKeys
{
    public static readonly Key<AzureCredentialKind?> Credential = new("credential", new ChoiceShape<AzureCredentialKind?>(
        [
            ("automatic", AzureCredentialKind.Automatic), ("managed_identity", AzureCredentialKind.ManagedIdentity), ("workload_identity", AzureCredentialKind.WorkloadIdentity),
            ("client_secret", AzureCredentialKind.ClientSecret), ("sas_token", AzureCredentialKind.SasToken), ("connection_string", AzureCredentialKind.ConnectionString),
            ("account_key", AzureCredentialKind.AccountKey),
        ]),
        "Which identity this client shows. Left out: the one whose secret is given, else the managed identity, the workload identity or the developer's tools, whichever is there.");

    public static readonly Key<EndpointUrl?> Endpoint = new("endpoint", new UrlShape()!, "The account's blob address where it is not the public cloud's, as with Azurite or a private endpoint.");
    public static readonly Key<string?> ClientId = new("client_id", new TextShape("a client id")!, "Of a user-assigned managed identity, a workload identity, or an application with a secret.");
    public static readonly Key<string?> TenantId = new("tenant_id", new TextShape("a tenant id")!, "Of an application with a secret, or a workload identity.");
    public static readonly Key<Secret?> ClientSecret = new("client_secret", new SecretShape { IsLine = true }!, "An application's secret.");
    public static readonly Key<Secret?> SasToken = new("sas_token", new SecretShape { IsLine = true }!, "A shared access signature for the account or the container.");
    public static readonly Key<Secret?> ConnectionString = new("connection_string", new SecretShape { IsLine = true }!, "A storage account's connection string.");
    public static readonly Key<Secret?> AccountKey = new("account_key", new SecretShape { IsLine = true }!, "A storage account's key. It opens everything in the account: prefer an identity.");

    public static readonly KeySet Set = new("catalogs.NAME.azure", "How Azure Blob Storage or ADLS Gen2 is reached.",
        Credential, Endpoint, ClientId, TenantId, ClientSecret, SasToken, ConnectionString, AccountKey);
}
