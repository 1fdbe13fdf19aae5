using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;

namespace Matih.Delivery.Running;

/// <summary>What a run of a flow remembers from one session to the next.</summary>
internal sealed class RunHistory(RunMode mode, OpenAnswers answers, long startedAt)
{
    private long _assignment;

    /// <summary>A person's answers; they are for the table as it was, and no longer count once it has been opened.</summary>
    public OpenAnswers Answers { get; set; } = answers;

    /// <summary>Whether all flows of the pipeline were checked, so that this one may write.</summary>
    public bool IsStarted { get; set; }

    /// <summary>The records that the table held when the run began, by its ledger; null before the first session.</summary>
    private long? _recordCountBefore;

    /// <summary>
    /// Shares out, among a session's lanes, what the run may still read. The ledger says how much it has committed so far:
    /// what a failed session read does not count, and what a commit holds counts also where its answer was lost.
    /// </summary>
    public RecordLimit LimitFor(Ledger opened, int laneCount)
    {
        if (mode is not RunMode.Once once) return RecordLimit.None();
        _recordCountBefore ??= opened.Totals.RecordCount;
        return new RecordLimit(once.RecordCountMax - Math.Max(0, opened.Totals.RecordCount - _recordCountBefore.Value), laneCount);
    }

    /// <summary>When the run began, a timestamp of its clock.</summary>
    public long StartedAt { get; } = startedAt;

    /// <summary>The topic's ends at the start, under <see cref="RunMode.UntilCaughtUp"/>.</summary>
    public IReadOnlyDictionary<int, long>? CaughtUpAt { get; set; }

    /// <summary>Sessions that failed in a row, without a commit between.</summary>
    public int FailureCount { get; set; }

    /// <summary>When the first of those failures was met, a timestamp of the run's clock.</summary>
    public long FailingSince { get; set; }

    /// <summary>What the log said of the last of them, so that it says so once.</summary>
    public string? LastFailure { get; set; }

    /// <summary>Whether the flow was opened again, without a commit since, because a position was out of range: once is enough to tell.</summary>
    public bool HasDoubtedPositions { get; set; }

    /// <summary>A commit stands: earlier failures no longer count.</summary>
    public void NoteProgress()
    {
        FailureCount = 0;
        LastFailure = null;
        HasDoubtedPositions = false;
    }

    /// <summary>The number of the next assignment of partitions.</summary>
    public long NextAssignment() => ++_assignment;
}

/// <summary>How a session ended that did not fail.</summary>
internal enum SessionEnd
{
    /// <summary>The run has done what it was started for.</summary>
    Finished,
    /// <summary>Begin anew at what the table now holds.</summary>
    Reopen,
}
