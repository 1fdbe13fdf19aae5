using Matih.Definition.Yaml;

namespace Matih.Definition.Shapes;

/// <summary>A scalar's text with variables put in.</summary>
/// <param name="Value">The text to use.</param>
/// <param name="Written">The text as written, references and all.</param>
/// <param name="IsSubstituted">Whether a variable's value is part of <see cref="Value"/>, which then is never shown.</param>
/// <param name="IsMultiLine">Whether it spans lines of the file, which are never shown.</param>
/// <param name="Positions">Where each character of <see cref="Value"/> stands.</param>
internal sealed record ResolvedText(string Value, string Written, bool IsSubstituted, bool IsMultiLine, TextPositions Positions)
{
    /// <summary>The text for a message: as written, with a word on why the value itself is not shown.</summary>
    public string Shown => IsMultiLine ? "text over several lines (does one of them lack a ':'?)"
        : IsSubstituted
        ? $"{Yaml.Shown.Value(Written)} (an environment value, {(Value.Length == 0 ? "empty" : "not shown")})"
        : Value.Length == 0 ? "empty text" : Yaml.Shown.Value(Value);
}
