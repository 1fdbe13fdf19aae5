namespace Matih.Host.Testing;

/// <summary>Where found rows are not the expected ones, in lines for people.</summary>
/// <param name="names">The columns compared.</param>
internal sealed class RowComparison(string[] names)
{
    private const int LineMax = 40;
    private const int PairMax = 250_000;

    private readonly List<string> _lines = [];

    public static List<string> Compare(string[] names, IReadOnlyList<string[]> expected, IReadOnlyList<string[]> found, bool isOrdered)
    {
        var comparison = new RowComparison(names);
        if (isOrdered) comparison.CompareInOrder(expected, found);
        else comparison.CompareAsSets(expected, found);
        var lines = comparison._lines;
        if (lines.Count == 0) return lines;
        if (lines.Count > LineMax) lines = [.. lines.Take(LineMax), $"… and {Quantity.Of(lines.Count - LineMax, "line")} more"];
        return [$"rows: expected {Quantity.Count(expected.Count)}, found {Quantity.Count(found.Count)}", .. lines];
    }

    private void CompareInOrder(IReadOnlyList<string[]> expected, IReadOnlyList<string[]> found)
    {
        for (var i = 0; i < Math.Max(expected.Count, found.Count); i++)
        {
            if (i >= found.Count) Add("missing", expected[i]);
            else if (i >= expected.Count) Add("unexpected", found[i]);
            else if (!expected[i].AsSpan().SequenceEqual(found[i])) AddDifference($"row {i + 1}", expected[i], found[i]);
        }
    }

    private void CompareAsSets(IReadOnlyList<string[]> expected, IReadOnlyList<string[]> found)
    {
        var counts = found.GroupBy(Key).ToDictionary(group => group.Key, group => group.Count());
        var missing = expected.Where(row => !Take(counts, Key(row))).ToList();
        var unexpected = found.Reverse().Where(row => Take(counts, Key(row))).Reverse().ToList();
        foreach (var row in missing)
        {
            if (FindNear(row, unexpected, missing.Count) is { } near)
            {
                unexpected.Remove(near);
                AddDifference("differs", row, near);
            }
            else Add("missing", row);
        }
        foreach (var row in unexpected) Add("unexpected", row);
    }

    /// <summary>The row that has the most cells in common, at least half of them; null where none has.</summary>
    private string[]? FindNear(string[] row, List<string[]> candidates, int rowCount)
    {
        if ((long)candidates.Count * rowCount > PairMax) return null;
        var best = candidates.MaxBy(candidate => CommonOf(row, candidate));
        return best is not null && CommonOf(row, best) * 2 >= names.Length ? best : null;
    }

    private static int CommonOf(string[] left, string[] right) => left.Where((cell, i) => cell == right[i]).Count();

    private static bool Take(Dictionary<string, int> counts, string key)
    {
        if (counts.GetValueOrDefault(key) == 0) return false;
        counts[key]--;
        return true;
    }

    // No cell holds a line break: texts are quoted.
    private static string Key(string[] row) => string.Join('\n', row);

    private void Add(string word, string[] row) => _lines.Add($"  {word,-10}  {Show(row)}");

    private void AddDifference(string word, string[] expected, string[] found)
    {
        Add(word, found);
        for (var i = 0; i < expected.Length; i++)
            if (expected[i] != found[i]) _lines.Add($"    {names[i]}: expected {expected[i]}, found {found[i]}");
    }

    private string Show(string[] row) => $"{{ {string.Join(", ", row.Select((cell, i) => $"{names[i]}: {cell}"))} }}";
}
