using Matih.Engine.Simulation.Auditing;

namespace Matih.Engine.Simulation.World;

/// <summary>
/// What flows have left beside the offsets of their consumer groups: one text to a group. A writer that has seen the marks of
/// others must not wipe them out.
/// </summary>
internal sealed class GroupMarkStore
{
    private readonly Dictionary<string, string> _texts = new(StringComparer.Ordinal);

    public string? Read(string group) => _texts.GetValueOrDefault(group);

    /// <param name="seen">The text that the writer had read before it sent this one; null where it never looked.</param>
    /// <exception cref="AuditException">A mark is gone that the writer must have known.</exception>
    public void Store(string group, string text, string? seen)
    {
        var after = MarksIn(text);
        // Two that write at the same moment can overwrite each other: only who has seen a mark answers for it.
        var known = seen is null ? null : MarksIn(seen);
        foreach (var mark in MarksIn(_texts.GetValueOrDefault(group)))
            if ((known is null || known.Contains(mark)) && !after.Any(item => FlowOf(item) == FlowOf(mark)))
                throw new AuditException($"A writer overwrites the mark '{mark}' in group {group} with '{text.TrimEnd('\0')}'.");
        _texts[group] = text;
    }

    /// <summary>Whether the group remembers that the flow wrote to that table.</summary>
    public bool Holds(string group, string flow, string tableUuid) => MarksIn(_texts.GetValueOrDefault(group)).Contains($"{flow.Replace('/', ':')}:{tableUuid}");

    private static string FlowOf(string mark) => mark[..mark.LastIndexOf(':')];

    /// <summary>The marks in a text, each <c>pipeline:sink:table</c>.</summary>
    private static HashSet<string> MarksIn(string? text) => string.IsNullOrEmpty(text) ? [] :
        [.. text.TrimEnd('\0')["matih:1:".Length..].Split(';').Where(mark => mark.Contains(':', StringComparison.Ordinal))];
}
