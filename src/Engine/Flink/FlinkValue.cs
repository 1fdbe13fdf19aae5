using System.Collections.Immutable;

namespace Matih.Flink;

/// <summary>A part of an option's value.</summary>
/// <param name="Text">What Flink gets.</param>
/// <param name="Placeholder">What is shown in its place; null where the text may be seen.</param>
internal readonly record struct FlinkValuePart(string Text, string? Placeholder);

/// <summary>The value of an option, of which parts may be secret.</summary>
internal sealed record FlinkValue(ImmutableArray<FlinkValuePart> Parts)
{
    public static implicit operator FlinkValue(string text) => new([new FlinkValuePart(text, null)]);

    /// <param name="placeholder">What is shown in its place, such as <c>${KAFKA_PASSWORD}</c>.</param>
    public static FlinkValue Secret(string value, string placeholder) => new([new FlinkValuePart(value, placeholder)]);

    /// <summary>The parts of several values, one after the other.</summary>
    public static FlinkValue Join(params FlinkValue[] values) => new([.. values.SelectMany(value => value.Parts)]);

    /// <summary>The same with every text changed, such as escaped for the syntax that it stands in.</summary>
    public FlinkValue Map(Func<string, string> change) =>
        new([.. Parts.Select(part => new FlinkValuePart(change(part.Text), part.Placeholder))]);
}
