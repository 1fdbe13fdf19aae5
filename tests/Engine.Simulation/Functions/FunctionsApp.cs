using System.Text.Json;
using Matih.Delivery;
using Matih.Engine.Simulation.Auditing;
using Matih.Engine.Simulation.Processes;
using Matih.Engine.Simulation.Scenarios;
using Matih.Engine.Simulation.Scheduling;
using Matih.Engine.Simulation.World;
using Matih.Hosting.Serverless;

namespace Matih.Engine.Simulation.Functions;

/// <summary>What a functions app needs of the scenario that it is part of.</summary>
internal interface IFunctionsGround
{
    /// <summary>Makes a worker's process, and what it reaches the world through.</summary>
    (SimulatedProcess Process, PipelineProcess Connectors) NewProcess(PipelineSetup pipeline, string host, TimeSpan skew);

    /// <summary>Whether a process of that host, seen from another one of it, is known to be gone.</summary>
    bool IsGone(Matih.Delivery.Ledgers.WriterHint hint, string seenFrom);

    /// <summary>Holds a failure that a person has to see against what the world holds.</summary>
    /// <exception cref="AuditException">It has no cause.</exception>
    void Judge(PipelineSetup pipeline, SimulatedProcess process, PipelineException failure);
}

/// <summary>A deployed functions app that serves one pipeline.</summary>
internal sealed class FunctionsApp
{
    /// <summary>In fair weather nothing takes as long.</summary>
    private static readonly TimeSpan FairInvocationMax = TimeSpan.FromMinutes(10);

    private readonly IFunctionsGround _ground;
    private readonly Simulator _simulator;
    private readonly SimulatedWorld _world;
    private readonly TaskHub _hub;
    private readonly FunctionCounts _counts;
    private readonly TriggerOffsets _offsets;
    private readonly AppSetup _setup;
    private readonly Random _random;
    private readonly List<FunctionsHost> _hosts = [];
    private bool _isCalm;

    public FunctionsApp(IFunctionsGround ground, SimulatedWorld world, PipelineSetup pipeline, AppSetup setup, TaskHub hub, TriggerOffsets offsets, FunctionCounts counts)
    {
        (_ground, _world, Pipeline, _setup, _hub, _offsets, _counts) = (ground, world, pipeline, setup, hub, offsets, counts);
        _simulator = world.Simulator;
        _random = new Random(setup.Seed);
        for (var i = 0; i < setup.InstanceCount; i++) _hosts.Add(new FunctionsHost(this, _simulator, setup, counts, i, new Random(_random.Next())));
    }

    public PipelineSetup Pipeline { get; }

    public bool IsDeployed { get; private set; }

    public TimeSpan IdleTimeout => _setup.IdleTimeout;

    /// <summary>A worker that starts a loop at a wrong time makes it end too early, or too late.</summary>
    public bool HasTrueClock => _setup.Skew == TimeSpan.Zero;

    public TimeSpan InvocationMax => _isCalm ? FairInvocationMax : _setup.InvocationMax;

    public void Deploy()
    {
        IsDeployed = true;
        _counts.Add("app deployed");
        _hub.Attach(Pipeline.Name, this);
        foreach (var host in _hosts) _simulator.After(TimeSpan.FromSeconds(2 * _random.NextDouble()), host.Start);
        WatchLater();
    }

    /// <param name="isClean">Calls that run may end.</param>
    public void Undeploy(bool isClean)
    {
        if (!IsDeployed) return;
        IsDeployed = false;
        _counts.Add(isClean ? "app drained" : "app killed");
        _hub.Attach(Pipeline.Name, null);
        foreach (var host in _hosts)
        {
            if (isClean) host.Drain();
            else host.End();
        }
    }

    /// <summary>Nothing goes wrong any more that is not the app's own doing.</summary>
    public void ClearUp()
    {
        _isCalm = true;
        foreach (var host in _hosts)
            if (host.Trigger is { } trigger) (trigger.IsCalm, trigger.AsleepUntil, trigger.DropsUntil) = (true, default, default);
    }

    public FunctionsHost Host(int index) => _hosts[index % _hosts.Count];

    public IReadOnlyList<FunctionsHost> Hosts => _hosts;

    /// <summary>A host that can work now.</summary>
    public FunctionsHost? Pick(Random choices)
    {
        var able = _hosts.Where(host => host.CanWork).ToList();
        return able.Count == 0 ? null : able[choices.Next(able.Count)];
    }

