using System.Globalization;
using Matih.Iceberg.Metadata;

namespace Matih.Verification;

/// <summary>Counts in a snapshot's summary.</summary>
internal static class SummaryNumber
{
    /// <summary>Null where the writer left it out, or wrote no number.</summary>
    public static long? Of(Snapshot snapshot, string key) =>
        snapshot.Summary.TryGetValue(key, out var text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
