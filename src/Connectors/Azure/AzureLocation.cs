using System.Text.RegularExpressions;
using Matih.Storage;

namespace Matih.Connectors.Azure;

/// <summary>A blob, or what the names of blobs begin with.</summary>
/// <param name="Root">The location as it was spelled, up to the blob's name.</param>
/// <param name="ServiceUri">The account's blob address, without a slash at its end.</param>
/// <param name="Account">The account's name; null where neither location nor endpoint say it.</param>
/// <param name="Name">The blob's name as it is, nothing escaped.</param>
internal readonly record struct AzureLocation(string Root, string ServiceUri, string? Account, string Container, string Name)
{
    public Uri ContainerUri => new($"{ServiceUri}/{Uri.EscapeDataString(Container)}");

    /// <summary>The blob's address. The service takes an escaped slash for a slash, so that names are escaped part by part.</summary>
    public Uri BlobUri => new($"{ContainerUri.AbsoluteUri}/{string.Join('/', Name.Split('/').Select(Uri.EscapeDataString))}");

    /// <summary>The account's own host, also where an endpoint serves it.</summary>
    public string AccountHost => new Uri(ServiceUri).Host is var host && (Account is null || host.StartsWith(Account + ".", StringComparison.OrdinalIgnoreCase)) ? host : $"{Account}.blob.core.windows.net";

    public override string ToString() => Root + Name;
}

/// <summary>
/// The spellings of a place in Azure Blob Storage, with and without a hierarchical namespace:
/// <c>abfss://container@account.dfs.core.windows.net/name</c>, the same with <c>abfs</c>, <c>wasbs</c>, <c>wasb</c>, with
/// <c>blob</c> for <c>dfs</c>, and <c>https://account.blob.core.windows.net/container/name</c>. Where the account is known
/// otherwise, <c>abfss://container/name</c> and <c>abfss://container@account/name</c> do, as PyIceberg writes them.
/// </summary>
/// <remarks>
/// Names are taken as they are: a percent sign is a percent sign, also behind https. Only hosts of Azure, and the endpoint that
/// the definition names, are called: a location comes from a catalog or a table's metadata, and whoever is called sees a token
/// that opens the account. TLS is used whatever the scheme says, but for an endpoint with http.
/// </remarks>
internal sealed partial class AzureLocations
{
    private readonly string? _endpoint;
    private readonly string? _account;

    /// <param name="endpoint">The blob address of the one account that is served, or null for each account's own address.</param>
    /// <param name="account">Its name where it is known otherwise.</param>
    public AzureLocations(Uri? endpoint, string? account)
    {
        _endpoint = endpoint?.GetLeftPart(UriPartial.Path).TrimEnd('/');
        _account = account ?? (endpoint is null ? null : AccountOf(endpoint));
    }

    /// <summary>A location that names a blob.</summary>
    /// <exception cref="StoreException">It names none, or none that can be reached.</exception>
    public AzureLocation Blob(string location)
    {
        var found = Prefix(location);
        if (found.Name.Length == 0) throw Refused(location, "it names no blob");
        if (found.Name[^1] is '/' or '.') throw Refused(location, $"the service does not keep the '{found.Name[^1]}' at the end of a blob's name");
        return found;
    }

    /// <summary>A location that names a blob, a folder or the beginning of a name.</summary>
    /// <exception cref="StoreException">It is no location of Azure, or none that can be reached.</exception>
    public AzureLocation Prefix(string location)
    {
        if (StoreLocation.HasToken(location))
            throw Refused(location[..location.IndexOf('?', StringComparison.Ordinal)], "a SAS token follows it. Take it out of the location, and give it as the catalog's SAS token");
        var start = location.IndexOf("://", StringComparison.Ordinal) + 3;
        var isUrl = start >= 3 && location[..start].ToLowerInvariant() is "http://" or "https://";
        if (!isUrl && StoreLocation.KindOf(location) != StoreKind.Azure) throw Refused(location, "it is no location in Azure Blob Storage");
        var found = isUrl ? OfUrl(location, start) : OfFileSystem(location, start);
        // Clients and servers take such a part out of an address, so that the name would be another one.
        if (found.Name.Split('/').Any(part => part is "." or "..")) throw Refused(location, "a part of a name cannot be '.' or '..'");
        // Seen with Azurite: a backslash becomes a slash, and a listing with a control character is no XML.
        if (found.Name.Any(character => character == '\\' || char.IsControl(character))) throw Refused(location, "its name has a backslash or a control character");
        return found;
    }

