using System.Collections.Immutable;

namespace Matih.Definition;

/// <summary>Where tables are registered. A closed family.</summary>
public abstract record CatalogDefinition
{
    private CatalogDefinition(string name) => Name = name;

    /// <summary>The entry under <c>catalogs:</c>, or <c>default</c>.</summary>
    public string Name { get; init; }

    /// <summary>How to reach the stores of its tables.</summary>
    public StoreAccess Stores { get; init; } = StoreAccess.Default;

    /// <summary>The embedded catalog: tables are folders below a warehouse.</summary>
    /// <param name="Name">The entry under <c>catalogs:</c>, or <c>default</c>.</param>
    /// <param name="Warehouse">An absolute local path, or an address in an object store; without a slash at its end.</param>
    public sealed record File(string Name, string Warehouse) : CatalogDefinition(Name);

    /// <summary>A catalog that speaks Iceberg's REST protocol.</summary>
    /// <param name="Name">The entry under <c>catalogs:</c>.</param>
    /// <param name="Uri">Its address, without <c>/v1</c>.</param>
    /// <param name="Warehouse">What the server calls a warehouse; null where it has but one.</param>
    public sealed record Rest(string Name, EndpointUrl Uri, string? Warehouse) : CatalogDefinition(Name)
    {
        public RestAuth Auth { get; init; } = new RestAuth.None();

        /// <summary>A path segment that the server expects after <c>/v1</c>, where its configuration does not say it.</summary>
        public string? Prefix { get; init; }

        /// <summary>Whether the server is asked for credentials of its own for each table.</summary>
        public bool IsVendingAsked { get; init; } = true;

        /// <summary>Sent with each request.</summary>
        public ImmutableSortedDictionary<string, Secret> Headers { get; init; } = ImmutableSortedDictionary<string, Secret>.Empty;
    }

    /// <summary>Tables registered in a Hive metastore. Flink alone reaches it.</summary>
    /// <param name="Name">The entry under <c>catalogs:</c>.</param>
    /// <param name="Uri">The metastore's Thrift addresses, separated by commas; null where <paramref name="HiveConfFolder"/> says them.</param>
    /// <param name="Warehouse">The folder for new tables; null where <paramref name="HiveConfFolder"/> says it.</param>
    /// <param name="HiveConfFolder">The folder of a <c>hive-site.xml</c> on Flink's machines; null for none.</param>
    /// <param name="HadoopConfFolder">The folder of <c>core-site.xml</c> and <c>hdfs-site.xml</c> on Flink's machines; null for none.</param>
    public sealed record Hive(string Name, string? Uri, string? Warehouse, string? HiveConfFolder, string? HadoopConfFolder) : CatalogDefinition(Name);

    /// <summary>Tables registered in a SQL database, in the layout that Iceberg's Java and Python share.</summary>
    /// <param name="Name">The entry under <c>catalogs:</c>.</param>
    /// <param name="Database">Where it is.</param>
    /// <param name="Warehouse">The folder for new tables: an absolute local path, or an address in an object store; without a slash at its end.</param>
    /// <param name="CatalogName">What the database calls the catalog: other engines must use the same.</param>
    public sealed record Sql(string Name, SqlDatabase Database, string Warehouse, string CatalogName) : CatalogDefinition(Name);
}

/// <summary>How a REST catalog or a schema registry knows its client. A closed family.</summary>
public abstract record RestAuth
{
    private RestAuth() { }

    public sealed record None : RestAuth;

    /// <summary>A user's name and password (RFC 7617). For schema registries alone.</summary>
    /// <param name="User">Without a colon.</param>
    public sealed record Basic(string User, Secret Password) : RestAuth;

    /// <summary>A token that does not change while the process runs.</summary>
    public sealed record Bearer(Secret Token) : RestAuth;

    /// <summary>OAuth 2.0 client credentials (RFC 6749, section 4.4).</summary>
    /// <param name="ClientId">Null sends the secret alone.</param>
    /// <param name="TokenUri">Where tokens are issued; null means a catalog's own <c>/v1/oauth/tokens</c>.</param>
    /// <param name="Scope">Null asks for none.</param>
    /// <param name="Parameters">Further form fields, such as <c>audience</c>.</param>
    public sealed record OAuth2(string? ClientId, Secret ClientSecret, EndpointUrl? TokenUri, string? Scope, ImmutableSortedDictionary<string, string> Parameters) : RestAuth;

    /// <summary>AWS Signature Version 4, with the credentials of the catalog's S3 access.</summary>
    /// <param name="Service">The signing name, such as <c>glue</c> or <c>s3tables</c>.</param>
    public sealed record SigV4(string Region, string Service) : RestAuth;

    /// <summary>A token of Microsoft Entra ID, with the credential of the catalog's Azure access.</summary>
    public sealed record Entra(string Scope) : RestAuth;
}

/// <summary>A database that holds a catalog. A closed family.</summary>
public abstract record SqlDatabase
{
    private SqlDatabase() { }

    /// <param name="Path">An absolute path.</param>
    public sealed record Sqlite(string Path) : SqlDatabase;

    /// <param name="Host">Its name or address.</param>
    /// <param name="Options">Further connection settings, by Npgsql's names.</param>
    public sealed record PostgreSql(string Host, int Port, string Database, string? User, Secret? Password, ImmutableSortedDictionary<string, string> Options) : SqlDatabase;
}
