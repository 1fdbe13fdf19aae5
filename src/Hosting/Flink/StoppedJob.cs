using Matih.Delivery;
using Matih.Flink;

namespace Matih.Hosting.Flink;

/// <summary>Reads the savepoint with which a job ended, and makes sure at the JobManager that it did.</summary>
public sealed class StoppedJob(FlinkCluster cluster, SavepointFolder savepoints)
{
    /// <param name="folder">The savepoint's folder, as it is reached from here.</param>
    /// <exception cref="PipelineException">It is none, or it is not proven that the job finished with it.</exception>
    public async Task<Savepoint> ReadAsync(string folder, CancellationToken cancellationToken)
    {
        var savepoint = await savepoints.ReadAsync(folder, cancellationToken);
        await new JobWatch(cluster).RequireFinishedWithAsync(savepoint.JobId, savepoint.CheckpointId, folder.TrimEnd('/').Split('/')[^1], cancellationToken);
        return savepoint;
    }
}
