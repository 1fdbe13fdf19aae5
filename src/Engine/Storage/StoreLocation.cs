using System.Net;

namespace Matih.Storage;

/// <summary>What kind of store a location is in.</summary>
public enum StoreKind
{
    Local,
    S3,
    Azure,

    /// <summary>None that is reached from here.</summary>
    Unknown,
}

/// <summary>The spellings of locations that Iceberg writers use for the same place.</summary>
public static class StoreLocation
{
    private static readonly string[] S3Schemes = ["s3://", "s3a://", "s3n://"];
    private static readonly string[] AzureSchemes = ["abfss://", "abfs://", "wasbs://", "wasb://"];
    private static readonly string[] WebSchemes = ["https://", "http://"];
    private static readonly string[] AzureServices = [".blob.", ".dfs."];

    public static StoreKind KindOf(string location)
    {
        if (SchemeIn(location, S3Schemes) is not null) return StoreKind.S3;
        if (SchemeIn(location, AzureSchemes) is not null || IsAzureAddress(location)) return StoreKind.Azure;
        return location.Contains("://", StringComparison.Ordinal) && !location.StartsWith("file:", StringComparison.OrdinalIgnoreCase) ? StoreKind.Unknown : StoreKind.Local;
    }

    /// <summary>One spelling for all that name the same place; what no store here knows stays as it is.</summary>
    public static string Plain(string location)
    {
        if (SchemeIn(location, S3Schemes) is { } scheme) return $"s3://{location[scheme.Length..]}";
        return PlainAzure(location) ?? LocalPath.Plain(location);
    }

    /// <summary>Whether a SAS token follows a location in Azure, which messages and tables would show.</summary>
    public static bool HasToken(string location) =>
        location.IndexOf('?', StringComparison.Ordinal) is var query and >= 0 && location.AsSpan(query).Contains("sig=", StringComparison.OrdinalIgnoreCase);

    /// <summary>What is wrong with a folder's address in an object store; null where nothing is. The first part names a bucket, or a container and its account.</summary>
    public static string? FaultOf(string location)
    {
        switch (KindOf(location))
        {
            case StoreKind.S3:
                var bucket = location[(location.IndexOf("://", StringComparison.Ordinal) + 3)..].Split('/')[0];
                return bucket.Length == 0 || bucket.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-' or '_')) ? "expected a bucket's name after the scheme: s3://bucket/folder" : null;
            case StoreKind.Azure when HasToken(location):
                return "expected no SAS token behind the folder: it belongs under azure.sas_token";
            case StoreKind.Azure:
                return PlainAzure(location) is null ? "expected a container and its account, without which other engines do not find the table: abfss://container@account.dfs.core.windows.net/folder" : null;
            case StoreKind.Unknown:
                return "expected a directory, a file: address, s3://bucket/folder, or abfss://container@account.dfs.core.windows.net/folder";
            default:
                return null;
        }
    }

    private static string? PlainAzure(string location)
    {
        if (SchemeIn(location, AzureSchemes) is { } scheme)
        {
            var (authority, path) = Split(location[scheme.Length..]);
            var at = authority.IndexOf('@', StringComparison.Ordinal);
            return at <= 0 || at == authority.Length - 1 ? null : Spell(authority[..at], authority[(at + 1)..], path);
        }
        if (!IsAzureAddress(location)) return null;
        var (host, rest) = Split(location[(location.IndexOf("://", StringComparison.Ordinal) + 3)..]);
        var (container, inContainer) = Split(rest);
        if (IsEmulator(host)) (host, (container, inContainer)) = ($"{container}.dfs.core.windows.net", Split(inContainer));
        return container.Length == 0 ? null : Spell(container, host, inContainer);

        static (string First, string After) Split(string text) =>
            text.IndexOf('/', StringComparison.Ordinal) is var slash and >= 0 ? (text[..slash], text[(slash + 1)..]) : (text, "");

        static string Spell(string container, string host, string path) => $"abfss://{container}@{host.ToLowerInvariant().Replace(".blob.", ".dfs.", StringComparison.Ordinal)}/{path}";
    }

    private static bool IsAzureAddress(string location) =>
        SchemeIn(location, WebSchemes) is { } scheme && location[scheme.Length..].Split('/')[0] is var host
        && (IsEmulator(host) || scheme == "https://" && AzureServices.Any(service => host.Contains(service, StringComparison.OrdinalIgnoreCase)));

    /// <summary>An emulator of the service has the account as the first part of its paths: <c>http://127.0.0.1:10000/account/container/name</c>.</summary>
    private static bool IsEmulator(string host) => IPEndPoint.TryParse(host, out _) || host.Split(':')[0].Equals("localhost", StringComparison.OrdinalIgnoreCase);

    private static string? SchemeIn(string location, string[] schemes) => schemes.FirstOrDefault(scheme => location.StartsWith(scheme, StringComparison.OrdinalIgnoreCase));
}
