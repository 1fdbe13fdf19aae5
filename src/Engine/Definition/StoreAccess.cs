namespace Matih.Definition;

/// <summary>How S3 encrypts what is written.</summary>
public enum S3Encryption
{
    /// <summary>As the bucket says.</summary>
    BucketDefault,

    /// <summary>With keys of S3 (SSE-S3).</summary>
    S3,

    /// <summary>With a key of the key management service (SSE-KMS).</summary>
    Kms,
}

/// <summary>How to reach S3, or a store that speaks its protocol. What is not given comes from the SDK's own chain: environment, profile, identity of the machine.</summary>
public sealed record S3Access
{
    /// <summary>Null means AWS itself.</summary>
    public EndpointUrl? Endpoint { get; init; }

    public string? Region { get; init; }

    /// <summary>Whether the bucket is a part of the path and not of the host. Null: true where an endpoint is given.</summary>
    public bool? IsPathStyle { get; init; }

    public string? AccessKeyId { get; init; }

    public Secret? SecretAccessKey { get; init; }

    public Secret? SessionToken { get; init; }

    /// <summary>A profile of the shared configuration files.</summary>
    public string? Profile { get; init; }

    /// <summary>A role to assume with the credentials above.</summary>
    public string? RoleArn { get; init; }

    public string? RoleSessionName { get; init; }

    /// <summary>Not quite a secret, but known to two parties alone.</summary>
    public Secret? RoleExternalId { get; init; }

    public S3Encryption Encryption { get; init; }

    /// <summary>The key of <see cref="S3Encryption.Kms"/>; null takes the bucket's.</summary>
    public string? KmsKeyId { get; init; }
}

/// <summary>Which of Azure's identities a client shows.</summary>
public enum AzureCredentialKind
{
    /// <summary>The first of managed identity, workload identity and the developer's tools that is there.</summary>
    Automatic,
    ManagedIdentity,
    WorkloadIdentity,
    ClientSecret,
    SasToken,
    ConnectionString,
    AccountKey,
}

/// <summary>How to reach Azure Blob Storage, with a hierarchical namespace or without.</summary>
public sealed record AzureAccess
{
    /// <summary>The account's blob address where it is not the one of the public cloud, as with Azurite or a private endpoint.</summary>
    public EndpointUrl? Endpoint { get; init; }

    public AzureCredentialKind Credential { get; init; }

    /// <summary>Of a user-assigned managed identity, a workload identity, or an application with a secret.</summary>
    public string? ClientId { get; init; }

    public string? TenantId { get; init; }

    public Secret? ClientSecret { get; init; }

    public Secret? SasToken { get; init; }

    public Secret? ConnectionString { get; init; }

    public Secret? AccountKey { get; init; }
}

/// <summary>How to reach every store that a catalog's tables may lie in. A table's location says which one it is.</summary>
public sealed record StoreAccess(S3Access S3, AzureAccess Azure)
{
    public static StoreAccess Default { get; } = new(new S3Access(), new AzureAccess());
}
