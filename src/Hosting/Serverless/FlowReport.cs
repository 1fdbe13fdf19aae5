using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json.Serialization;
using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Opening;
using Matih.Telemetry;

namespace Matih.Hosting.Serverless;

/// <summary>What a call that should commit a flow came to. A closed family.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FlowOutcome>))]
public enum FlowOutcome
{
    /// <summary>The table holds a new commit.</summary>
    Committed,

    /// <summary>Nothing is staged that follows on the table.</summary>
    NothingToDo,

    /// <summary>Another writer may be alive: wait, and look again.</summary>
    StandBy,

    /// <summary>It failed for a reason that may pass: wait, and try again.</summary>
    TryAgain,

    /// <summary>A person has to look.</summary>
    Refused,
}

/// <summary>A failure, for people and for what keeps state between calls. Carries no secret.</summary>
/// <param name="Code">The failure's kind as <see cref="FailureWord"/> has it, or a word of the loop's own.</param>
public sealed record ReportedFailure(string Code, string Message, string Remedy)
{
    /// <summary>
    /// How long the texts may be, as JSON writes them. Durable Functions takes 16 KB of UTF-16 as the status of an orchestration, and
    /// fails one that sets more (observed with version 3.19.0 of the extension): 8,192 characters, which a loop with its failure has
    /// to fit into.
    /// </summary>
    private const int MessageLengthMax = 4000, RemedyLengthMax = 1500;

    public string Message { get; } = Shorten(Message, MessageLengthMax);

    public string Remedy { get; } = Shorten(Remedy, RemedyLengthMax);

    public static ReportedFailure Of(PipelineException failure) => new(FailureWord.Of(failure.Kind), failure.Message, failure.Remedy);

    private static string Shorten(string text, int lengthMax)
    {
        if (LengthOf(text) <= lengthMax) return text;
        var (kept, length) = (0, LengthOf(Ellipsis));
        foreach (var rune in text.EnumerateRunes())
        {
            length += LengthOf(rune.ToString());
            if (length > lengthMax) break;
            kept += rune.Utf16SequenceLength;
        }
        return text[..kept] + Ellipsis;
    }

    private static int LengthOf(string text) => JavaScriptEncoder.Default.Encode(text).Length;

    private const string Ellipsis = "…";
}

/// <summary>A watch over a writer that may be alive, between two calls.</summary>
/// <param name="Commit">The commit that must not move.</param>
public sealed record ReportedWatch(string Commit, long RemainingMillis)
{
    public static ReportedWatch Of(TakeoverWatch watch) => new(watch.Commit.ToString(), (long)watch.Remaining.TotalMilliseconds);

    public TakeoverWatch ToWatch() => new(new CommitId(Guid.ParseExact(Commit, "D")), TimeSpan.FromMilliseconds(RemainingMillis));
}

/// <summary>What became of one flow in a call that should commit.</summary>
public sealed record FlowReport(string Sink, FlowOutcome Outcome)
{
    /// <summary>How long to wait before the next call, where it has to wait.</summary>
    public long WaitMillis { get; init; }

    public ReportedWatch? Watch { get; init; }

    public ReportedFailure? Failure { get; init; }

    public string? Commit { get; init; }

    /// <summary>Records that the commit took in.</summary>
    public long RecordCount { get; init; }

    /// <summary>Rows that the commit added.</summary>
    public long RowCount { get; init; }

    /// <summary>Offsets between the table's positions and the topic's ends; null where that could not be asked.</summary>
    public long? BehindCount { get; init; }
}

/// <summary>What a call that should commit a pipeline came to, with what its definition says about the times between calls.</summary>
public sealed record PipelineReport(ImmutableArray<FlowReport> Flows, LoopSettings Settings)
{
    /// <summary>Says in the log what failed: an error where a person has to act, and else a warning.</summary>
    public void LogFailures(string pipeline, IEngineLog log)
    {
        foreach (var flow in Flows)
        {
            if (flow.Failure is not { } failure) continue;
            var (severity, name) = flow.Outcome == FlowOutcome.Refused ? (LogSeverity.Error, "failed") : (LogSeverity.Warning, "retrying");
            log.Write(new LogEntry(severity, name, failure.Message, ("pipeline", pipeline), ("sink", flow.Sink), ("kind", failure.Code), ("remedy", failure.Remedy)));
        }
    }
}

/// <summary>What a loop of calls goes by. It comes with each report, because whoever keeps the loop's state must not look into files.</summary>
/// <param name="CheckpointIntervalMillis">Time between commits.</param>
/// <param name="IdleTimeoutMillis">How long nothing may happen before the loop ends.</param>
/// <param name="FailureLimitMillis">How long attempts may fail in a row before the loop ends; a timer begins it again.</param>
/// <param name="RecordCountMax">Staged records that make a commit due before its time.</param>
/// <param name="StagedBytesMax">Bytes of staged files that make a commit due before its time.</param>
public sealed record LoopSettings(long CheckpointIntervalMillis, long IdleTimeoutMillis, long FailureLimitMillis, long RecordCountMax, long StagedBytesMax);
