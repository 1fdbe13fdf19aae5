using System.Text.Json;

namespace Matih.Fixtures;

/// <summary>Text with one JSON value a line, as the readers print rows.</summary>
public static class JsonLines
{
    public static IReadOnlyList<JsonElement> Parse(string text) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
}