    public FunctionsHost? Other(FunctionsHost one, Random choices)
    {
        var others = _hosts.Where(host => host != one && host.CanWork).ToList();
        return others.Count == 0 ? null : others[choices.Next(others.Count)];
    }

    public void Wake() => _hub.Wake(Pipeline.Name);

    public KafkaTrigger NewTrigger(FunctionsHost host, Random random) => new(
        _simulator, _world, _world.Kafka.Topics[Pipeline.Topic], [.. Enumerable.Range(0, Pipeline.Tables.Length).Select(sink => Pipeline.Flow(sink).ToString())], _offsets, _setup, _counts, host, random)
    {
        IsCalm = _isCalm,
    };

    public FunctionsWorker NewWorker(string host)
    {
        var (process, connectors) = _ground.NewProcess(Pipeline, host, _setup.Skew);
        return new FunctionsWorker(process, connectors, Pipeline, _setup, _hub, _counts, hint => _ground.IsGone(hint, host), _simulator.Fail);
    }

    /// <summary>The group deals the topic's partitions to the hosts that are up.</summary>
    public void Deal()
    {
        var up = _hosts.Where(host => host.IsHostUp).ToArray();
        if (up.Length == 0) return;
        _random.Shuffle(up);
        var count = _world.Kafka.Topics[Pipeline.Topic].Partitions.Count;
        for (var i = 0; i < up.Length; i++) up[i].Trigger!.Assign([.. Enumerable.Range(0, count).Where(partition => partition % up.Length == i)]);
    }

    private void WatchLater() => _simulator.After(_setup.WatchInterval, () =>
    {
        if (!IsDeployed) return;
        var count = _world.Kafka.Topics[Pipeline.Topic].Partitions.Count;
        if (_hosts.Where(host => host.IsHostUp).Sum(host => host.Trigger!.Partitions.Count()) != count) Deal();
        Pick(_random)?.Watch();
        WatchLater();
    });

    /// <summary>A person tells the loop something, through one of the hosts.</summary>
    public void Command(LoopCommand command)
    {
        if (Pick(_random)?.Worker is not { } worker) return;
        _counts.Add($"command {command}");
        worker.Command(new HubClient(_hub, worker.Process, _counts, isByPerson: true), command, end =>
        {
            if (end is CallEnd.Failed(var failure) and not CallEnd.Failed(HubException)) throw new AuditException($"A command failed: {failure.Message}", failure);
        });
    }

    /// <summary>What a batch may fail with.</summary>
    public void JudgeBatch(SimulatedProcess process, CallEnd end)
    {
        if (end is not CallEnd.Failed(var failure)) return;
        if (failure is not PipelineException known) throw new AuditException($"A batch of {Pipeline.Name} failed with {failure.GetType().Name}, which costs the batch: {failure.Message}", failure);
        _counts.Add($"batch failed: {known.Kind}");
        _simulator.Trace.Note(_simulator.Now, process.Name, $"a batch fails: {known.Message}");
        _ground.Judge(Pipeline, process, known);
    }

    public void JudgeWatch(CallEnd end)
    {
        if (end is CallEnd.Failed(var failure) and not CallEnd.Failed(HubException)) throw new AuditException($"The watch over {Pipeline.Name} failed: {failure.Message}", failure);
    }

    /// <summary>What a commit may say.</summary>
    public void JudgeReport(SimulatedProcess process, CallEnd end)
    {
        if (end is CallEnd.Failed(var failure)) throw new AuditException($"The commit of {Pipeline.Name} failed: {failure.Message}", failure);
        if (end is not CallEnd.Done(var json)) return;
        foreach (var flow in JsonSerializer.Deserialize<PipelineReport>(json!, JsonSerializerOptions.Web)!.Flows)
        {
            _counts.Add($"commit {flow.Outcome}");
            _simulator.Trace.Note(_simulator.Now, process.Name, $"commit of {flow.Sink}: {flow.Outcome}{(flow.Failure is { } told ? $", {told.Message}" : "")}");
            if (flow is not { Outcome: FlowOutcome.Refused, Failure: { } refusal }) continue;
            _ground.Judge(Pipeline, process, new PipelineException(KindOf(refusal.Code), refusal.Message, refusal.Remedy));
        }
    }

    private static FailureKind KindOf(string code) => Enum.GetValues<FailureKind>().First(kind => ReportedFailure.Of(new PipelineException(kind, "", "")).Code == code);
}
