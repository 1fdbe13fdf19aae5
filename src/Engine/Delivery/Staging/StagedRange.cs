using System.Collections.Immutable;
using System.Globalization;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;
using Matih.Delivery.Tables;

namespace Matih.Delivery.Staging;

/// <summary>A contiguous range of one partition that a reader has turned into durable data files which no table refers to yet.</summary>
/// <param name="Entry">The range, what it held, and the fingerprint of its last record.</param>
/// <param name="Books">The fate of each of its records.</param>
/// <param name="Files">Its data files.</param>
/// <param name="Run">The run that made it.</param>
/// <param name="StagedAtMillis">When, by that run's clock.</param>
internal sealed record StagedRange(PartitionLedger Entry, Books Books, ImmutableArray<WrittenFile> Files, Guid Run, long StagedAtMillis)
{
    /// <summary>The bad records of the range.</summary>
    public SkippedRecords Skipped { get; init; } = SkippedRecords.None;

    public RangeName NameIn(string folder) => new(Entry.Partition, Entry.FromOffset, Entry.NextOffset, folder, default);

    public long Bytes => Files.Sum(file => file.LengthBytes);
}

/// <summary>What a staged range's record is called: enough to chain ranges without reading them.</summary>
/// <param name="FromOffset">First offset of the range.</param>
/// <param name="ToOffset">End of the range, excluded.</param>
/// <param name="Folder">The folder of the key that it was staged under.</param>
/// <param name="StagedAt">When the store wrote the record.</param>
internal sealed record RangeName(int Partition, long FromOffset, long ToOffset, string Folder, DateTimeOffset StagedAt)
{
    private const string Ending = ".json";

    public string Location => string.Create(CultureInfo.InvariantCulture, $"{Folder}/p{Partition:D5}-{FromOffset:D19}-{ToOffset:D19}{Ending}");

    /// <summary>The range of that name, or null for anything else that lies in the folder.</summary>
    public static RangeName? Parse(string location, DateTimeOffset stagedAt)
    {
        var slash = location.LastIndexOf('/');
        if (slash < 0 || !location.EndsWith(Ending, StringComparison.Ordinal)) return null;
        var parts = location[(slash + 1)..^Ending.Length].Split('-');
        return parts.Length == 3 && parts[0].StartsWith('p')
            && int.TryParse(parts[0].AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var partition)
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var from)
            && long.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var to)
            && from < to
                ? new RangeName(partition, from, to, location[..slash], stagedAt)
                : null;
    }
}
