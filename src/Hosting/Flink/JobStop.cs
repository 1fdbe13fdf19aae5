using Matih.Delivery;

namespace Matih.Hosting.Flink;

/// <summary>Stops a job with a savepoint: everything up to it is committed when the job has ended.</summary>
internal sealed class JobStop(JobsEndpoint jobs, TimeProvider clock)
{
    /// <summary>A savepoint writes all state, and the last commit waits for the catalog.</summary>
    private static readonly TimeSpan StopMax = TimeSpan.FromMinutes(10);

    /// <summary>How Flink 1.20 begins to say that a job failed between its last savepoint and its end.</summary>
    private const string FailedAfterSavepoint = "A savepoint has been created at: ";

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);

    /// <param name="trigger">32 hexadecimal digits; a lost answer is asked for again by them.</param>
    /// <returns>The savepoint's place.</returns>
    /// <exception cref="PipelineException">No savepoint, or the job did not finish: its last commit may be missing in the table.</exception>
    public async Task<string> StopAsync(string job, string trigger, string? folder, CancellationToken cancellationToken)
    {
        var start = clock.GetTimestamp();
        string? savepoint = null;
        var isTriggered = false;
        while (clock.GetElapsedTime(start) < StopMax)
        {
            try
            {
                if (!isTriggered)
                {
                    await jobs.TriggerSavepointAsync(job, trigger, folder, stops: true, cancellationToken);
                    isTriggered = true;
                }
                var state = await jobs.FindAsync(job, cancellationToken);
                savepoint ??= await SavepointAsync(job, trigger, state, cancellationToken);
                if (savepoint is not null && state is { HasEnded: true }) return RequireFinished(job, state, savepoint);
            }
            catch (FlinkSilenceException)
            {
                // The same trigger is the same request.
            }
            await Task.Delay(PollInterval, clock, cancellationToken);
        }
        throw FlinkHttp.Failed($"Job {job} did not end within {StopMax.TotalMinutes:N0} minutes of its stop{(savepoint is null ? "" : $"; its savepoint is {savepoint}")}.", $"Look at it with `matih flink status {job}`.");
    }

    /// <summary>Makes a savepoint and lets the job run on; the result is its place.</summary>
    public async Task<string> SaveAsync(string job, string trigger, string? folder, CancellationToken cancellationToken)
    {
        await jobs.TriggerSavepointAsync(job, trigger, folder, stops: false, cancellationToken);
        var start = clock.GetTimestamp();
        while (clock.GetElapsedTime(start) < StopMax)
        {
            var found = await jobs.FindSavepointAsync(job, trigger, cancellationToken);
            if (found.Failure is { } failure) throw NotSaved($"Job {job} made no savepoint", failure);
            if (found.Location is { } location) return location;
            await Task.Delay(PollInterval, clock, cancellationToken);
        }
        throw FlinkHttp.Failed($"Job {job} made no savepoint within {StopMax.TotalMinutes:N0} minutes.", $"Look at it with `matih flink status {job}`.");
    }

    private async Task<string?> SavepointAsync(string job, string trigger, FlinkJobState? state, CancellationToken cancellationToken)
    {
        var found = await jobs.FindSavepointAsync(job, trigger, cancellationToken);
        if (found.Failure is { Cause: var late } && late.StartsWith(FailedAfterSavepoint, StringComparison.Ordinal))
        {
            // "PATH, but the corresponding job …": the path is to be copied, so that nothing may stand right behind it.
            var (path, reason) = late[FailedAfterSavepoint.Length..].Split(", but ", 2) is [var made, var rest] ? (made, rest) : (null, late);
            throw FlinkHttp.Failed($"Job {job} failed while it was stopped, and its last commit may be missing in the table: {reason}",
                path is null ? "Nothing is lost: the savepoint holds what is not committed. Deploy again with --from and that savepoint, and with nothing else changed." : Continue(path));
        }
        if (found.Failure is { } failure) throw NotSaved($"Job {job} was not stopped", failure);
        if (found.Location is { } location) return location;
        // The request is forgotten with the JobManager's memory; the job's own list has the savepoint, up to 3 s late.
        return state is { HasEnded: true } ? (await jobs.CheckpointsAsync(job, cancellationToken)).SavepointPath : null;
    }

    private static PipelineException NotSaved(string what, FlinkFailure failure) =>
        failure.Cause.Contains("Could not find Flink job", StringComparison.Ordinal)
            ? FlinkHttp.Failed($"{what}, because it does not run.", "`matih flink status JOBID` shows how it ended, and its last savepoint or checkpoint.")
            : FlinkHttp.Failed($"{what}: {failure.Cause}", "The job runs on. Give a folder that the cluster can write, or wait until its tasks run.");

    private static string RequireFinished(string job, FlinkJobState state, string savepoint)
    {
        if (state.State == "FINISHED") return savepoint;
        throw FlinkHttp.Failed($"Job {job} ended in state {state.State} after its savepoint {savepoint} was made: its last commit is not in the table{(state.Failure is { } failure ? $" ({failure.Cause})" : "")}.",
            Continue(savepoint));
    }

    private static string Continue(string savepoint) => $"Nothing is lost: the savepoint holds what is not committed. Deploy again with nothing else changed and with --from {savepoint}";
}
