using System.Collections.Immutable;

namespace Matih.Flink;

/// <summary>The kinds of rows that a query gives, in Flink's letters: I (insert), UB and UA (before and after an update), D (delete).</summary>
public sealed record ChangelogMode(ImmutableArray<string> Kinds)
{
    private const string PlanTitle = "== Optimized Physical Plan ==";
    private const string Mode = "changelogMode=[";

    /// <summary>Whether no row changes one that was given before.</summary>
    public bool IsAppend => Kinds is ["I"];

    /// <summary>The mode of the plan's root, which is the last one in its line.</summary>
    /// <param name="explained">What <c>EXPLAIN CHANGELOG_MODE</c> of one query gives (Flink SQL, "EXPLAIN").</param>
    /// <returns>Null where the text holds none.</returns>
    public static ChangelogMode? Of(string explained)
    {
        var start = explained.IndexOf(PlanTitle, StringComparison.Ordinal);
        if (start < 0) return null;
        var root = explained[(start + PlanTitle.Length)..].TrimStart().Split('\n', 2)[0];
        var at = root.LastIndexOf(Mode, StringComparison.Ordinal);
        return at < 0 ? null : new ChangelogMode([.. root[(at + Mode.Length)..].Split(']', 2)[0].Split(',', StringSplitOptions.TrimEntries)]);
    }

    public override string ToString() => string.Join(", ", Kinds.Select(kind => kind switch
    {
        "I" => "new rows",
        "UB" => "old versions of rows",
        "UA" => "new versions of rows",
        "D" => "deletions",
        _ => kind,
    }));
}
