using System.Collections.Immutable;
using Matih.Definition;
using Matih.Delivery;
using Matih.Flink;
using Matih.Planning;

namespace Matih.Hosting.Flink;

/// <summary>How a job is to be brought onto a cluster.</summary>
/// <param name="JobId">32 hexadecimal digits: the job gets this id, so that a repeated submission makes no second one.</param>
public sealed record DeploymentRequest(string JobId)
{
    /// <summary>Whether a job of the name that runs is stopped with a savepoint, and the new one continues from it.</summary>
    public bool Replaces { get; init; }

    /// <summary>A savepoint or retained checkpoint to continue from; null begins at the definition's start offset.</summary>
    public string? From { get; init; }

    /// <summary>Whether state is continued with statements that have changed, although only Flink runs them.</summary>
    public bool KeepsState { get; init; }

    /// <summary>Where the savepoint of the replaced job goes; null takes the cluster's own folder.</summary>
    public string? SavepointFolder { get; init; }

    /// <summary>How long the job may take until its tasks run.</summary>
    public TimeSpan StartMax { get; init; } = TimeSpan.FromMinutes(2);
}

/// <summary>A job that runs, or has done its work.</summary>
/// <param name="Savepoint">What it continued from; null where it began.</param>
/// <param name="IsFinished">Whether its sources had an end, and it has read them all.</param>
public sealed record Deployment(string JobId, string JobName, Uri JobManager, string? Savepoint, bool IsFinished);

/// <summary>Brings a script onto a cluster, through its SQL Gateway.</summary>
/// <param name="say">Gets one line for each step.</param>
public sealed class JobDeployment(FlinkCluster cluster, Action<string> say)
{
    private const string JobIdOption = "$internal.pipeline.job-id";
    private const string RecoveryOption = "execution.state-recovery.path";

    /// <param name="generate">The script, whose sources begin at the offsets given, or as the definition says.</param>
    /// <param name="planned">Plans of those flows whose statements this engine runs.</param>
    /// <param name="handover">Gives the tables to the job.</param>
    /// <param name="savepoints">Reads what the job continues from.</param>
    /// <exception cref="PipelineException">It did not get through; the message says what the cluster holds now.</exception>
    /// <exception cref="FlinkRefusalException">Flink refused a statement of the definition.</exception>
    public async Task<Deployment> DeployAsync(
        Func<ImmutableDictionary<string, ImmutableArray<(int Partition, long Offset)>>, FlinkScript> generate, ImmutableArray<PlannedFlow> planned, HandoverToFlink handover, SavepointFolder savepoints, DeploymentRequest request, CancellationToken cancellationToken)
    {
        if (request.From is { } from) await savepoints.LookAsync(from, cancellationToken);
        var script = generate(ImmutableDictionary<string, ImmutableArray<(int, long)>>.Empty);
        JobsEndpoint jobs;
        FlinkJob? running;
        var savepoint = request.From;
        bool restores;
        await using (var session = await cluster.OpenSessionAsync(cancellationToken))
        {
            jobs = await cluster.JobManagerAsync(session, cancellationToken);
            var known = await Asking(() => jobs.ListAsync(cancellationToken));
            if (known.FirstOrDefault(job => job.Id == request.JobId) is { } same) return await AwaitAsync(jobs, script, same, request, cancellationToken);
            running = FindRunning(jobs, script.JobName, known, request);
            if (running is null && request is { Replaces: true, From: null }) savepoint = await FindSavepointAsync(jobs, script.JobName, known, cancellationToken);
            restores = running is not null || savepoint is not null;

            var statements = new ScriptRun(session, script);
            await statements.PrepareAsync(script.Definitions, cancellationToken);
            foreach (var table in script.Tables) await statements.CheckChangesAsync(table, cancellationToken);
            var tables = await statements.TablesAsync(planned, cancellationToken);
            var given = await handover.LookAsync([.. tables.Where(table => table.Table.IsReachable).Select(table => table.Handed)], restores, cancellationToken);
            if (running is not null) RequireOwn(running, given);
            if (!restores && Continued(given, request.JobId) is { } place)
            {
                say($"job {request.JobId} was to continue from {place}");
                (savepoint, restores) = (place, true);
            }
            if (restores) StatementCheck.RequireSame(script, given, running?.Id, savepoint, request.KeepsState);
            if (!restores) await RequireUnreadAsync(jobs, given, request.JobId, cancellationToken);
            foreach (var (table, handed) in tables.Where(table => !table.Table.IsReachable)) await statements.CreateAsync(table, handed.Table, cancellationToken);
            foreach (var table in script.Tables) await statements.CheckKeyAsync(table, cancellationToken);
            // What Flink refuses is to be known before the tables are given away and the job that runs is stopped.
            await statements.RunAsync(script.Explain, cancellationToken);
        }

        var made = running is null && savepoint is not null && handover.IsByLedger ? await savepoints.ReadAsync(savepoint, cancellationToken) : null;
        if (running is not null)
        {
            say($"stopping job {running.Id} with a savepoint");
            savepoint = await new JobStop(jobs, cluster.Clock).StopAsync(running.Id, request.JobId, request.SavepointFolder, cancellationToken);
            say($"job {running.Id} has ended; savepoint {savepoint}");
        }
        var origin = savepoint is null ? null : new JobOrigin(savepoint, made?.JobId ?? running?.Id, made);
        var begins = (await handover.GiveAsync(request.JobId, origin, cancellationToken)).ToImmutableDictionary(
            source => source.Key, source => source.Value.Select(position => (position.Partition, position.NextOffset)).ToImmutableArray());
        await using var submission = await cluster.OpenSessionAsync(cancellationToken);
        var last = restores ? script : generate(begins);
        var run = new ScriptRun(submission, last);
        await run.PrepareAsync(last.Definitions, cancellationToken);
        await run.SetAsync(JobIdOption, request.JobId, cancellationToken);
        if (savepoint is not null) await run.SetAsync(RecoveryOption, savepoint, cancellationToken);
        say($"submitting job {request.JobId}");
        await SubmitAsync(run, last, request, savepoint, cancellationToken);
        return new Deployment(request.JobId, script.JobName, jobs.Address, savepoint, await AwaitStartAsync(jobs, last, request, savepoint, cancellationToken));
    }

