using Matih.Engine.Simulation.Scheduling;

namespace Matih.Engine.Simulation.Functions;

/// <summary>One instance of a functions app: a host, which calls functions and listens to Kafka, and its worker process, which it starts again when it dies.</summary>
internal sealed class FunctionsHost(FunctionsApp app, Simulator simulator, AppSetup setup, FunctionCounts counts, int index, Random random)
{
    private static readonly TimeSpan ZombieLifeMax = TimeSpan.FromSeconds(60);

    private KafkaTrigger? _trigger;

    public string Name => $"fn{index}";

    /// <summary>Counts the host processes at this place: what an earlier one did not write down is lost.</summary>
    public int HostLife { get; private set; }

    public bool IsHostUp { get; private set; }

    public FunctionsWorker? Worker { get; private set; }

    public KafkaTrigger? Trigger => _trigger;

    /// <summary>Whether work may be given to it.</summary>
    public bool CanWork => IsHostUp && Worker is { IsUp: true };

    public bool IsTriggerOf(KafkaTrigger trigger) => IsHostUp && _trigger == trigger;

    public FunctionsHost? Other(Random choices) => app.Other(this, choices);

    public void Start()
    {
        if (IsHostUp || !app.IsDeployed) return;
        HostLife++;
        IsHostUp = true;
        _trigger = app.NewTrigger(this, new Random(random.Next()));
        StartWorker();
        _trigger.Begin();
        app.Deal();
    }

    private void StartWorker()
    {
        var life = HostLife;
        var worker = Worker = app.NewWorker(setup.KeepsHostNames ? $"fn{index}" : $"fn{index}-{HostLife}");
        worker.Process.Ended = end =>
        {
            worker.FailCalls();
            if (Worker != worker || HostLife != life || !IsHostUp || !app.IsDeployed) return;
            counts.Add("worker started again");
            simulator.After(TimeSpan.FromSeconds(0.5 + 2 * random.NextDouble()), () =>
            {
                if (Worker == worker && HostLife == life && IsHostUp && app.IsDeployed) StartWorker();
            });
        };
        worker.Start();
        app.Wake();
    }

    /// <summary>The worker dies with all that it holds.</summary>
    public void KillWorker()
    {
        if (Worker is not { IsUp: true } worker) return;
        counts.Add(worker.HasCalls ? "worker killed in a call" : "worker killed");
        worker.Process.Kill();
    }

    /// <summary>The host dies, and its worker with it.</summary>
    /// <param name="leavesZombie">The worker does not notice, and goes on for a while beside the one of the next host.</param>
    public void KillHost(bool leavesZombie)
    {
        if (!IsHostUp) return;
        counts.Add(!leavesZombie ? "host killed" : Worker is { HasCalls: true } ? "host killed, with its worker left in a call" : "host killed, with its worker left");
        simulator.Trace.Note(simulator.Now, Name, "host dies");
        IsHostUp = false;
        HostLife++;
        var worker = Worker;
        Worker = null;
        if (worker is not null)
        {
            if (leavesZombie)
            {
                worker.FailCalls();
                simulator.After(ZombieLifeMax * random.NextDouble(), worker.Process.Kill);
            }
            else worker.Process.Kill();
        }
        app.Deal();
        simulator.After(TimeSpan.FromSeconds(leavesZombie ? 0.5 : 1 + 8 * random.NextDouble()), Start);
    }

    /// <summary>SIGTERM: calls that run end, and their offsets are not committed; no call begins.</summary>
    public void Drain()
    {
        IsHostUp = false;
        HostLife++;
        var worker = Worker;
        Worker = null;
        if (worker is not { IsUp: true }) return;
        worker.FailCalls();
        worker.Process.StopCleanly();
    }

    /// <summary>Dies at once, for good.</summary>
    public void End()
    {
        IsHostUp = false;
        HostLife++;
        Worker?.Process.Kill();
        Worker = null;
    }

    public void Ingest(ReadOnlyMemory<byte>[] messages, Action<CallEnd> ended)
    {
        var worker = Worker!;
        var call = worker.Ingest(messages, end =>
        {
            app.JudgeBatch(worker.Process, end);
            ended(end);
        });
        simulator.After(app.InvocationMax, () =>
        {
            if (call.IsOver || !worker.IsUp) return;
            counts.Add("invocation timed out");
            worker.Process.Kill();
        });
    }

    /// <param name="ended">Gets the report as JSON, or why there is none.</param>
    public void Commit(string request, Action<string?, string?> ended)
    {
        var worker = Worker!;
        worker.Commit(request, end =>
        {
            app.JudgeReport(worker.Process, end);
            if (end is CallEnd.Done(var report)) ended(report, null);
            else ended(null, end is CallEnd.Failed(var failure) ? failure.Message : "the worker has exited");
        });
    }

    public void Watch()
    {
        if (Worker is not { IsUp: true } worker) return;
        counts.Add("watch looks");
        worker.Watch(end =>
        {
            if (end is CallEnd.Done("true")) counts.Add("watch starts a loop");
            app.JudgeWatch(end);
        });
    }
}
