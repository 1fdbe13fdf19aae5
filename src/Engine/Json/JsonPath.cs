using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Matih.Batches;

namespace Matih.Json;

/// <summary>
/// A JSON path as Flink reads one: an optional mode, then <c>$</c> and steps (<c>.name</c>, <c>['name']</c>,
/// <c>["name"]</c>, <c>[n]</c>, <c>.*</c>, <c>[*]</c>). <c>$.</c> before the first name may be left out. Immutable.
/// </summary>
/// <remarks>
/// Source: Apache Calcite's JSON functions, which Flink 1.20 calls, cut the mode off and hand the rest to Jayway
/// JsonPath. The mode decides only whether a missing value is an error or empty; neither mode unwraps arrays.
/// </remarks>
internal sealed class JsonPath
{
    private readonly int _trunkLength;

    internal JsonPath(string text, JsonPathMode mode, bool hasExplicitMode, ImmutableArray<JsonPathStep> steps, string? unsupported)
    {
        Text = text;
        Mode = mode;
        HasExplicitMode = hasExplicitMode;
        Steps = steps;
        Unsupported = unsupported;
        IsDefinite = !steps.Any(step => step is JsonPathStep.Wildcard);
        _trunkLength = steps.TakeWhile(step => step is JsonPathStep.Member).Count();
    }

    /// <summary>The path as it was written.</summary>
    public string Text { get; }

    /// <summary>Strict where the path names none.</summary>
    public JsonPathMode Mode { get; }

    public bool HasExplicitMode { get; }

    /// <summary>The steps from the root; empty for <c>$</c>. Those before the unsupported one where <see cref="IsSupported"/> is false.</summary>
    public ImmutableArray<JsonPathStep> Steps { get; }

    /// <summary>False for a valid path of a kind that is not evaluated here: <c>..</c>, filters, slices, unions, functions.</summary>
    public bool IsSupported => Unsupported is null;

    /// <summary>What is not supported, for a message: <c>a filter</c>; null where everything is.</summary>
    public string? Unsupported { get; }

    /// <summary>Whether it leads to one value at most. Else it has a wildcard, and leads to an array of what <see cref="JsonWildcardWalk"/> finds.</summary>
    public bool IsDefinite { get; }

    /// <summary>The members that an indefinite path begins with: as far as the one pass over a document goes.</summary>
    public JsonPath Trunk => new(Text, Mode, HasExplicitMode, Steps[.._trunkLength], Unsupported);

    /// <summary>The steps behind <see cref="Trunk"/>.</summary>
    public ReadOnlySpan<JsonPathStep> Branches => Steps.AsSpan(_trunkLength..);

    public override string ToString() => Text;

    /// <summary>Reads a path. False, with the reason and the UTF-16 offset in the text, where Flink would fail to compile it.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out JsonPath? path, [NotNullWhen(false)] out string? error, out int errorOffset)
    {
        var parser = new JsonPathParser(text);
        path = parser.Parse();
        error = path is null ? parser.Error : null;
        errorOffset = path is null ? parser.Position : 0;
        return path is not null;
    }
}
