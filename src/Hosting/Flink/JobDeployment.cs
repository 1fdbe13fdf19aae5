using System.Collections.Immutable;
using Matih.Batches;
using Matih.Definition;
using Matih.Delivery;
using Matih.Flink;
using Matih.Planning;
using Matih.Sql;

namespace Matih.Hosting.Flink;

/// <summary>How a job is to be brought onto a cluster.</summary>
/// <param name="JobId">32 hexadecimal digits: the job gets this id, so that a repeated submission makes no second one.</param>
public sealed record DeploymentRequest(string JobId)
{
    /// <summary>Whether a job of the name that runs is stopped with a savepoint, and the new one continues from it.</summary>
    public bool Replaces { get; init; }

    /// <summary>A savepoint or retained checkpoint to continue from; null begins at the definition's start offset.</summary>
    public string? From { get; init; }

    /// <summary>Where the savepoint of the replaced job goes; null takes the cluster's own folder.</summary>
    public string? SavepointFolder { get; init; }

    /// <summary>How long the job may take until its tasks run.</summary>
    public TimeSpan StartMax { get; init; } = TimeSpan.FromMinutes(2);
}

/// <summary>A job that runs.</summary>
/// <param name="Savepoint">What it continued from; null where it began.</param>
public sealed record Deployment(string JobId, string JobName, Uri JobManager, string? Savepoint);

/// <summary>Brings a script onto a cluster, through its SQL Gateway.</summary>
/// <param name="say">Gets one line for each step.</param>
public sealed class JobDeployment(FlinkCluster cluster, Action<string> say)
{
    private const string JobIdOption = "$internal.pipeline.job-id";
    private const string RecoveryOption = "execution.state-recovery.path";

    /// <param name="generate">The script, whose sources begin at the offsets given, or as the definition says.</param>
    /// <param name="planned">Plans of those flows whose statements this engine runs.</param>
    /// <param name="handover">Gives the tables to the job.</param>
    /// <exception cref="PipelineException">It did not get through; the message says what the cluster holds now.</exception>
    /// <exception cref="FlinkRefusalException">Flink refused a statement of the definition.</exception>
    public async Task<Deployment> DeployAsync(
        Func<ImmutableDictionary<string, ImmutableArray<(int Partition, long Offset)>>, FlinkScript> generate, ImmutableArray<PlannedFlow> planned, HandoverToFlink handover, DeploymentRequest request, CancellationToken cancellationToken)
    {
        var script = generate(ImmutableDictionary<string, ImmutableArray<(int, long)>>.Empty);
        JobsEndpoint jobs;
        FlinkJob? running;
        bool restores;
        await using (var session = await cluster.OpenSessionAsync(cancellationToken))
        {
            jobs = await cluster.JobManagerAsync(session, cancellationToken);
            running = await FindRunningAsync(jobs, script.JobName, request, cancellationToken);
            restores = running is not null || request.From is not null;
            await PrepareAsync(session, script, script.Definitions, cancellationToken);
            var given = await handover.LookAsync(await TablesAsync(session, script, planned, cancellationToken), restores, cancellationToken);
            if (!restores) await RequireUnreadAsync(jobs, given, request.JobId, cancellationToken);
            // What Flink refuses is to be known before the tables are given away and the job that runs is stopped.
            await RunAsync(session, script.Explain, cancellationToken);
        }

        var savepoint = request.From;
        if (running is not null)
        {
            say($"stopping job {running.Id} with a savepoint");
            savepoint = await new JobStop(jobs, cluster.Clock).StopAsync(running.Id, request.JobId, request.SavepointFolder, cancellationToken);
            say($"job {running.Id} has ended; savepoint {savepoint}");
        }
        var begins = (await handover.GiveAsync(request.JobId, restores, cancellationToken)).ToImmutableDictionary(
            source => source.Key, source => source.Value.Select(position => (position.Partition, position.NextOffset)).ToImmutableArray());
        await using var submission = await cluster.OpenSessionAsync(cancellationToken);
        var last = restores ? script : generate(begins);
        await PrepareAsync(submission, last, last.Definitions, cancellationToken);
        await SetAsync(submission, JobIdOption, request.JobId, cancellationToken);
        if (savepoint is not null) await SetAsync(submission, RecoveryOption, savepoint, cancellationToken);
        say($"submitting job {request.JobId}");
        await SubmitAsync(submission, jobs, last, request, savepoint, cancellationToken);
        return new Deployment(request.JobId, script.JobName, jobs.Address, savepoint);
    }

