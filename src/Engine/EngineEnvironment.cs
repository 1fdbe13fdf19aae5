using Matih.Storage;

namespace Matih;

/// <summary>Starts the engine's concurrent work. The host gives threads; a simulation runs everything on one.</summary>
public interface ITaskStarter
{
    /// <summary>Runs the work beside the caller until it ends; a host gives long-blocking work a thread of its own.</summary>
    Task Start(string name, Func<CancellationToken, Task> work, CancellationToken cancellationToken);
}

/// <summary>Work that several share, each in a task of its own.</summary>
internal static class SharedWork
{
    /// <summary>Runs all side by side and waits for all. What one cannot do, the others need not finish: they are cancelled.</summary>
    /// <exception cref="Exception">What ended the first that failed by itself.</exception>
    public static async Task RunAsync(this ITaskStarter tasks, IEnumerable<(string Name, Func<CancellationToken, Task> Work)> shares, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAll(shares.Select(share => tasks.Start(share.Name, async token =>
        {
            try
            {
                await share.Work(token);
            }
            catch
            {
                stop.Cancel();
                throw;
            }
        }, stop.Token)));
    }
}

/// <summary>
/// All that is not deterministic: clock, ids, randomness and scheduling, with the room beside the memory. The engine uses nothing ambient, so that a
/// simulation controls every choice.
/// </summary>
public sealed record EngineEnvironment(TimeProvider Clock, IIdSource Ids, Random Random, ITaskStarter Tasks, IScratchSpace Scratch);
