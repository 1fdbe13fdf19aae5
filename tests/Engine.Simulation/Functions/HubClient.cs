using System.Text.Json;
using Matih.Engine.Simulation.Processes;
using Matih.Hosting.Serverless;

namespace Matih.Engine.Simulation.Functions;

/// <summary>A process's way to the task hub: every call takes time, and may fail before its effect, after it, or before an effect that comes later.</summary>
/// <param name="isByPerson">Whether a person asks.</param>
internal sealed class HubClient(TaskHub hub, SimulatedProcess process, FunctionCounts counts, bool isByPerson) : ILoops
{
    public ValueTask<bool> TrySendAsync(string pipeline, LoopSignal signal, CancellationToken cancellationToken)
    {
        var json = JsonSerializer.Serialize(signal, JsonSerializerOptions.Web);
        counts.Add($"signal {signal.Command}");
        return CallAsync($"signal {signal.Command}", () => hub.TrySignal(pipeline, json), cancellationToken);
    }

    public ValueTask<bool> StartAsync(PipelineLoop loop, CancellationToken cancellationToken) =>
        CallAsync("start loop", () => hub.TryStart(loop, isByPerson), cancellationToken);

    public ValueTask<PipelineLoop?> ReadAsync(string pipeline, CancellationToken cancellationToken) =>
        CallAsync("read loop", () => hub.StatusOf(pipeline) is { } status ? JsonSerializer.Deserialize<PipelineLoop>(status, JsonSerializerOptions.Web) : null, cancellationToken);

    public ValueTask<bool> IsRunningAsync(string pipeline, CancellationToken cancellationToken) =>
        CallAsync("is loop running", () => hub.IsRunning(pipeline), cancellationToken);

    private ValueTask<T> CallAsync<T>(string what, Func<T> effect, CancellationToken cancellationToken) =>
        process.CallAsync($"hub {what}", hub.Fate(), effect, fault => new HubException($"Could not {what}: the task hub did not answer ({fault})."), cancellationToken);
}
