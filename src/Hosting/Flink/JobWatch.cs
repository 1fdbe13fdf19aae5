using System.Collections.Immutable;
using Matih.Delivery;

namespace Matih.Hosting.Flink;

/// <summary>A job in a list.</summary>
public sealed record JobLine(string Id, string Name, string State, DateTimeOffset StartedAt);

/// <summary>How a job does.</summary>
/// <param name="Tasks">How many tasks are in each state.</param>
/// <param name="Failure">The root cause of the last failure, in one line; null where there was none.</param>
/// <param name="FailureTrace">All of it.</param>
public sealed record JobReport(
    string Id, string Name, string State, bool IsRunning, ImmutableSortedDictionary<string, int> Tasks, long CheckpointsCompleted, long CheckpointsFailed,
    TimeSpan? LastCheckpointDuration, DateTimeOffset? LastCheckpointAt, string? LastCheckpointPath, string? Failure, string? FailureTrace)
{
    /// <summary>Whether it has ended for good.</summary>
    public required bool HasEnded { get; init; }

    /// <summary>Why the last checkpoint that failed did; null where none has.</summary>
    public required string? LastCheckpointFailure { get; init; }

    public required JobMetrics Metrics { get; init; }
}

/// <summary>Looks at the jobs of a cluster, and stops them.</summary>
public sealed class JobWatch(FlinkCluster cluster)
{
    private static readonly TimeSpan ListDelayMax = TimeSpan.FromSeconds(10);

    /// <exception cref="PipelineException">The cluster does not answer.</exception>
    public async Task<ImmutableArray<JobLine>> ListAsync(CancellationToken cancellationToken) => await AskAsync(async jobs =>
        (await jobs.ListAsync(cancellationToken)).OrderByDescending(job => job.StartedAt).Select(job => new JobLine(job.Id, job.Name, job.State, job.StartedAt)).ToImmutableArray(), cancellationToken);

    /// <param name="job">A job's id, or a name: the one of that name that has not ended, else the last one.</param>
    public Task<JobReport> StatusAsync(string job, CancellationToken cancellationToken) => AskAsync(async jobs =>
    {
        var id = await ResolveAsync(jobs, job, cancellationToken);
        var state = await jobs.FindAsync(id, cancellationToken) ?? throw Unknown(jobs, job);
        var checkpoints = await jobs.CheckpointsAsync(id, cancellationToken);
        return new JobReport(
            id, state.Name, state.State, state.IsRunning, state.Tasks, checkpoints.Completed, checkpoints.Failed,
            checkpoints.LastDuration, checkpoints.LastAt, checkpoints.LastPath, state.Failure?.Cause, state.Failure?.Trace)
        {
            HasEnded = state.HasEnded,
            LastCheckpointFailure = checkpoints.LastFailure,
            Metrics = await JobMetrics.ReadAsync(jobs, state, cluster.Clock, cancellationToken),
        };
    }, cancellationToken);

    /// <summary>Stops a job with a savepoint; gives its place.</summary>
    /// <param name="trigger">32 hexadecimal digits.</param>
    /// <param name="folder">Null takes the cluster's own.</param>
    public Task<(string Job, string Savepoint)> StopAsync(string job, string trigger, string? folder, CancellationToken cancellationToken) => AskAsync(async jobs =>
    {
        var id = await ResolveAsync(jobs, job, cancellationToken);
        return (id, await new JobStop(jobs, cluster.Clock).StopAsync(id, trigger, folder, cancellationToken));
    }, cancellationToken);

    /// <summary>Makes a savepoint of a job that runs on; gives its place.</summary>
    public Task<(string Job, string Savepoint)> SaveAsync(string job, string trigger, string? folder, CancellationToken cancellationToken) => AskAsync(async jobs =>
    {
        var id = await ResolveAsync(jobs, job, cancellationToken);
        return (id, await new JobStop(jobs, cluster.Clock).SaveAsync(id, trigger, folder, cancellationToken));
    }, cancellationToken);

