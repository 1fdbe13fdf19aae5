namespace Matih.Definition;

/// <summary>An absolute http or https address. User name and password in it are kept, but never printed.</summary>
public sealed class EndpointUrl
{
    private readonly Uri _uri;

    private EndpointUrl(Uri uri) => _uri = uri;

    /// <summary>The whole address, user info included, for the component that calls it.</summary>
    public Uri Reveal() => _uri;

    /// <summary>The address without user info and query, which may hold credentials.</summary>
    public override string ToString()
    {
        var userInfo = _uri.UserInfo.Length == 0 ? "" : Secret.Mask + "@";
        return $"{_uri.Scheme}://{userInfo}{_uri.Authority}{_uri.AbsolutePath}{(_uri.Query.Length == 0 ? "" : "?" + Secret.Mask)}";
    }

    /// <summary>False for anything but an absolute http or https address with a host, and a port from 1 to 65535 or none.</summary>
    public static bool TryParse(string text, out EndpointUrl? url)
    {
        url = Uri.TryCreate(text, UriKind.Absolute, out var uri)
            && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
            && uri.Host.Length != 0 && uri.Port != 0
            ? new EndpointUrl(uri)
            : null;
        return url is not null;
    }
}
