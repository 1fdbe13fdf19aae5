using System.Collections.Immutable;
using Matih.Flink;

namespace Matih.Hosting.Flink;

/// <summary>
/// Compares statements that only Flink runs with those of the job that is continued. Seen with Flink 1.20.3: the state of a window
/// of one minute went on as that of a window of five, and that of groups by one text as groups by another, without a word.
/// </summary>
internal static class StatementCheck
{
    /// <param name="job">The job that is continued; null where only its savepoint is known.</param>
    /// <param name="place">Its savepoint or checkpoint; null where it is still to be made.</param>
    /// <param name="keepsState">Whether a person has said that the state of windows, groups and joins goes on. That of sources never belongs to another topic.</param>
    /// <exception cref="Delivery.PipelineException">The statements are others.</exception>
    public static void RequireSame(FlinkScript script, ImmutableArray<GivenTable> given, string? job, string? place, bool keepsState)
    {
        if (given.FirstOrDefault(table => table.Statements.Find(job, place) is { Topics: { } topics } && topics != script.TopicHash) is { } moved)
        {
            throw FlinkHttp.Refused($"The statements of {script.JobName} read {script.Mask(string.Join(", then ", script.Topics))}: not the topics, or not in the order, of the job that has written table {moved.Table}. Flink recognizes a source by its place in the job, and would give it the positions of another topic: records would be lost or doubled without a word.",
                "Deploy the topics as they were, and in the same order in the statements (the parts of a UNION, the sides of a join). To read others, give the pipeline another name and the sink another table.");
        }
        if (keepsState || given.FirstOrDefault(table => table.Statements.Find(job, place) is { } hash && hash.Statements != script.StatementHash) is not { } changed) return;
        throw FlinkHttp.Refused($"The statements of {script.JobName} are not those of the job that has written table {changed.Table}, and only Flink runs them: where types fit, Flink takes the state of a window or a group for that of the changed statement, and its rows are wrong without a word.",
            "Deploy the statements as they were. Where windows, groups and joins stay as they are (another WHERE, another expression), give --keep-state. To begin with new state, give the pipeline another name and the sink another table.");
    }
}
