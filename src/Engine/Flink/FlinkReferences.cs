using System.Collections.Immutable;
using Matih.Definition;

namespace Matih.Flink;

/// <summary>Gives the secrets of a definition the placeholders that stand for them in print: what the author wrote, where that is a reference.</summary>
internal sealed class FlinkReferences(WrittenDefinition? written)
{
    /// <summary>Parts of option names whose values are not printed even where the author wrote them into the file.</summary>
    private static readonly ImmutableArray<string> SecretWords = ["password", "passwd", "secret", "token", "credential", "jaas", "private", "access-key", "access.key", "account-key", "passphrase", "connection-string", "connection.string"];

    /// <param name="path">Where it stands in the definition, such as <c>connections.main.security.password</c>.</param>
    public FlinkValue Secret(string value, string path) => FlinkValue.Secret(value, PlaceholderOf(path));

    /// <summary>
    /// The value of an option that people write as Flink knows it. What came from elsewhere than the file is printed as it was
    /// written there; a text of the file itself is printed only where it looks like no secret.
    /// </summary>
    /// <param name="name">The option's name.</param>
    /// <param name="path">Where it stands in the definition.</param>
    public FlinkValue Option(string name, string value, string path)
    {
        var isLiteral = Find(path) is { HasReference: false, IsFile: false } found && found.Text == value;
        var isShown = isLiteral && !SecretWords.Any(word => name.Contains(word, StringComparison.OrdinalIgnoreCase))
            && !(Uri.TryCreate(value, UriKind.Absolute, out var address) && address.UserInfo.Length != 0);
        return isShown ? value : Secret(value, path);
    }

    /// <summary>An address, which people write credentials into; one without is printed unless it came from elsewhere than the file.</summary>
    public FlinkValue Address(string value, string path)
    {
        var holdsCredentials = Uri.TryCreate(value, UriKind.Absolute, out var address) && (address.UserInfo.Length != 0 || address.Query.Length != 0);
        return holdsCredentials || Find(path) is { HasReference: true } ? Secret(value, path) : value;
    }

    private WrittenValue? Find(string path) => written?.Find(path, name => $"${{{name}}}");

    private string PlaceholderOf(string path)
    {
        var found = Find(path);
        return found is { HasReference: true, IsFile: false } ? found.Text : $"${{{path}}}";
    }
}
