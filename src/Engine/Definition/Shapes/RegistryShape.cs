using System.Text.Json;

namespace Matih.Definition.Shapes;

/// <summary>Addresses that serve the same, separated by commas. Never shown in messages, because people put credentials in.</summary>
internal sealed class UrlListShape : ScalarShape<string>
{
    private const string OneWords = "an http:// or https:// address";

    /// <summary>As a message about anything else says it.</summary>
    public const string Detail = "with a host and a port from 1 to 65535 or none, and without credentials and query";

    public override string Words => $"{OneWords}, or several separated by commas";

    protected override bool TryParse(ResolvedText text, ReadState state, out string value, out string? problem)
    {
        value = text.Value;
        var isList = Parse(value) is not null;
        problem = isList ? null : $"expected {OneWords} {Detail}, or several separated by commas, found something else (not shown: it may hold credentials)";
        return isList;
    }

    /// <summary>The addresses; null where one is none, or has more than scheme, host, port and path.</summary>
    public static List<EndpointUrl>? Parse(string text)
    {
        var urls = new List<EndpointUrl>();
        foreach (var part in text.Split(','))
        {
            if (!EndpointUrl.TryParse(part.Trim(), out var url) || url!.Reveal() is not { UserInfo.Length: 0, Query.Length: 0, Fragment.Length: 0 }) return null;
            urls.Add(url);
        }
        return urls;
    }

    public override void WriteSchema(Utf8JsonWriter writer) => WriteOrReference(writer, () =>
    {
        writer.WriteString("type", "string");
        writer.WriteString("pattern", "^https?://");
    });
}

/// <summary>A source's <c>schema_registry</c>: what it means is decided where the registries are known.</summary>
internal sealed class RegistryShape : ScalarShape<string>
{
    public override string Words => "an http:// or https:// address, or the name of an entry under registries";

    public override string Cell => "address or name";

    protected override bool TryParse(ResolvedText text, ReadState state, out string value, out string? problem)
    {
        value = text.Value.Trim();
        var isOne = Grammars.Name.Accepts(value) || UrlListShape.Parse(value) is not null;
        problem = isOne ? null
            : $"expected an http:// or https:// address {UrlListShape.Detail}, or the name of an entry under registries, where credentials belong; found something else (not shown: it may hold credentials)";
        return isOne;
    }

    public override void WriteSchema(Utf8JsonWriter writer) => writer.WriteString("type", "string");
}
