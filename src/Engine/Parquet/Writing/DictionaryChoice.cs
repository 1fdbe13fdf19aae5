namespace Matih.Parquet.Writing;

/// <summary>Decides from a chunk's first page whether a dictionary pays, so that none is built in vain.</summary>
internal static class DictionaryChoice
{
    /// <summary>Repeats too few to say how many distinct values there are.</summary>
    private const int RepeatsMin = 8;

    /// <summary>What is known after the first page.</summary>
    /// <param name="ValueCount">Values so far, without NULLs.</param>
    /// <param name="DistinctCount">Distinct ones among them.</param>
    /// <param name="RunCount">Runs of equal values among them.</param>
    /// <param name="DictionaryBytes">Plain bytes of the distinct ones.</param>
    /// <param name="PlainBytes">Plain bytes of all.</param>
    public readonly record struct Sample(int ValueCount, int DistinctCount, int RunCount, long DictionaryBytes, long PlainBytes);

    /// <param name="compressedShare">What the codec is expected to leave of plain values of the type. Indices hardly compress.</param>
    /// <param name="isLast">Whether the chunk ends here.</param>
    public static bool IsWorthIt(Sample sample, double compressedShare, int dictionaryBytesMax, bool isLast)
    {
        if (sample.ValueCount == 0) return false;
        if (sample.DictionaryBytes > dictionaryBytesMax) return false;
        // Equal values in a row, none of which comes back (a sorted column): plain values and their repeats compress
        // better than indices that only count up. Long runs cost next to nothing either way, and the dictionary is faster.
        if (sample.RunCount < sample.DistinctCount * 1.1 && sample.ValueCount < sample.RunCount * 8L) return false;
        var indexBytes = sample.ValueCount * IndexBits(sample.DistinctCount) / 8;
        if (sample.DictionaryBytes * compressedShare + indexBytes < sample.PlainBytes * compressedShare) return true;
        if (isLast) return false;
        // More rows follow: would the dictionary hold all the values that they seem to be drawn from?
        var distinct = EstimateDistinct(sample.ValueCount, sample.DistinctCount);
        var valueBytes = sample.DictionaryBytes / (double)sample.DistinctCount;
        return distinct * valueBytes < dictionaryBytesMax && IndexBits(distinct) / 8 < 0.9 * valueBytes * compressedShare;
    }

    private static double IndexBits(double distinct) => Math.Ceiling(Math.Log2(Math.Max(2, distinct)));

    /// <summary>
    /// How many distinct values a source has of which a sample of <paramref name="count"/> shows <paramref name="distinct"/>,
    /// were all equally likely: the D that solves distinct = D (1 - e^(-count / D)).
    /// </summary>
    internal static double EstimateDistinct(int count, int distinct)
    {
        if (count - distinct < RepeatsMin) return double.PositiveInfinity;
        double low = distinct;
        var high = 1e10;
        for (var i = 0; i < 60; i++)
        {
            var middle = (low + high) / 2;
            if (middle * -Math.Exp(-count / middle) + middle < distinct) low = middle;
            else high = middle;
        }
        return high;
    }
}
