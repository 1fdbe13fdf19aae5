using Matih.Storage;

namespace Matih;

/// <summary>Starts the engine's concurrent work. The host gives threads; a simulation runs everything on one.</summary>
public interface ITaskStarter
{
    /// <summary>Runs the work beside the caller until it ends; a host gives long-blocking work a thread of its own.</summary>
    Task Start(string name, Func<CancellationToken, Task> work, CancellationToken cancellationToken);
}

/// <summary>
/// All that is not deterministic: clock, ids, randomness and scheduling, with the room beside the memory. The engine uses nothing ambient, so that a
/// simulation controls every choice.
/// </summary>
public sealed record EngineEnvironment(TimeProvider Clock, IIdSource Ids, Random Random, ITaskStarter Tasks, IScratchSpace Scratch);
