using Matih.Telemetry;

namespace Matih.Host.Output;

/// <summary>The last log line of a flow: what the run did, and a warning where that was mostly to skip.</summary>
internal static class EndLine
{
    /// <summary>A run of fewer records says little where only most of them were skipped; where all were, any number is a warning.</summary>
    private const int RecordCountMin = 100;

    public static LogEntry Of(FlowProgress flow)
    {
        var (records, skipped) = (flow.CommittedRecordCount, flow.CommittedSkippedCount);
        var isEvery = records > 0 && skipped == records;
        var isMost = isEvery || records >= RecordCountMin && skipped > records / 2;
        var reason = flow.SkipReason is { } known ? $" The most frequent reason: {known}." : "";
        var warning = isMost ? $" {(isEvery ? "Every record was" : "Most records were")} skipped, as on_error: skip says.{reason}" : "";
        var staged = flow.StagedRecordCount == 0 ? "" : $" Staged for the member that commits: {Quantity.Of(flow.StagedRecordCount, "record")} in {Quantity.Of(flow.StagedFileCount, "file")} ({Quantity.Bytes(flow.StagedFileBytes)}).";
        return new LogEntry(isMost ? LogSeverity.Warning : LogSeverity.Information, "ended",
            $"Flow {flow.Flow} ended: {Quantity.Of(flow.CommittedRowCount, "row")} of {Quantity.Of(records, "record")} committed by this run ({Quantity.Count(flow.CommittedFilteredCount)} filtered, {Quantity.Count(skipped)} skipped{Fates.Offsets("; ", flow.LostCount, flow.EmptyOffsetCount)}), in {Quantity.Of(flow.CommitCount, "commit")} and {Quantity.Of(flow.FileCount, "file")} ({Quantity.Bytes(flow.FileBytes)}).{staged}{warning}",
            ("flow", flow.Flow), ("rows", flow.CommittedRowCount), ("records", records), ("filtered", flow.CommittedFilteredCount), ("skipped", skipped), ("skip_reason", flow.SkipReason),
            ("lost_offsets", flow.LostCount), ("empty_offsets", flow.EmptyOffsetCount), ("commits", flow.CommitCount), ("files", flow.FileCount), ("bytes", flow.FileBytes));
    }
}
