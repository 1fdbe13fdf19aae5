using System.Collections.Immutable;
using Matih.Definition;
using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Steps;
using Matih.Telemetry;

namespace Matih.Hosting.Serverless;

/// <summary>What staging a trigger's batch gave.</summary>
/// <param name="RecordCount">Records that became new staged ranges; those that came a second time do not count.</param>
/// <param name="StagedBytes">Bytes of their files.</param>
public sealed record StagedBatch(long RecordCount, long StagedBytes);

/// <summary>A pipeline in a process of a host that is called. Thread-safe.</summary>
public sealed class ServedPipeline : IAsyncDisposable
{
    /// <summary>A broker takes a consumer for dead that has not polled for five minutes, and a trigger does not poll while its function runs.</summary>
    public static readonly TimeSpan StagePatienceMax = TimeSpan.FromMinutes(4);

    /// <summary>What a commit takes in at most before the next one should follow, in batches.</summary>
    private const int BatchesPerCommit = 100;

    private const long TargetBytes = 512L << 20;

    private readonly TimeProvider _clock;
    private readonly PipelineRunner _runner;

    /// <param name="hint">This process, for others to see.</param>
    /// <param name="isGone">Whether the process that such a hint names is known to be dead.</param>
    public ServedPipeline(HostedPipeline pipeline, PipelineRunner runner, WriterHint hint, Func<WriterHint, bool> isGone, TimeProvider clock)
    {
        Hosted = pipeline;
        _clock = clock;
        _runner = runner;
        Flows = [.. pipeline.Loaded.Flows.Select(flow => new HostedFlow(flow, new FlowProgress(flow.Plan.Name.ToString()), progress => runner.OpenSteps(flow, hint, isGone, progress), clock))];
    }

    public HostedPipeline Hosted { get; }

    public ImmutableArray<HostedFlow> Flows { get; }

    public LoopSettings Settings
    {
        get
        {
            var orchestration = Hosted.Loaded.Definition.Orchestration;
            return new LoopSettings(
                (long)orchestration.CheckpointInterval.TotalMilliseconds, (long)orchestration.IdleTimeout.TotalMilliseconds, (long)orchestration.CommitFailureLimit.TotalMilliseconds,
                orchestration.MaxRecords * BatchesPerCommit, Flows.Min(flow => flow.Flow.Plan.Table.TargetFileBytes ?? TargetBytes));
        }
    }

    /// <summary>A round of maintenance of the sinks' tables, as far as it comes. What fails is logged.</summary>
    public Task MaintainAsync(bool removesOrphans, CancellationToken cancellationToken) => _runner.MaintainAsync([.. Flows.Select(flow => (flow.Flow, flow.Progress))], removesOrphans, cancellationToken);

    /// <summary>Stages a trigger's batch for every flow of the source. What is staged once stays so: a batch that fails halfway can be handed in again.</summary>
    /// <param name="messages">Records as the Kafka extension hands them over.</param>
    /// <param name="wake">Asks whoever commits to open the flow, or to look at a failure.</param>
    /// <exception cref="PipelineException">The batch must be handed in again. Where it never is, a commit reads its records from Kafka.</exception>
    public async ValueTask<StagedBatch> StageAsync(SourceDefinition source, ReadOnlyMemory<byte>[] messages, Func<CancellationToken, ValueTask> wake, CancellationToken cancellationToken)
    {
        var startedAt = _clock.GetTimestamp();
        var (records, bytesBefore) = (0L, StagedBytesOf(source));
        PipelineException? failure = null;
        var looks = FlowsOf(source).ToDictionary(flow => flow, _ => new StagingLook());
        foreach (var batch in TriggeredRecords.Split(messages, source.Topic))
        {
            using (batch)
            {
                var isNew = false;
                foreach (var (flow, look) in looks)
                {
                    try
                    {
                        isNew |= await flow.StageAsync(batch, look, StagePatienceMax - _clock.GetElapsedTime(startedAt), wake, cancellationToken) is StageStep.Staged;
                    }
                    catch (PipelineException e)
                    {
                        // What can be staged is: the other partitions and sinks need not wait for this one.
                        failure ??= e;
                    }
                }
                if (isNew) records += batch.Count;
            }
        }
        if (failure is not null) throw failure;
        return new StagedBatch(records, Math.Max(0, StagedBytesOf(source) - bytesBefore));
    }

    /// <summary>Commits what is staged, of every flow, and reads from Kafka what nobody staged for a while.</summary>
    /// <param name="watches">Of the last report, by sink, after the wait.</param>
    public async ValueTask<PipelineReport> CommitAsync(IReadOnlyDictionary<string, ReportedWatch> watches, CancellationToken cancellationToken)
    {
        var reports = await Task.WhenAll(Flows.Select(async flow => await flow.CommitAsync(watches.GetValueOrDefault(flow.Sink)?.ToWatch(), mayRead: true, cancellationToken)));
        return new PipelineReport([.. reports], Settings);
    }

    private IEnumerable<HostedFlow> FlowsOf(SourceDefinition source) => Flows.Where(flow => flow.Flow.Definition.Source.Name == source.Name);

    private long StagedBytesOf(SourceDefinition source) => FlowsOf(source).Sum(flow => flow.Progress.StagedFileBytes);

    public async ValueTask DisposeAsync()
    {
        foreach (var flow in Flows) await flow.DisposeAsync();
    }
}
