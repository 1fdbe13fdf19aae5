using System.Collections.Immutable;

namespace Matih.Definition;

/// <summary>A schema registry: an entry under <c>registries:</c>, or an address that stands with a source.</summary>
/// <param name="Name">The entry under <c>registries:</c>; null for an address with a source.</param>
/// <param name="Urls">One, or several that serve the same schemas: where one does not answer, the next is asked. Without credentials and query.</param>
public sealed record RegistryDefinition(string? Name, ImmutableArray<EndpointUrl> Urls)
{
    /// <summary>None, Basic, Bearer, or OAuth2 with a <see cref="RestAuth.OAuth2.TokenUri"/>.</summary>
    public RestAuth Auth { get; init; } = new RestAuth.None();

    /// <summary>Sent with each request, but not to a token server.</summary>
    public ImmutableSortedDictionary<string, Secret> Headers { get; init; } = ImmutableSortedDictionary<string, Secret>.Empty;

    /// <summary>The authorities to trust, as PEM text or as the absolute path of a PEM file; null means the system's. A token server has the system's.</summary>
    public string? Ca { get; init; }

    /// <summary>Whether <see cref="Ca"/> is the text itself.</summary>
    public bool IsCaText => Ca is not null && Pem.IsText(Ca);

    /// <summary>The addresses, separated by commas.</summary>
    public string Address => string.Join(',', Urls);

    public override string ToString() => $"{nameof(RegistryDefinition)} {{ Name = {Name}, Urls = {Address}, Auth = {Auth}, Headers = {string.Join(',', Headers.Keys)}, Ca = {(IsCaText ? "(PEM)" : Ca)} }}";
}

/// <summary>Certificates and keys, which a definition has as text or in a file.</summary>
internal static class Pem
{
    public const string Start = "-----BEGIN";

    /// <summary>Whether it is the text itself, and not a path.</summary>
    public static bool IsText(string value) => value.TrimStart().StartsWith(Start, StringComparison.Ordinal);
}
