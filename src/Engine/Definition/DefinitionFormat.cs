using Matih.Definition.Format;

namespace Matih.Definition;

/// <summary>The definition's format for people and editors, from the same tables that the reader uses.</summary>
public static class DefinitionFormat
{
    /// <summary>A JSON Schema (draft 2020-12), as in <c>samples/matih.schema.json</c>.</summary>
    public static string JsonSchema() => SchemaText.Write();

    /// <summary>The reference of all keys in Markdown, as in <c>docs/definition.md</c>.</summary>
    public static string Reference() => ReferenceText.Write();
}