    /// <summary>Waits for the job of an earlier attempt with the same id.</summary>
    private async Task<Deployment> AwaitAsync(JobsEndpoint jobs, FlinkScript script, FlinkJob same, DeploymentRequest request, CancellationToken cancellationToken)
    {
        if (same.Name != script.JobName) throw FlinkHttp.Failed($"Job {same.Id} is called {same.Name}, and not {script.JobName}.", "Leave --job-id out, or give another one.");
        if (!same.IsLive && same.State != "FINISHED")
            throw FlinkHttp.Failed($"Job {same.Id} of {same.Name} has ended in state {same.State}, and the JobManager takes an id once.", "Leave --job-id out, or give another one.");
        if (same.State == "FINISHED" && await Asking(() => jobs.CheckpointsAsync(same.Id, cancellationToken)) is { IsOfStop: true, SavepointPath: { } savepoint })
            throw FlinkHttp.Failed($"Job {same.Id} of {same.Name} was stopped with savepoint {savepoint}, and the JobManager takes an id once.", $"Give --from {savepoint}, and leave --job-id out or give another one.");
        say($"job {same.Id} is there already, in state {same.State}; nothing is submitted");
        return new Deployment(same.Id, script.JobName, jobs.Address, request.From, await AwaitStartAsync(jobs, script, request, request.From, cancellationToken));
    }

    /// <summary>The job of the name that runs has to be the one to which the tables were given.</summary>
    private static void RequireOwn(FlinkJob running, ImmutableArray<GivenTable> given)
    {
        if (given.FirstOrDefault(table => table.Job != running.Id && table.Before != running.Id) is not { } other) return;
        throw FlinkHttp.Refused($"Job {running.Id} of {running.Name} runs, but the records of table {other.Table} were given to Flink job {other.Job}.",
            $"Find out which of them writes the table (`matih flink status {other.Job}`), and stop the other one.");
    }

    /// <summary>From where a job was to continue that the tables were given to, and that never committed; null where it is not that job.</summary>
    private static string? Continued(ImmutableArray<GivenTable> given, string job) =>
        given is [{ From: { } place }, ..] && given.All(table => table.Job == job && !table.HasCommits && table.From == place) ? place : null;

