using Matih.Delivery.Ledgers;

namespace Matih.Host.Output;

/// <summary>What became of source records, in one form wherever it is shown.</summary>
internal static class Fates
{
    /// <summary><c>50,000 read: 49,000 gave rows, 900 filtered, 100 skipped; 3 offsets lost, 7 held no record</c>.</summary>
    /// <param name="emptyOffsetCount">Offsets that held no record, as far as it is known.</param>
    public static string Show(Books books, long emptyOffsetCount)
    {
        var text = $"{Quantity.Count(books.RecordCount)} read: {Quantity.Count(books.ProducedCount)} gave rows, {Quantity.Count(books.FilteredCount)} filtered, {Quantity.Count(books.SkippedCount)} skipped";
        if (books.AbsorbedCount > 0) text += $", {Quantity.Count(books.AbsorbedCount)} absorbed";
        if (books.RejectedCount > 0) text += $", {Quantity.Count(books.RejectedCount)} rejected";
        return text + Offsets("; ", books.LostCount, emptyOffsetCount);
    }

    /// <summary>Offsets without a record in the table's reach, after the separator; nothing where there are none.</summary>
    public static string Offsets(string separator, long lostCount, long emptyOffsetCount)
    {
        var parts = new List<string>();
        if (lostCount > 0) parts.Add($"{Quantity.Of(lostCount, "offset")} lost");
        if (emptyOffsetCount > 0) parts.Add($"{Quantity.Of(emptyOffsetCount, "offset")} held no record");
        return parts.Count == 0 ? "" : separator + string.Join(", ", parts);
    }
}
