using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Matih.Sql.Strings;

/// <summary>The parts of a URL as Java's java.net.URL takes it apart; the parts lie in the text that was parsed.</summary>
/// <remarks>
/// Source: java.net.URL and URLStreamHandler of Java 17: nothing is decoded or checked beyond what is here. Protocols are those
/// that Java has a handler for; <c>jar</c>, <c>jmod</c> and <c>jrt</c>, which open files, are not taken.
/// </remarks>
internal ref struct JavaUrl
{
    public enum Outcome { Parsed, Malformed, NotTaken }

    public ReadOnlySpan<byte> Protocol;
    public ReadOnlySpan<byte> Authority;
    public ReadOnlySpan<byte> UserInfo;
    public ReadOnlySpan<byte> Host;
    public ReadOnlySpan<byte> Path;
    public ReadOnlySpan<byte> Query;
    public ReadOnlySpan<byte> Reference;

    public bool HasAuthority;
    public bool HasUserInfo;
    public bool HasQuery;
    public bool HasReference;

    /// <summary>Takes a URL apart. Malformed is what Java throws an exception for.</summary>
    public static Outcome Parse(ReadOnlySpan<byte> text, out JavaUrl url)
    {
        url = default;
        while (text.Length > 0 && text[^1] <= ' ') text = text[..^1];
        while (text.Length > 0 && text[0] <= ' ') text = text[1..];
        if (text.Length >= 4 && Ascii.EqualsIgnoreCase(text[..4], "url:"u8)) text = text[4..];
        var colon = text.IndexOfAny((byte)':', (byte)'/');
        if (colon <= 0 || text[0] == '#' || text[colon] != ':' || !IsProtocol(text[..colon])) return Outcome.Malformed;
        url.Protocol = text[..colon];
        var rest = text[(colon + 1)..];
        var kind = KindOf(url.Protocol);
        if (kind != Outcome.Parsed) return kind;
        if (rest.IndexOf((byte)'#') is >= 0 and var hash)
        {
            url.Reference = rest[(hash + 1)..];
            url.HasReference = true;
            rest = rest[..hash];
        }
        return Ascii.EqualsIgnoreCase(url.Protocol, "mailto"u8) ? url.ParseAddress(rest) : url.ParseRest(rest);
    }

    private static bool IsProtocol(ReadOnlySpan<byte> text)
    {
        if (!char.IsAsciiLetter((char)text[0])) return false;
        foreach (var c in text)
            if (!char.IsAsciiLetterOrDigit((char)c) && c is not ((byte)'.' or (byte)'+' or (byte)'-')) return false;
        return true;
    }

    private static Outcome KindOf(ReadOnlySpan<byte> protocol)
    {
        foreach (var known in (ReadOnlySpan<string>)["http", "https", "ftp", "file", "mailto"])
            if (Ascii.EqualsIgnoreCase(protocol, known)) return Outcome.Parsed;
        foreach (var other in (ReadOnlySpan<string>)["jar", "jmod", "jrt"])
            if (Ascii.EqualsIgnoreCase(protocol, other)) return Outcome.NotTaken;
        return Outcome.Malformed;
    }

    /// <summary>mailto: the rest is the path, and what follows its last question mark the query; Java forgets the reference.</summary>
    private Outcome ParseAddress(ReadOnlySpan<byte> rest)
    {
        if (rest.Trim(" \t\n\r\f\v"u8).IsEmpty) return Outcome.Malformed;
        Reference = default;
        HasReference = false;
        SplitQuery(rest, rest.LastIndexOf((byte)'?'));
        return Outcome.Parsed;
    }

    private void SplitQuery(ReadOnlySpan<byte> rest, int question)
    {
        Path = question < 0 ? rest : rest[..question];
        if (question < 0) return;
        Query = rest[(question + 1)..];
        HasQuery = true;
    }

    private Outcome ParseRest(ReadOnlySpan<byte> rest)
    {
        SplitQuery(rest, rest.IndexOf((byte)'?'));
        if (Path.StartsWith("////"u8) || !Path.StartsWith("//"u8)) return Outcome.Parsed;
        var slash = Path[2..].IndexOf((byte)'/');
        Authority = slash < 0 ? Path[2..] : Path.Slice(2, slash);
        HasAuthority = true;
        Path = slash < 0 ? default : Path[(slash + 2)..];
        var at = Authority.IndexOf((byte)'@');
        // With two of them it is the name of no server.
        if (at != Authority.LastIndexOf((byte)'@')) return Outcome.Parsed;
        HasUserInfo = at >= 0;
        if (HasUserInfo) UserInfo = Authority[..at];
        Host = Authority[(at + 1)..];
        return Host.Length > 0 && Host[0] == '[' ? TakeAddress() : TakeName();
    }

    private Outcome TakeName()
    {
        var colon = Host.IndexOf((byte)':');
        if (colon < 0) return Outcome.Parsed;
        var port = Host[(colon + 1)..];
        Host = Host[..colon];
        return port.IsEmpty || IsPort(port) ? Outcome.Parsed : Outcome.Malformed;
    }

    private Outcome TakeAddress()
    {
        var close = Host.IndexOf((byte)']');
        if (close <= 2 || !IsVersion6(Host[1..close])) return Outcome.Malformed;
        var after = Host[(close + 1)..];
        Host = Host[..(close + 1)];
        if (after.IsEmpty || (after.Length == 1 && after[0] == ':')) return Outcome.Parsed;
        return after[0] == ':' && IsPort(after[1..]) ? Outcome.Parsed : Outcome.Malformed;
    }

    private static bool IsVersion6(ReadOnlySpan<byte> address)
    {
        var zone = address.IndexOf((byte)'%');
        return IPAddress.TryParse(Encoding.UTF8.GetString(zone < 0 ? address : address[..zone]), out var parsed) && parsed.AddressFamily == AddressFamily.InterNetworkV6;
    }

    private static bool IsPort(ReadOnlySpan<byte> text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var port) && port >= -1;

    /// <summary>The first value of a name in the query.</summary>
    public readonly bool TryFindParameter(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!HasQuery) return false;
        for (var at = 0; at <= Query.Length;)
        {
            var rest = Query[at..];
            if (rest.Length > name.Length && rest.StartsWith(name) && rest[name.Length] == '=')
            {
                rest = rest[(name.Length + 1)..];
                value = rest.IndexOf((byte)'&') is >= 0 and var end ? rest[..end] : rest;
                return true;
            }
            var next = rest.IndexOf((byte)'&');
            if (next < 0) return false;
            at += next + 1;
        }
        return false;
    }
}