    /// <summary>Records that were given to another job are given to a new one that begins at the same offsets only where that job has ended without a commit.</summary>
    private static async Task RequireUnreadAsync(JobsEndpoint jobs, ImmutableArray<GivenTable> given, string job, CancellationToken cancellationToken)
    {
        foreach (var table in given.Where(table => table.Job != job || table.HasCommits || table.From is not null))
        {
            if (table.HasCommits)
            {
                throw FlinkHttp.Refused($"Table {table.Table} holds commits of Flink job {table.Job}; a job that begins without its savepoint would write the same records a second time.",
                    $"Continue with --from and the savepoint with which it ended, or its last retained checkpoint {await WhereAsync(jobs, table.Job, cancellationToken)}. To begin again, give the sink another name and another table.");
            }
            if (table.From is { } place)
            {
                throw FlinkHttp.Refused($"The records of table {table.Table} were given to Flink job {table.Job}, which was to continue from {place}{(table.Before is { } before ? $" of job {before}" : "")}: a job that begins without it would write the same records a second time.",
                    $"Continue with --from {place} or, where job {table.Job} has a checkpoint, with --from and its last one {await WhereAsync(jobs, table.Job, cancellationToken)}.");
            }
            if (await Asking(() => jobs.FindAsync(table.Job, cancellationToken)) is { HasEnded: true })
            {
                if ((await Asking(() => jobs.CheckpointsAsync(table.Job, cancellationToken))) is not { Completed: > 0 } had) continue;
                throw FlinkHttp.Refused($"The records of table {table.Table} were given to Flink job {table.Job}, which has completed {Quantity.Of(had.Completed, "checkpoint")}: it may still be at its first commit.",
                    $"Continue with --from and its last savepoint or retained checkpoint{(had.LastPath is { } path ? $" ({path})" : "")}.");
            }
            throw FlinkHttp.Refused($"The records of table {table.Table} were given to Flink job {table.Job}, and it is not known that it has ended: it may still begin.",
                $"Deploy with --job-id {table.Job}, which makes no second job. Where it runs, give --replace.");
        }
    }

    /// <summary>Where a person finds a job's last checkpoint, in parentheses. A JobManager without high availability forgets its jobs with its process.</summary>
    private static async Task<string> WhereAsync(JobsEndpoint jobs, string job, CancellationToken cancellationToken) =>
        await Asking(() => jobs.FindAsync(job, cancellationToken)) is not null
            ? $"(`matih flink status {job}`)"
            : $"(the JobManager at {jobs.Address} has forgotten the job: it is the highest chk-N with a file _metadata in the folder {job} of the cluster's checkpoints)";

    /// <summary>Has Flink's planner look at the statements; submits nothing and creates nothing.</summary>
    /// <exception cref="FlinkRefusalException">Flink refused a statement of the definition.</exception>
    public async Task ExplainAsync(FlinkScript script, CancellationToken cancellationToken)
    {
        await using var session = await cluster.OpenSessionAsync(cancellationToken);
        var statements = new ScriptRun(session, script);
        await statements.PrepareAsync(script.Definitions.Where(statement => !statement.IsOfCatalog), cancellationToken);
        foreach (var table in script.Tables) await statements.CheckChangesAsync(table, cancellationToken);
    }

    private FlinkJob? FindRunning(JobsEndpoint jobs, string name, IEnumerable<FlinkJob> known, DeploymentRequest request)
    {
        var live = known.Where(job => job.Name == name && job.IsLive).ToList();
        if (live is [var replaced] && request is { Replaces: true, From: { } from })
            throw FlinkHttp.Refused($"Job {replaced.Id} of {name} runs, and --replace continues from the savepoint that stops it, not from {from} of before.", "Leave --from out, or stop the job first and give --from alone.");
        if (live.Count > 1)
            throw FlinkHttp.Failed($"{live.Count} jobs called {name} run on {jobs.Address}: {string.Join(", ", live.Select(job => job.Id))}. They write the same rows twice.", "Stop all of them but one with `matih flink stop JOBID`.");
        if (live is [var running] && !request.Replaces)
            throw FlinkHttp.Failed($"A job called {name} runs on {jobs.Address}: {running.Id}, in state {running.State}. A second one would write every row twice.", "Give --replace to stop it with a savepoint and continue from that, or stop it with `matih flink stop`.");
        return live.FirstOrDefault();
    }

