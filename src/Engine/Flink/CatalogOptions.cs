using System.Collections.Immutable;
using Matih.Definition;

namespace Matih.Flink;

/// <summary>A catalog of the definition as Iceberg's catalog for Flink (Iceberg documentation, "Flink", "Catalogs").</summary>
/// <param name="sink">A sink whose table is in it; errors are at its place.</param>
internal sealed class CatalogOptions(SinkDefinition sink, FlinkReferences references)
{
    private readonly CatalogDefinition _catalog = sink.Catalog;
    private readonly SortedDictionary<string, FlinkValue> _options = new(StringComparer.Ordinal);
    private readonly List<string> _refusals = [];

    private string Path => $"catalogs.{_catalog.Name}";

    /// <summary>
    /// What Flink has to call it. Flink knows one level of namespaces below a catalog, and gets a catalog for each namespace above
    /// that level; only tables of a SQL catalog are found by the catalog's name.
    /// </summary>
    public static string NameOf(SinkDefinition sink) => sink.Catalog is CatalogDefinition.Sql sql ? sql.CatalogName : string.Join('.', BaseOf(sink).Prepend(sink.Catalog.Name));

    /// <summary>The namespace above the last level (Iceberg documentation, "Flink", "base-namespace"); empty where there is one level.</summary>
    public static ImmutableArray<string> BaseOf(SinkDefinition sink) => sink.Table.Namespace[..^1];

    /// <param name="errors">Gets what cannot be said to Flink.</param>
    public IEnumerable<KeyValuePair<string, FlinkValue>> Map(List<DefinitionError> errors)
    {
        Set("type", "iceberg");
        // Another writer's commits are to be seen at once.
        Set("cache-enabled", "false");
        MapBase();
        switch (_catalog)
        {
            case CatalogDefinition.File file: MapFile(file); break;
            case CatalogDefinition.Rest rest: MapRest(rest); break;
            case CatalogDefinition.Sql sql: MapSql(sql); break;
            case CatalogDefinition.Hive hive: MapHive(hive); break;
        }
        errors.AddRange(_refusals.Select(refusal => new DefinitionError(sink.TablePosition.File, sink.TablePosition.Line, sink.TablePosition.Column, $"sinks.{sink.Name}.table", refusal)));
        return _options;
    }

    private void MapBase()
    {
        var above = BaseOf(sink);
        if (above.IsEmpty) return;
        if (_catalog is CatalogDefinition.Hive) _refusals.Add($"{sink.Table} has {Quantity.Of(sink.Table.Namespace.Length, "namespace level")}, and a Hive metastore knows one. Use a namespace of one level.");
        else if (above.Any(level => level.Contains('.', StringComparison.Ordinal))) _refusals.Add($"{sink.Table}: a namespace above the last one has a dot in its name, which Flink takes for two namespaces. Use a name without a dot.");
        else Set("base-namespace", string.Join('.', above));
    }

    private void MapFile(CatalogDefinition.File file)
    {
        if (file.Warehouse.Contains("://", StringComparison.Ordinal))
        {
            _refusals.Add($"catalog '{_catalog.Name}' keeps its tables in an object store without a service, and Flink's catalog of that kind replaces files there instead of comparing first, so that commits can be lost. Use a REST or SQL catalog.");
            return;
        }
        Set("catalog-type", "hadoop");
        Set("warehouse", FolderOf(file.Warehouse));
    }

    /// <summary>
    /// Hadoop takes what stands behind the scheme as the path itself: an escaped blank would be another folder, called <c>a%20b</c>
    /// (seen with Flink 1.20.3; <c># ? % : [ ] { } *</c> and letters beyond ASCII are taken as they are, too).
    /// </summary>
    private static string FolderOf(string path) => $"file://{path}";

    private void MapRest(CatalogDefinition.Rest rest)
    {
        Set("catalog-type", "rest");
        Set("uri", references.Address(rest.Uri.Reveal().AbsoluteUri.TrimEnd('/'), $"{Path}.uri"));
        if (rest.Warehouse is { } warehouse) Set("warehouse", warehouse);
        if (rest.Prefix is { } prefix) Set("prefix", prefix);
        if (rest.IsVendingAsked) Set("header.X-Iceberg-Access-Delegation", "vended-credentials");
        foreach (var (name, value) in rest.Headers) Set($"header.{name}", references.Secret(value.Reveal(), $"{Path}.headers.{name}"));
        switch (rest.Auth)
        {
            case RestAuth.Bearer bearer:
                Set("token", references.Secret(bearer.Token.Reveal(), $"{Path}.auth.token"));
                break;
            case RestAuth.OAuth2 oauth:
                var secret = references.Secret(oauth.ClientSecret.Reveal(), $"{Path}.auth.client_secret");
                Set("credential", oauth.ClientId is { } id ? FlinkValue.Join($"{id}:", secret) : secret);
                if (oauth.TokenUri is { } uri) Set("oauth2-server-uri", references.Address(uri.Reveal().AbsoluteUri, $"{Path}.auth.token_uri"));
                if (oauth.Scope is { } scope) Set("scope", scope);
                foreach (var (name, value) in oauth.Parameters) Set(name, references.Option(name, value, $"{Path}.auth.parameters.{name}"));
                break;
            case RestAuth.SigV4 sig:
                Set("rest.sigv4-enabled", "true");
                Set("rest.signing-name", sig.Service);
                Set("rest.signing-region", sig.Region);
                break;
            case RestAuth.Entra:
                _refusals.Add($"catalog '{_catalog.Name}' asks for tokens of Microsoft Entra ID, which Iceberg's catalog for Flink cannot fetch. Run the pipeline with `matih run`.");
                break;
        }
        MapStores();
    }

