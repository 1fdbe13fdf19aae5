using System.Collections.Immutable;
using Matih.Definition;

namespace Matih.Delivery;

/// <summary>When a run ends by itself.</summary>
public abstract record RunMode
{
    private RunMode() { }

    /// <summary>Goes on until it is stopped; commits at every checkpoint interval.</summary>
    public sealed record Continuous : RunMode;

    /// <summary>A scheduler's micro-batch: up to that many records, or until none came for the idle time-out; one commit.</summary>
    public sealed record Once(long RecordCountMax, TimeSpan IdleTimeout) : RunMode;

    /// <summary>Ends when everything that the topic held at the start is committed.</summary>
    public sealed record UntilCaughtUp : RunMode;

    /// <summary>Ends after that time.</summary>
    public sealed record For(TimeSpan Duration) : RunMode;
}

/// <summary>A person's answers to the refusals of an earlier start.</summary>
/// <param name="Start">Where to begin (<c>--from</c>), in place of the definition's start_offset; only where no ledger exists.</param>
/// <param name="Reset">Start a new generation at the start offset and keep the table's rows (<c>--reset</c>).</param>
/// <param name="ConfirmReset">Called before a reset with what it leaves in the table and may double; false stops it.</param>
/// <param name="AcceptedTags">
/// Ids of commits whose ledger is taken from a flow's tag although history cannot prove it (<c>--accept-tag</c>), one for each flow that is
/// accepted. The answer names the commit that the person saw: a tag that has moved since is asked about again.
/// </param>
/// <param name="Adopt">Take over the ledger of the pipeline that had that name (<c>--adopt</c>).</param>
/// <param name="Flink">Take the records back from the Flink job that they were given to, which ended so.</param>
public sealed record OpenAnswers(
    StartOffset? Start = null, bool Reset = false, Func<string, bool>? ConfirmReset = null, ImmutableArray<Guid> AcceptedTags = default, string? Adopt = null,
    FlinkEnd? Flink = null)
{
    public ImmutableArray<Guid> AcceptedTags { get; init; } = AcceptedTags.IsDefault ? [] : AcceptedTags;

    public static OpenAnswers None { get; } = new();
}