    /// <summary>Where the last job of the name was stopped, as by an attempt to replace it that got no further; null where there was none.</summary>
    /// <exception cref="PipelineException">It ended otherwise: a start from the beginning would write its rows again.</exception>
    private async Task<string?> FindSavepointAsync(JobsEndpoint jobs, string name, IEnumerable<FlinkJob> known, CancellationToken cancellationToken)
    {
        if (known.Where(job => job.Name == name).MaxBy(job => job.StartedAt) is not { } last)
        {
            say($"the JobManager knows no job called {name}, so that there is none to replace");
            return null;
        }
        var checkpoints = await Asking(() => jobs.CheckpointsAsync(last.Id, cancellationToken));
        if (last.State == "FINISHED" && checkpoints is { IsOfStop: true, SavepointPath: { } savepoint })
        {
            say($"job {last.Id} has been stopped already; continuing from its savepoint {savepoint}");
            return savepoint;
        }
        throw FlinkHttp.Failed($"No job called {name} runs on {jobs.Address}; the last one, {last.Id}, has ended in state {last.State}, and not by a stop with savepoint.",
            checkpoints.LastPath is { } path ? $"Continue from its last checkpoint with --from {path}" : "It has no checkpoint to continue from. Deploy without --replace: where it has committed nothing, a new job begins where it began; else what to continue from is named.");
    }

    private async Task SubmitAsync(ScriptRun statements, FlinkScript script, DeploymentRequest request, string? savepoint, CancellationToken cancellationToken)
    {
        // A submission to a JobManager that is down goes on for as long as that is so, and may succeed later.
        using var limit = new CancellationTokenSource(request.StartMax, cluster.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await statements.RunAsync(script.Insert, either.Token);
        }
        catch (FlinkRefusalException refusal) when (savepoint is not null && refusal.Position is null)
        {
            // The planner has seen the whole job before, so that this is about what it continues from.
            throw refusal.About($"continuing from {savepoint} failed");
        }
        catch (FlinkSilenceException silence)
        {
            say($"{silence.Message} Looking for the job on the JobManager.");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            say($"The SQL Gateway has not ended the submission within {request.StartMax.TotalSeconds:N0} s. Looking for the job on the JobManager.");
        }
    }

    /// <summary>Waits until the job's tasks run; true where it has finished by then.</summary>
    private async Task<bool> AwaitStartAsync(JobsEndpoint jobs, FlinkScript script, DeploymentRequest request, string? savepoint, CancellationToken cancellationToken)
    {
        var start = cluster.Clock.GetTimestamp();
        FlinkJobState? seen = null;
        while (cluster.Clock.GetElapsedTime(start) < request.StartMax)
        {
            try
            {
                seen = await jobs.FindAsync(request.JobId, cancellationToken) ?? seen;
            }
            catch (FlinkSilenceException)
            {
                // The JobManager may come back.
            }
            if (seen is { IsRunning: true } or { State: "FINISHED" }) return !seen.IsRunning;
            if (seen is { HasEnded: true })
                throw FlinkHttp.Failed($"Job {request.JobId} of {script.JobName} has ended in state {seen.State}{(seen.Failure is { } failure ? $": {script.Mask(failure.Cause)}" : "")}.", savepoint is null ? "Correct what Flink names and deploy again." : $"Correct what Flink names, and deploy again with --from {savepoint}");
            await Task.Delay(TimeSpan.FromMilliseconds(200), cluster.Clock, cancellationToken);
        }
        var state = seen is null ? "is not known to the JobManager" : $"is in state {seen.State}, its tasks {string.Join(", ", seen.Tasks.Select(task => $"{task.Key} {task.Value}"))}{(seen.Failure is { } cause ? $"; last failure: {script.Mask(cause.Cause)}" : "")}";
        throw FlinkHttp.Failed($"Job {request.JobId} of {script.JobName} {state} after {request.StartMax.TotalSeconds:N0} s.",
            $"It may still start: `matih flink status {script.JobName}` tells. Too few task slots keep tasks scheduled. Deploying again with --job-id {request.JobId}{(savepoint is null ? "" : $" --from {savepoint}")} makes no second job.");
    }

    private static async Task<T> Asking<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (FlinkSilenceException silence)
        {
            throw FlinkHttp.Failed(silence.Message, "Start it, or give its address with --jobmanager.", silence);
        }
    }
}