    /// <summary>Records that were given to another job are given to a new one that begins at the same offsets only where that job has ended without a commit.</summary>
    private static async Task RequireUnreadAsync(JobsEndpoint jobs, ImmutableArray<GivenTable> given, string job, CancellationToken cancellationToken)
    {
        foreach (var table in given.Where(table => table.Job != job || table.HasCommits))
        {
            if (table.HasCommits)
            {
                throw FlinkHttp.Refused($"Table {table.Table} holds commits of Flink job {table.Job}; a job that begins without its savepoint would write the same records a second time.",
                    $"Continue with --from and the savepoint with which it ended, or its last retained checkpoint (`matih flink status {table.Job}`). To begin again, give the sink another name and another table.");
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

    /// <summary>Has Flink's planner look at the statements; submits nothing and creates nothing.</summary>
    /// <exception cref="FlinkRefusalException">Flink refused a statement of the definition.</exception>
    public async Task ExplainAsync(FlinkScript script, CancellationToken cancellationToken)
    {
        await using var session = await cluster.OpenSessionAsync(cancellationToken);
        await PrepareAsync(session, script, script.Definitions.Where(statement => !statement.IsOfCatalog), cancellationToken);
        foreach (var table in script.Tables) await RunAsync(session, table.Explain, cancellationToken);
    }

    private async Task<FlinkJob?> FindRunningAsync(JobsEndpoint jobs, string name, DeploymentRequest request, CancellationToken cancellationToken)
    {
        var live = (await Asking(() => jobs.ListAsync(cancellationToken))).Where(job => job.Name == name && job.IsLive).ToList();
        if (live.Find(job => job.Id == request.JobId) is { } same)
            throw FlinkHttp.Failed($"Job {same.Id} of {name} is there already, in state {same.State}.", $"Nothing was submitted. `matih flink status {name}` shows how it does.");
        if (live.Count > 1)
            throw FlinkHttp.Failed($"{live.Count} jobs called {name} run on {jobs.Address}: {string.Join(", ", live.Select(job => job.Id))}. They write the same rows twice.", "Stop all of them but one with `matih flink stop JOBID`.");
        if (live is [var running] && !request.Replaces)
            throw FlinkHttp.Failed($"A job called {name} runs on {jobs.Address}: {running.Id}, in state {running.State}. A second one would write every row twice.", "Give --replace to stop it with a savepoint and continue from that, or stop it with `matih flink stop`.");
        if (live.Count == 0 && request.Replaces && request.From is null) say($"no job called {name} runs; this is its first start");
        return live.FirstOrDefault();
    }

    private static async Task PrepareAsync(GatewaySession session, FlinkScript script, IEnumerable<FlinkStatement> definitions, CancellationToken cancellationToken)
    {
        foreach (var (name, value) in script.Settings) await SetAsync(session, name, value, cancellationToken);
        foreach (var statement in definitions) await RunAsync(session, statement, cancellationToken);
    }

    /// <summary>What to create; columns that this engine does not know are those that Flink's planner gives.</summary>
    private async Task<IReadOnlyList<HandedFlow>> TablesAsync(GatewaySession session, FlinkScript script, ImmutableArray<PlannedFlow> planned, CancellationToken cancellationToken)
    {
        var tables = new List<HandedFlow>();
        foreach (var table in script.Tables)
        {
            if (planned.FirstOrDefault(flow => flow.Definition.Sink.Name == table.Flow.Sink.Name) is { } known)
            {
                tables.Add(new HandedFlow(table.Flow, known.Plan.Table, known));
                continue;
            }
            var errors = new List<DefinitionError>();
            var plan = PipelinePlanner.PlanTable(table.Flow, await ColumnsAsync(session, table, cancellationToken), errors);
            tables.Add(new HandedFlow(table.Flow, plan ?? throw new PipelineException(FailureKind.BadDefinition, errors[0].ToString(), "Correct the definition."), null));
        }
        return tables;
    }

    private static async Task<RowType> ColumnsAsync(GatewaySession session, FlinkTable table, CancellationToken cancellationToken)
    {
        var result = await RunAsync(session, table.Describe, cancellationToken);
        var fields = ImmutableArray.CreateBuilder<Field>();
        foreach (var row in result.Rows)
        {
            // A time attribute says so behind its type: TIMESTAMP(3) *ROWTIME*.
            var text = row[1]!.Split(" *", 2)[0];
            if (!DataTypeSyntax.TryParse(text, out var type, out _))
                throw new PipelineException(FailureKind.BadDefinition, $"sinks.{table.Flow.Sink.Name}: column '{row[0]}' has Flink's type {text}, which no table that this program creates can hold.", "Cast it in the SQL, or create the table and say create: false.");
            fields.Add(new Field(row[0]!, row[2] == "FALSE" ? type.NotNull() : type));
        }
        return new RowType(fields.ToImmutable());
    }

    private async Task SubmitAsync(GatewaySession session, JobsEndpoint jobs, FlinkScript script, DeploymentRequest request, string? savepoint, CancellationToken cancellationToken)
    {
        // A submission to a JobManager that is down goes on for as long as that is so, and may succeed later.
        using var limit = new CancellationTokenSource(request.StartMax, cluster.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await RunAsync(session, script.Insert, either.Token);
        }
        catch (FlinkSilenceException silence)
        {
            say($"{silence.Message} Looking for the job on the JobManager.");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            say($"The SQL Gateway has not ended the submission within {request.StartMax.TotalSeconds:N0} s. Looking for the job on the JobManager.");
        }
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
            if (seen is { IsRunning: true }) return;
            if (seen is { HasEnded: true })
                throw FlinkHttp.Failed($"Job {request.JobId} of {script.JobName} has ended in state {seen.State}{(seen.Failure is { } failure ? $": {failure.Cause}" : "")}.", savepoint is null ? "Correct what Flink names and deploy again." : $"Correct what Flink names, and deploy again with --from {savepoint}.");
            await Task.Delay(TimeSpan.FromMilliseconds(200), cluster.Clock, cancellationToken);
        }
        var state = seen is null ? "is not known to the JobManager" : $"is in state {seen.State}, its tasks {string.Join(", ", seen.Tasks.Select(task => $"{task.Key} {task.Value}"))}{(seen.Failure is { } cause ? $"; last failure: {cause.Cause}" : "")}";
        throw FlinkHttp.Failed($"Job {request.JobId} of {script.JobName} {state} after {request.StartMax.TotalSeconds:N0} s.",
            $"It may still start: `matih flink status {script.JobName}` tells. Too few task slots keep tasks scheduled. Deploying again with --job-id {request.JobId}{(savepoint is null ? "" : $" --from {savepoint}")} makes no second job.");
    }

    private static async Task SetAsync(GatewaySession session, string name, string value, CancellationToken cancellationToken)
    {
        var result = await session.ExecuteAsync(FlinkScript.Set(name, value), cancellationToken);
        if (result.Failure is { } failure) throw FlinkHttp.Failed($"Flink refuses the option {name} = {value}: {failure.Cause}", "Correct it under orchestration.flink in the definition.");
    }

    private static async Task<StatementResult> RunAsync(GatewaySession session, FlinkStatement statement, CancellationToken cancellationToken)
    {
        var result = await session.ExecuteAsync(statement, cancellationToken);
        return result.Failure is { } failure ? throw FlinkRefusalException.Of(statement, failure) : result;
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
