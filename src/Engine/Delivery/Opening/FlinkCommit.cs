using System.Globalization;
using Matih.Delivery.Tables;

namespace Matih.Delivery.Opening;

/// <summary>A commit of a Flink job, by what its summary says (Iceberg 1.11, <c>IcebergFilesCommitter</c>).</summary>
/// <param name="Operator">The operator that made it.</param>
/// <param name="Checkpoint">The newest checkpoint of the job whose files the table holds with it.</param>
internal sealed record FlinkCommit(string Operator, long Checkpoint)
{
    private const string JobKey = "flink.job-id";
    private const string OperatorKey = "flink.operator-id";
    private const string CheckpointKey = "flink.max-committed-checkpoint-id";

    /// <summary>The job that made the commit; null for one of another engine.</summary>
    public static string? JobOf(IReadOnlyDictionary<string, string> summary) => summary.GetValueOrDefault(JobKey);

    /// <summary>Null where the summary does not say it.</summary>
    public static FlinkCommit? Of(IReadOnlyDictionary<string, string> summary) =>
        summary.TryGetValue(OperatorKey, out var id) && summary.TryGetValue(CheckpointKey, out var text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var checkpoint)
            ? new FlinkCommit(id, checkpoint)
            : null;

    /// <summary>Whether a table holds a commit of the job, or may hold one, because its history has expired.</summary>
    /// <param name="job">Null asks for one of any job.</param>
    public static async ValueTask<bool> AnyOfAsync(ITableVersion table, string? job, CancellationToken cancellationToken)
    {
        await foreach (var step in table.WalkAsync(cancellationToken))
        {
            if (step is not HistoryStep.Found(var snapshot)) return true;
            if (JobOf(snapshot.Summary) is { } writer && (job is null || writer == job)) return true;
        }
        return false;
    }
}
