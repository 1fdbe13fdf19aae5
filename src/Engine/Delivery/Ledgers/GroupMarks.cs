using System.Collections.Immutable;
using Matih.Kafka;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Delivery.Ledgers;

/// <summary>
/// The marks of all flows that share one consumer group and topic, as one metadata text. Kafka keeps a single text for each
/// partition of a group, so every flow has to write down the marks of the others, too: one for each flow of this process
/// (which share this object), and those that are found in the group. Thread-safe.
/// </summary>
/// <remarks>
/// Two processes that write at the same moment can overwrite each other's mark. Both read before they write, at every commit,
/// and a run without commits looks every minute whether its mark is still there, so that a lost one comes back.
/// </remarks>
internal sealed class GroupMarks(TimeProvider clock)
{
    /// <summary>Offsets for dashboards hold nobody up for longer: neither a commit nor the end of a run whose brokers are gone.</summary>
    private static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(10);

    /// <summary>Brokers take 4,096 bytes of metadata (<c>offset.metadata.max.bytes</c>).</summary>
    private const int TextBytesMax = 4096;

    private const string AnyPrefix = "matih:";
    private const string Prefix = "matih:2:";
    private const string PrefixOfOne = "matih:1:";

    private readonly Lock _gate = new();
    private readonly HashSet<string> _own = [];
    private ImmutableSortedDictionary<string, GroupMark> _known = ImmutableSortedDictionary.Create<string, GroupMark>(StringComparer.Ordinal);

    /// <summary>The marks in a group's metadata; none where the text is not of this program.</summary>
    public static ImmutableArray<GroupMark> Parse(string? text)
    {
        if (text is null) return [];
        text = text.TrimEnd('\0');
        if (text.StartsWith(PrefixOfOne, StringComparison.Ordinal)) return GroupMark.Parse(text[PrefixOfOne.Length..]) is { } one ? [one] : [];
        if (!text.StartsWith(Prefix, StringComparison.Ordinal)) return [];
        return [.. text[Prefix.Length..].Split(';').Select(GroupMark.Parse).OfType<GroupMark>()];
    }

    /// <summary>The flow's mark among those of a group's metadata, or null.</summary>
    public static GroupMark? Find(string? text, FlowName flow)
    {
        var hash = GroupMark.HashOf(flow);
        return Parse(text).FirstOrDefault(mark => mark.Hash == hash);
    }

    /// <summary>Stores a flow's positions for dashboards, and its mark beside those of the other flows.</summary>
    /// <returns>Null where they were stored; otherwise why they were not (the broker refused, or there are more marks than it takes).</returns>
    public async ValueTask<string?> StoreAsync(GroupMark mark, IRecordSource source, SourceLedger ledger, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _own.Add(mark.Hash);
            _known = _known.SetItem(mark.Hash, mark);
        }
        return await StoreKnownAsync(source, ledger, cancellationToken);
    }

    /// <summary>Stores a flow's mark again where another process has overwritten it. Does nothing before the first <see cref="StoreAsync"/>.</summary>
    public async ValueTask RenewAsync(FlowName flow, IRecordSource source, SourceLedger ledger, IEngineLog log, CancellationToken cancellationToken)
    {
        lock (_gate)
            if (!_own.Contains(GroupMark.HashOf(flow))) return;
        using var timer = new CancellationTokenSource(TimeMax, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            if (Find(await source.ReadGroupMarkAsync(either.Token), flow) is not null) return;
        }
        catch (SourceException e)
        {
            log.Debug("group-unreadable", $"The marks in the consumer group of topic '{source.Topic}' could not be looked at: {e.Message}");
            return;
        }
        catch (OperationCanceledException) when (timer.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return; // No answer in time; the next look asks again.
        }
        if (await StoreKnownAsync(source, ledger, cancellationToken) is { } reason)
            log.Debug("group-offsets-refused", $"The consumer group's offsets of topic '{source.Topic}' could not be stored again: {reason}");
    }

    private async ValueTask<string?> StoreKnownAsync(IRecordSource source, SourceLedger ledger, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(TimeMax, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            var found = await source.ReadGroupMarkAsync(either.Token);
            if (IsOfAnotherVersion(found)) return $"its marks are of another version of this program ('{found?[..Math.Min(found.Length, 12)]}…'), and would be lost; use one version for all pipelines of the group.";
            if (Merge(Parse(found)) is not { } text) return $"more flows share the group than their marks fit into {Quantity.Of(TextBytesMax, "byte")}; give some of them a consumer_group of their own.";
            var positions = ledger.Partitions.Select(entry => new PartitionPosition(entry.Partition, entry.NextOffset)).ToArray();
            var (isStored, reason) = await source.StoreGroupOffsetsAsync(positions, text, either.Token);
            return isStored ? null : reason ?? "the broker refused.";
        }
        catch (SourceException e)
        {
            return e.Message;
        }
        catch (OperationCanceledException) when (timer.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return $"no answer within {TimeMax.TotalSeconds:0} s ({source.Trouble ?? "the brokers are silent"})";
        }
    }

    private static bool IsOfAnotherVersion(string? text) => text is not null && text.StartsWith(AnyPrefix, StringComparison.Ordinal)
        && !text.StartsWith(Prefix, StringComparison.Ordinal) && !text.StartsWith(PrefixOfOne, StringComparison.Ordinal);

    /// <summary>
    /// The text with all marks: those found, and those of this process in their place. It ends with a NUL, because Python
    /// clients on librdkafka (seen with confluent-kafka 2.16.1) take the metadata for NUL-terminated and would read on into
    /// foreign memory, and fail on what they find there. Null where even the short forms do not fit.
    /// </summary>
    private string? Merge(ImmutableArray<GroupMark> found)
    {
        ImmutableSortedDictionary<string, GroupMark> all;
        lock (_gate)
        {
            foreach (var mark in found)
                if (!_own.Contains(mark.Hash)) _known = _known.SetItem(mark.Hash, mark);
            all = _known;
        }
        var marks = all.Values.OrderBy(mark => mark.Flow is null).ThenBy(mark => mark.Flow?.ToString(), StringComparer.Ordinal).ToList();
        foreach (var isShort in (bool[])[false, true])
        {
            var text = $"{Prefix}{string.Join(';', marks.Select(mark => mark.ToText(isShort)))}\0";
            if (text.Length <= TextBytesMax) return text;
        }
        return null;
    }
}