    private AzureLocation OfFileSystem(string location, int start)
    {
        var (authority, root, name) = Split(location, start);
        var at = authority.IndexOf('@', StringComparison.Ordinal);
        var (container, host) = at < 0 ? (authority, "") : (authority[..at], authority[(at + 1)..]);
        if (at < 0 && container.Contains('.', StringComparison.Ordinal)) throw Refused(location, $"it names no container (abfss://CONTAINER@{container}/…)");
        if (container.Length == 0) throw Refused(location, "it names no container");
        var (service, account) = Service(location, host);
        return new(root, service, account, container, name);
    }

    private AzureLocation OfUrl(string location, int start)
    {
        if (_endpoint is not null && location.StartsWith(_endpoint + "/", StringComparison.OrdinalIgnoreCase))
        {
            var (within, root, rest) = Split(location, _endpoint.Length + 1);
            return within.Length == 0 ? throw Refused(location, "it names no container") : new(root, _endpoint, _account, within, rest);
        }
        var (host, hostRoot, _) = Split(location, start);
        if (location.StartsWith("http:", StringComparison.OrdinalIgnoreCase)) throw Refused(location, "it is not https, and not below the catalog's endpoint");
        var (service, account) = Service(location, host);
        var (container, containerRoot, name) = Split(location, hostRoot.Length);
        return container.Length == 0 ? throw Refused(location, "it names no container") : new(containerRoot, service, account, container, name);
    }

    /// <summary>What stands up to the next slash, the location up to there with the slash, and the rest.</summary>
    private static (string Part, string Root, string After) Split(string location, int start)
    {
        var slash = start <= location.Length ? location.IndexOf('/', start) : -1;
        if (slash < 0) return (start <= location.Length ? location[start..] : "", location + "/", "");
        return (location[start..slash], location[..(slash + 1)], location[(slash + 1)..]);
    }

    /// <summary>Which address serves the account of a host: the endpoint, else the host's own.</summary>
    private (string Service, string? Account) Service(string location, string host)
    {
        var isHost = host.Contains('.', StringComparison.Ordinal);
        var match = isHost ? AzureHost().Match(host) : null;
        if (match is { Success: false }) throw Refused(location, $"'{host}' is no host of Azure Storage, and credentials go to no other. For a host of your own, name it as the catalog's endpoint");
        var account = match is { } ? match.Groups["account"].Value.ToLowerInvariant() : host.Length != 0 ? host.ToLowerInvariant() : _account;
        if (_account is not null && account is not null && account != _account) throw Refused(location, $"the catalog's settings are for the account '{_account}', not '{account}'");
        if (_endpoint is not null) return (_endpoint, account ?? _account);
        if (account is null) throw Refused(location, "it names no account (abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/…), and the catalog's settings name none");
        return match is { }
            ? ($"https://{account}{match.Groups["zone"].Value}.blob.{match.Groups["cloud"].Value}".ToLowerInvariant(), account)
            : ($"https://{account}.blob.core.windows.net", account);
    }

    private static string? AccountOf(Uri endpoint)
    {
        var path = endpoint.AbsolutePath.Trim('/');
        if (path.Length != 0) return path.ToLowerInvariant();
        return AzureHost().Match(endpoint.Host) is { Success: true } match ? match.Groups["account"].Value.ToLowerInvariant() : null;
    }

    private static StoreException Refused(string location, string reason) =>
        new(StoreFailureKind.Refused, location, $"'{location}' cannot be used: {reason}.");

    /// <summary>The public cloud, those of governments and China, accounts with a DNS zone, private links, OneLake.</summary>
    [GeneratedRegex(
        @"^(?<account>[a-z0-9-]+)(?<zone>(\.[a-z0-9-]+)*?)\.(blob|dfs)\.(?<cloud>core\.windows\.net|core\.usgovcloudapi\.net|core\.chinacloudapi\.cn|core\.cloudapi\.de|storage\.azure\.net|fabric\.microsoft\.com)$",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex AzureHost();
}
