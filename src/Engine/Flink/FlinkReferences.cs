using Matih.Definition;

namespace Matih.Flink;

/// <summary>Gives the secrets of a definition the placeholders that stand for them in print: what the author wrote, where that is a reference.</summary>
internal sealed class FlinkReferences(WrittenDefinition? written)
{
    /// <param name="path">Where it stands in the definition, such as <c>connections.main.security.password</c>.</param>
    public FlinkValue Secret(string value, string path) => FlinkValue.Secret(value, PlaceholderOf(path));

    private string PlaceholderOf(string path)
    {
        var found = written?.Find(path, name => $"${{{name}}}");
        return found is { HasReference: true, IsFile: false } ? found.Text : $"${{{path}}}";
    }
}
