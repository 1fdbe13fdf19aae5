using Matih.Delivery.Ledgers;
using Matih.Kafka;

namespace Matih.Delivery.Topics;

/// <summary>What stands now at the offset of a record that was read.</summary>
internal enum RecordMatch
{
    /// <summary>The record that was read.</summary>
    Same,
    /// <summary>Another record: the topic was created again and refilled, or lost records in an unclean leader election.</summary>
    Other,
    /// <summary>No record (compaction, retention): nothing can be concluded.</summary>
    Gone,
}

/// <summary>Compares the record that a probe found with the fingerprint of the one that was read.</summary>
internal static class RecordMatching
{
    /// <param name="read">The record that was read.</param>
    /// <param name="found">What a probe at its offset gave.</param>
    public static RecordMatch CompareWith(this Fingerprint read, ProbedRecord? found)
    {
        if (found is null || found.Offset != read.Offset) return RecordMatch.Gone;
        return found.Crc32C == read.Crc32C && found.TimestampMillis == read.TimestampMillis ? RecordMatch.Same : RecordMatch.Other;
    }

    /// <summary>What shows that another record was found, for messages.</summary>
    public static string DifferenceFrom(this Fingerprint read, ProbedRecord found) =>
        $"expected timestamp {read.TimestampMillis} and CRC-32C {read.Crc32C:x8}, found {found.TimestampMillis} and {found.Crc32C:x8}";
}