    /// <summary>Makes sure that a job has finished with a savepoint, so that nothing of it comes any more.</summary>
    /// <param name="checkpoint">The savepoint's number among the job's checkpoints.</param>
    /// <param name="name">The last part of the savepoint's path.</param>
    /// <exception cref="PipelineException">It runs, ended otherwise, or the cluster does not know it any more.</exception>
    public Task RequireFinishedWithAsync(string job, long checkpoint, string name, CancellationToken cancellationToken) => AskAsync(async jobs =>
    {
        var redo = "Deploy again with `matih deploy --from` and that savepoint, and stop the job with `matih flink stop`.";
        var state = await RequireEndedAsync(jobs, job, $"job {job} of savepoint {name}", $"A JobManager that was started again has forgotten it: {char.ToLowerInvariant(redo[0])}{redo[1..]}", cancellationToken);
        if (state.State != "FINISHED") throw FlinkHttp.Refused($"Job {job} of savepoint {name} ended in state {state.State}, not in FINISHED: its last commit may be missing in the table.", redo);
        var start = cluster.Clock.GetTimestamp();
        while (true)
        {
            var last = await jobs.CheckpointsAsync(job, cancellationToken);
            if (last.SavepointId is { } id)
            {
                if (id == checkpoint && last.SavepointPath?.TrimEnd('/').Split('/')[^1] == name) return true;
                throw FlinkHttp.Refused($"Job {job} finished with savepoint {last.SavepointPath} (checkpoint {id}), not with {name} (checkpoint {checkpoint}).", "Give that one.");
            }
            // The list learns of a savepoint up to 3 s after the job's end.
            if (cluster.Clock.GetElapsedTime(start) > ListDelayMax) throw FlinkHttp.Refused($"The JobManager at {jobs.Address} knows no savepoint of job {job}, so that it is not proven that it finished with {name}.", redo);
            await Task.Delay(TimeSpan.FromMilliseconds(200), cluster.Clock, cancellationToken);
        }
    }, cancellationToken);

    /// <summary>
    /// Makes sure that a job has ended before its first checkpoint, so that it never was to commit. A task that the JobManager has
    /// lost may still be at the commit of a checkpoint that was complete.
    /// </summary>
    /// <exception cref="PipelineException">It runs, it had a checkpoint, or the cluster does not know it.</exception>
    public Task RequireEndedUnreadAsync(string job, CancellationToken cancellationToken) => AskAsync(async jobs =>
    {
        await RequireEndedAsync(jobs, job, $"job {job}", $"Where it never began, it still may: deploy again with --job-id {job}, and stop the job with `matih flink stop`.", cancellationToken);
        var checkpoints = await jobs.CheckpointsAsync(job, cancellationToken);
        return checkpoints.Completed == 0 ? true : throw FlinkHttp.Refused($"Job {job} has completed {Quantity.Of(checkpoints.Completed, "checkpoint")}: it may have committed, or may still be at it.",
            $"Deploy again with `matih deploy --from` and its last savepoint or retained checkpoint{(checkpoints.LastPath is { } path ? $" ({path})" : "")}, stop the job with `matih flink stop`, and give the savepoint that this prints with --from-savepoint.");
    }, cancellationToken);

    private static async Task<FlinkJobState> RequireEndedAsync(JobsEndpoint jobs, string job, string what, string whereForgotten, CancellationToken cancellationToken)
    {
        var state = await jobs.FindAsync(job, cancellationToken)
            ?? throw FlinkHttp.Refused($"The JobManager at {jobs.Address} does not know {what}, so that it is not proven that it has ended.", $"Give the address of the cluster that ran it. {whereForgotten}");
        if (!state.HasEnded) throw FlinkHttp.Refused($"{char.ToUpperInvariant(what[0])}{what[1..]} is in state {state.State}: it may still write.", $"Stop it with `matih flink stop {job}`, and give the savepoint that it prints with --from-savepoint.");
        if ((await jobs.ListAsync(cancellationToken)).FirstOrDefault(other => other.Name == state.Name && other.IsLive) is { } live)
            throw FlinkHttp.Refused($"Job {live.Id} of the same name, {state.Name}, is in state {live.State}: it may write the same records.", $"Stop it with `matih flink stop {live.Id}`, and give the savepoint that it prints with --from-savepoint.");
        return state;
    }

    private static async Task<string> ResolveAsync(JobsEndpoint jobs, string job, CancellationToken cancellationToken)
    {
        var known = await jobs.ListAsync(cancellationToken);
        if (known.FirstOrDefault(found => found.Id == job) is { } exact) return exact.Id;
        var named = known.Where(found => found.Name == job).OrderByDescending(found => found.StartedAt).ToList();
        var live = named.Where(found => found.IsLive).ToList();
        if (live.Count > 1) throw FlinkHttp.Failed($"{live.Count} jobs called {job} run on {jobs.Address}: {string.Join(", ", live.Select(found => found.Id))}.", "Give the id of one of them.");
        return (live.FirstOrDefault() ?? named.FirstOrDefault())?.Id ?? throw Unknown(jobs, job);
    }

    private static PipelineException Unknown(JobsEndpoint jobs, string job) =>
        FlinkHttp.Failed($"The JobManager at {jobs.Address} knows no job of id or name {job}.", "`matih flink list` shows those that it knows. A JobManager that was started again has forgotten the jobs of before.");

    private async Task<T> AskAsync<T>(Func<JobsEndpoint, Task<T>> ask, CancellationToken cancellationToken)
    {
        try
        {
            return await ask(await cluster.FindJobManagerAsync(cancellationToken));
        }
        catch (FlinkSilenceException silence)
        {
            throw FlinkHttp.Failed(silence.Message, "Start it, or give its address with --jobmanager.", silence);
        }
    }
}