    private void MapSql(CatalogDefinition.Sql sql)
    {
        Set("catalog-impl", "org.apache.iceberg.jdbc.JdbcCatalog");
        Set("jdbc.schema-version", "V1");
        Set("warehouse", sql.Warehouse.Contains("://", StringComparison.Ordinal) ? sql.Warehouse : FolderOf(sql.Warehouse));
        switch (sql.Database)
        {
            case SqlDatabase.Sqlite sqlite:
                Set("uri", $"jdbc:sqlite:{sqlite.Path}");
                break;
            case SqlDatabase.PostgreSql server:
                Set("uri", $"jdbc:postgresql://{server.Host}:{server.Port}/{Uri.EscapeDataString(server.Database)}");
                if (server.User is { } user) Set("jdbc.user", user);
                if (server.Password is { } password) Set("jdbc.password", references.Secret(password.Reveal(), $"{Path}.password"));
                foreach (var option in server.Options.Keys)
                    _refusals.Add($"catalog '{_catalog.Name}': option {option} is Npgsql's, and has no counterpart in the JDBC driver that Flink uses. Leave it out.");
                break;
        }
        MapStores();
    }

    private void MapHive(CatalogDefinition.Hive hive)
    {
        Set("catalog-type", "hive");
        if (hive.Uri is { } uri) Set("uri", uri);
        if (hive.Warehouse is { } warehouse) Set("warehouse", warehouse);
        if (hive.HiveConfFolder is { } hiveConf) Set("hive-conf-dir", hiveConf);
        if (hive.HadoopConfFolder is { } hadoopConf) Set("hadoop-conf-dir", hadoopConf);
        MapStores();
    }

    /// <summary>The file access of Iceberg (documentation, "AWS", "Azure"): a location's scheme chooses it.</summary>
    private void MapStores()
    {
        Set("io-impl", "org.apache.iceberg.io.ResolvingFileIO");
        var s3 = _catalog.Stores.S3;
        if (s3.Endpoint is { } endpoint) Set("s3.endpoint", references.Address(endpoint.Reveal().AbsoluteUri.TrimEnd('/'), $"{Path}.s3.endpoint"));
        if (s3.IsPathStyle ?? s3.Endpoint is not null) Set("s3.path-style-access", "true");
        if (s3.Region is { } region) Set("client.region", region);
        if (s3.AccessKeyId is { } key) Set("s3.access-key-id", key);
        if (s3.SecretAccessKey is { } secret) Set("s3.secret-access-key", references.Secret(secret.Reveal(), $"{Path}.s3.secret_access_key"));
        if (s3.SessionToken is { } token) Set("s3.session-token", references.Secret(token.Reveal(), $"{Path}.s3.session_token"));
        if (s3.Encryption != S3Encryption.BucketDefault) Set("s3.sse.type", s3.Encryption == S3Encryption.S3 ? "s3" : "kms");
        if (s3.KmsKeyId is { } kms) Set("s3.sse.key", kms);
        if (s3.Profile is not null) _refusals.Add($"catalog '{_catalog.Name}': profile '{s3.Profile}' is one of this machine. Give Flink's machines an identity, or the catalog keys.");
        if (s3.RoleArn is { } role)
        {
            Set("client.factory", "org.apache.iceberg.aws.AssumeRoleAwsClientFactory");
            Set("client.assume-role.arn", role);
            if (s3.RoleSessionName is { } session) Set("client.assume-role.session-name", session);
            if (s3.RoleExternalId is { } external) Set("client.assume-role.external-id", references.Secret(external.Reveal(), $"{Path}.s3.role_external_id"));
            if (s3.Region is { } assumed) Set("client.assume-role.region", assumed);
        }
        MapAzure(_catalog.Stores.Azure);
    }

    private void MapAzure(AzureAccess azure)
    {
        switch (azure.Credential)
        {
            // The SDK's own chain on Flink's machines.
            case AzureCredentialKind.Automatic or AzureCredentialKind.ManagedIdentity or AzureCredentialKind.WorkloadIdentity:
                break;
            default:
                _refusals.Add($"catalog '{_catalog.Name}': Azure credentials of kind {azure.Credential} are not handed to Flink by this program. Give Flink's machines a managed or workload identity, and set credential: automatic.");
                break;
        }
    }

    private void Set(string name, FlinkValue value) => _options[name] = value;
}
