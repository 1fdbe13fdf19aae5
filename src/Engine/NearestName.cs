namespace Matih;

/// <summary>Finds what a misspelled name most likely meant.</summary>
public static class NearestName
{
    /// <summary>The end of a message: <c>; did you mean 'x'?</c>, or a full stop where nothing is near.</summary>
    public static string Suggest(string name, IEnumerable<string> known)
    {
        string? best = null;
        var bestDistance = Math.Max(1, name.Length / 3) + 1;
        foreach (var candidate in known)
        {
            var distance = Distance(name, candidate);
            if (distance >= bestDistance) continue;
            (best, bestDistance) = (candidate, distance);
        }
        return best is null ? "." : $"; did you mean '{best}'?";
    }

    /// <summary>Edits (insert, delete, replace, swap neighbours) between the names, letter case aside; a mere difference in case is half an edit.</summary>
    private static int Distance(string left, string right)
    {
        if (left == right) return 0;
        var before = new int[right.Length + 1];
        var previous = new int[right.Length + 1];
        var current = new int[right.Length + 1];
        for (var j = 0; j <= right.Length; j++) previous[j] = j;
        for (var i = 1; i <= left.Length; i++)
        {
            current[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var cost = Same(left[i - 1], right[j - 1]) ? 0 : 1;
                current[j] = Math.Min(Math.Min(previous[j] + 1, current[j - 1] + 1), previous[j - 1] + cost);
                if (i > 1 && j > 1 && Same(left[i - 1], right[j - 2]) && Same(left[i - 2], right[j - 1]))
                    current[j] = Math.Min(current[j], before[j - 2] + 1);
            }
            (before, previous, current) = (previous, current, before);
        }
        return previous[right.Length];
    }

    private static bool Same(char left, char right) => char.ToUpperInvariant(left) == char.ToUpperInvariant(right);
}
