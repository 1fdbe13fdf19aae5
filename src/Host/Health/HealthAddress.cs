using System.Globalization;
using System.Net;
using Matih.Host.Runtime;
using Matih.Hosting;

namespace Matih.Host.Health;

/// <summary>Where health is served, as <c>--health</c> and <c>MATIH_HEALTH</c> say it.</summary>
/// <param name="Endpoint">Address and port; port 0 is any free one.</param>
/// <param name="IsRequired">Asked for by a person: to find it taken is an error. The default gives way to a free port.</param>
internal sealed record HealthAddress(IPEndPoint Endpoint, bool IsRequired)
{
    public const int DefaultPort = 8471;

    /// <summary>What a continuous run serves where nothing else is said: this machine alone can ask.</summary>
    public static HealthAddress Default { get; } = new(new IPEndPoint(IPAddress.Loopback, DefaultPort), IsRequired: false);

    /// <summary>The address that the option asks for, else the variable, else the run's default; null for none.</summary>
    /// <exception cref="UsageException">It is neither <c>[HOST:]PORT</c> nor <c>off</c>.</exception>
    public static HealthAddress? Of(string? option, HostSettings settings, bool isContinuous)
    {
        var (text, name) = option is not null ? (option, "--health") : (settings.NonEmpty(CommandVariables.Health), CommandVariables.Health);
        if (text is null) return isContinuous ? Default : null;
        if (text == "off") return null;
        return TryParse(text, out var endpoint)
            ? new HealthAddress(endpoint, IsRequired: true)
            : throw new UsageException($"{name}: '{text}' is neither off nor [HOST:]PORT. HOST is an IP address or localhost (0.0.0.0 for every interface), PORT a number up to 65535; for example 8471 or 0.0.0.0:8471.");
    }

    /// <summary>Where to ask a run: at the address that is named, else where the variable or the default has a run serve.</summary>
    /// <exception cref="UsageException">It is no address, or one that names no port.</exception>
    public static IPEndPoint ToAsk(string? address, HostSettings settings)
    {
        var (text, name) = address is not null ? (address, "ADDRESS") : (settings.NonEmpty(CommandVariables.Health), CommandVariables.Health);
        if (text is null) return Default.Endpoint;
        if (!TryParse(text, out var endpoint) || endpoint.Port == 0)
            throw new UsageException($"{name}: '{text}' is no address that can be asked. Name the [HOST:]PORT at which the run serves its health; HOST is an IP address or localhost, for example 8471 or 10.0.0.7:8471.");
        // What is served on every interface is asked on this machine's own.
        if (endpoint.Address.Equals(IPAddress.Any)) endpoint.Address = IPAddress.Loopback;
        if (endpoint.Address.Equals(IPAddress.IPv6Any)) endpoint.Address = IPAddress.IPv6Loopback;
        return endpoint;
    }

    /// <summary>A port alone is on loopback; any other interface has to be named.</summary>
    private static bool TryParse(string text, out IPEndPoint endpoint)
    {
        endpoint = Default.Endpoint;
        var colon = text.LastIndexOf(':');
        if (!ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)) return false;
        if (colon < 0)
        {
            endpoint = new IPEndPoint(IPAddress.Loopback, port);
            return true;
        }
        var host = text[..colon];
        // An IPv6 address stands in brackets, because its own colons would swallow the port.
        var isBracketed = host.StartsWith('[') && host.EndsWith(']');
        if (host.Contains(':') != isBracketed) return false;
        if (host == "localhost") host = "127.0.0.1";
        // Only dotted quads: the parser would take the text 1 for 0.0.0.1.
        if (!isBracketed && host.Count(character => character == '.') != 3) return false;
        if (!IPAddress.TryParse(isBracketed ? host[1..^1] : host, out var address)) return false;
        endpoint = new IPEndPoint(address, port);
        return true;
    }
}
