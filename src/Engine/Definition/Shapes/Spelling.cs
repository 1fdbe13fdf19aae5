using System.Globalization;

namespace Matih.Definition.Shapes;

/// <summary>Finds the name that a mistyped word probably means.</summary>
internal static class Spelling
{
    /// <summary>
    /// The candidate nearest to the word, or null where none is near: at most a third of the word's letters may differ
    /// (inserted, left out, replaced, or two neighbours swapped), case and <c>-</c> against <c>_</c> aside.
    /// </summary>
    public static string? Nearest(string word, IEnumerable<string> candidates)
    {
        if (word.Length is 0 or > 64) return null;
        var plain = Plain(word);
        var distanceMax = Math.Max(1, plain.Length / 3);
        string? nearest = null;
        foreach (var candidate in candidates)
        {
            var distance = Distance(plain, Plain(candidate));
            if (distance > distanceMax || distance >= candidate.Length) continue;
            nearest = candidate;
            distanceMax = distance - 1;
        }
        return nearest ?? candidates.FirstOrDefault(candidate => BeginAlike(plain, Plain(candidate)));
    }

    /// <summary>The candidate that differs least from the word, by that many letters at most; case and <c>-</c>, <c>_</c> and <c>.</c> aside.</summary>
    public static string? NearestWithin(int distanceMax, string word, IEnumerable<string> candidates)
    {
        var plain = Plain(word);
        string? nearest = null;
        foreach (var candidate in candidates)
        {
            var distance = Distance(plain, Plain(candidate));
            if (distance > distanceMax) continue;
            nearest = candidate;
            distanceMax = distance - 1;
        }
        return nearest;
    }

    /// <summary>Whether two thirds of the word, and four letters at least, begin the candidate: <c>transforms</c> for <c>transformations</c>.</summary>
    private static bool BeginAlike(string word, string candidate) =>
        word.AsSpan().CommonPrefixLength(candidate) >= Math.Max(4, (word.Length * 2 + 2) / 3);

    private static string Plain(string word) =>
        string.Concat(word.Where(c => c is not ('_' or '-' or ' ' or '.'))).ToLower(CultureInfo.InvariantCulture);

    /// <summary>Optimal string alignment distance.</summary>
    private static int Distance(string a, string b)
    {
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++) rows[i, 0] = i;
        for (var j = 0; j <= b.Length; j++) rows[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = rows[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                var least = Math.Min(replaced, Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) least = Math.Min(least, rows[i - 2, j - 2] + 1);
                rows[i, j] = least;
            }
        }
        return rows[a.Length, b.Length];
    }
}
