using System.Diagnostics;
using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Delivery.Staging;

/// <summary>How a range was staged.</summary>
internal enum StagingOutcome
{
    /// <summary>This reader's files count.</summary>
    Staged,
    /// <summary>Another reader has staged the very same range before: its files count, and those of this reader were deleted.</summary>
    StagedBefore,
    /// <summary>No position moved: there is nothing to stage.</summary>
    Nothing,
}

/// <summary>Stages what lanes of one partition each did, after a look whether the offsets without records really have none.</summary>
/// <param name="source">The topic that the lanes read.</param>
/// <param name="run">The run that stages.</param>
internal sealed class RangeStaging(FlowContext flow, IStore store, StagingArea area, SourceLedger source, GapCheck gaps, Guid run)
{
    /// <summary>The ranges of all readers that wait to be committed.</summary>
    public ValueTask<IReadOnlyList<RangeName>> ListAsync(CancellationToken cancellationToken) => area.ListAsync(cancellationToken);

    public async ValueTask<IReadOnlyList<StagingOutcome>> StageAsync(IReadOnlyList<LaneCheckpoint> checkpoints, CancellationToken cancellationToken)
    {
        await gaps.RequireRealAsync(checkpoints, source, cancellationToken);
        var outcomes = new List<StagingOutcome>();
        foreach (var checkpoint in checkpoints)
            outcomes.Add(checkpoint.HasMoved ? await FlowTrace.RunAsync("matih.stage", flow.Name, span => StageAsync(checkpoint, span, cancellationToken)) : StagingOutcome.Nothing);
        return outcomes;
    }

    private async ValueTask<StagingOutcome> StageAsync(LaneCheckpoint checkpoint, Activity? span, CancellationToken cancellationToken)
    {
        var entry = checkpoint.Partitions.Single().Entry;
        span?.SetTag("topic", flow.Plan.Topic).SetTag("partition", entry.Partition).SetTag("matih.offset.from", entry.FromOffset).SetTag("matih.offset.to", entry.NextOffset);
        var range = new StagedRange(entry, checkpoint.Books, checkpoint.Files, run, flow.Clock.GetUtcNow().ToUnixTimeMilliseconds()) { Skipped = checkpoint.Skipped };
        if (await area.StageAsync(range, cancellationToken))
        {
            flow.Progress.NoteStaged(checkpoint.Books.RecordCount, range.Files.Length, range.Bytes, flow.Clock.GetUtcNow());
            flow.Log.Information("staged",
                $"Flow {flow.Name}: staged offsets {entry.FromOffset} to {entry.NextOffset - 1} of partition {entry.Partition}: {Quantity.Of(checkpoint.Books.AddedRowCount, "row")} of {Quantity.Of(entry.RecordCount, "record")} in {Quantity.Of(range.Files.Length, "file")} ({Quantity.Bytes(range.Bytes)}).",
                ("flow", flow.Name.ToString()), ("partition", entry.Partition), ("from", entry.FromOffset), ("to", entry.NextOffset),
                ("rows", checkpoint.Books.AddedRowCount), ("records", entry.RecordCount), ("files", range.Files.Length), ("bytes", range.Bytes));
            return StagingOutcome.Staged;
        }
        flow.Log.Information("staged-before",
            $"Flow {flow.Name}: another member has staged offsets {entry.FromOffset} to {entry.NextOffset - 1} of partition {entry.Partition}; its files count.",
            ("partition", entry.Partition), ("from", entry.FromOffset), ("to", entry.NextOffset));
        foreach (var file in range.Files) await store.DeleteAsync(file.Location, cancellationToken);
        return StagingOutcome.StagedBefore;
    }
}
