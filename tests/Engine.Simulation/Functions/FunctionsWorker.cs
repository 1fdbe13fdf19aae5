using System.Text.Json;
using Matih.Delivery.Ledgers;
using Matih.Engine.Simulation.Processes;
using Matih.Engine.Simulation.Scenarios;
using Matih.Hosting;
using Matih.Hosting.Serverless;
using Matih.Status;

namespace Matih.Engine.Simulation.Functions;

/// <summary>How a call of a function ended.</summary>
internal abstract record CallEnd
{
    private CallEnd() { }

    /// <param name="Answer">JSON, where the function gives any.</param>
    public sealed record Done(string? Answer) : CallEnd;

    public sealed record Failed(Exception Exception) : CallEnd;

    /// <summary>The host gave up the call, or the process died.</summary>
    public sealed record Died : CallEnd;
}

/// <summary>
/// A worker process of a functions app: what the app's functions do, with the pipeline that it has opened in its memory. Several
/// calls go on side by side.
/// </summary>
internal sealed class FunctionsWorker
{
    private readonly PipelineProcess _connectors;
    private readonly List<Task> _running = [];
    private readonly List<Call> _calls = [];
    private readonly LoopMessenger _messenger;
    private readonly HubClient _loops;
    private readonly HostedPipeline _hosted;
    private readonly Func<WriterHint, bool> _isGone;
    private readonly TaskCompletionSource<ServedPipeline> _served = new();
    private readonly Action<Exception> _fail;
    private CancellationToken _abort;

    /// <param name="fail">Called with what the auditor finds in an answer.</param>
    public FunctionsWorker(SimulatedProcess process, PipelineProcess connectors, PipelineSetup pipeline, AppSetup setup, TaskHub hub, FunctionCounts counts, Func<WriterHint, bool> isGone, Action<Exception> fail)
    {
        _fail = fail;
        Process = process;
        _connectors = connectors;
        _isGone = isGone;
        _messenger = new LoopMessenger(process.Clock, process.Environment.Ids, process);
        _loops = new HubClient(hub, process, counts, isByPerson: false);
        var definition = pipeline.Definition;
        definition = definition with { Orchestration = definition.Orchestration with { IdleTimeout = setup.IdleTimeout, CommitFailureLimit = setup.FailureLimit, MaxRecords = setup.RecordCountMax } };
        _hosted = new HostedPipeline("simulated.yaml", new LoadedPipeline(definition, [.. pipeline.Plan()], ""), []);
    }

    public SimulatedProcess Process { get; }

    /// <summary>Whether the host may call it.</summary>
    public bool IsUp => !Process.IsDead && Process.End is null && !Process.IsStopping;

    public bool HasCalls => _calls.Count != 0;

    /// <summary>Calls that the host waits for end with the process.</summary>
    public void FailCalls()
    {
        foreach (var call in _calls.ToArray()) call.End(new CallEnd.Died());
    }

    public void Start() => Process.Start(async (stop, abort) =>
    {
        var runner = new PipelineRunner(Process.Environment with { Tasks = new NoTasks() }, _connectors, Process);
        await using var served = new ServedPipeline(_hosted, runner, new WriterHint(Process.Host, Process.Id), _isGone, Process.Clock);
        _abort = abort;
        _served.SetResult(served);
        var end = new TaskCompletionSource();
        await using (stop.UnsafeRegister(_ => end.TrySetResult(), null))
        await using (abort.UnsafeRegister(_ => end.TrySetResult(), null))
            await end.Task;
        while (_running.Find(task => !task.IsCompleted) is { } running) await running;
        abort.ThrowIfCancellationRequested();
    });

    /// <summary>The function of a source's trigger.</summary>
    /// <returns>What the host can do to the call.</returns>
    public Call Ingest(ReadOnlyMemory<byte>[] messages, Action<CallEnd> ended) => Begin(ended, async (served, cancellationToken) =>
    {
        await BatchIntake.TakeAsync(served, served.Flows[0].Flow.Definition.Source, messages, _messenger, _loops, cancellationToken);
        return null;
    });

    /// <summary>The activity that commits.</summary>
    /// <param name="request">JSON.</param>
    public Call Commit(string request, Action<CallEnd> ended) => Begin(ended, async (served, cancellationToken) =>
    {
        var asked = JsonSerializer.Deserialize<CommitRequest>(request, JsonSerializerOptions.Web)!;
        return JsonSerializer.Serialize(await served.CommitAsync(asked.Watches, cancellationToken), JsonSerializerOptions.Web);
    });

    /// <summary>The function of the timer.</summary>
    /// <returns>Answers <c>true</c> where it has started the loop.</returns>
    public Call Watch(Action<CallEnd> ended) => Begin(ended, async (served, cancellationToken) =>
    {
        var reader = new PipelineStatusReader(Process.Environment, _connectors, _ => false);
        var metadata = served.Hosted.Loaded.Definition.Metadata;
        var hasStarted = await PipelineWatch.LookAsync(
            served.Hosted.Name, _loops, token => reader.ReadAsync(metadata, served.Hosted.Loaded.Flows, isOffline: false, token), Process.Clock, Process, cancellationToken);
        return hasStarted ? "true" : "false";
    });

    /// <summary>The function that a person tells something.</summary>
    public Call Command(HubClient person, LoopCommand command, Action<CallEnd> ended) => Begin(ended, async (served, cancellationToken) =>
    {
        await _messenger.CommandAsync(person, served.Hosted.Name, command, cancellationToken);
        return null;
    });

    private Call Begin(Action<CallEnd> ended, Func<ServedPipeline, CancellationToken, Task<string?>> work)
    {
        Call call = null!;
        call = new Call(end =>
        {
            _calls.Remove(call);
            ended(end);
        });
        _calls.Add(call);
        Process.Context.Post(() => _running.Add(RunAsync(call, work)));
        return call;
    }

    private static async Task<CallEnd> EndOfAsync(Func<Task<string?>> work)
    {
        try
        {
            return new CallEnd.Done(await work());
        }
        catch (OperationCanceledException)
        {
            return new CallEnd.Died();
        }
        catch (Exception e)
        {
            return new CallEnd.Failed(e);
        }
    }

    private async Task RunAsync(Call call, Func<ServedPipeline, CancellationToken, Task<string?>> work)
    {
        _running.RemoveAll(task => task.IsCompleted);
        var served = await _served.Task;
        using var both = CancellationTokenSource.CreateLinkedTokenSource(_abort, call.Token);
        var end = await EndOfAsync(() => work(served, both.Token));
        if (Process.IsDead) return;
        try
        {
            call.End(end);
        }
        catch (Exception e)
        {
            _fail(e);
        }
    }

    /// <summary>A call of a function, for its host.</summary>
    internal sealed class Call(Action<CallEnd> ended)
    {
        private readonly CancellationTokenSource _cancelled = new();
        private bool _isOver;

        public CancellationToken Token => _cancelled.Token;

        public bool IsOver => _isOver;

        /// <summary>Asks the function to end.</summary>
        public void Cancel() => _cancelled.Cancel();

        public void End(CallEnd end)
        {
            if (_isOver) return;
            _isOver = true;
            ended(end);
        }
    }
}
