using Matih.Delivery;
using Matih.Engine.Simulation.Processes;

namespace Matih.Engine.Simulation.Scenarios;

/// <summary>The processes that ran, one after the other, at one place.</summary>
internal sealed class Replica(int index, ReplicaSetup setup)
{
    public int Index { get; } = index;

    public ReplicaSetup Setup { get; } = setup;

    public SimulatedProcess? Process { get; set; }

    public RunKind Kind { get; set; }

    /// <summary>What a person answers at the next start, once; null for what the pipeline is always started with.</summary>
    public OpenAnswers? Answers { get; set; }

    /// <summary>Whether a restart policy starts it again when it ends.</summary>
    public bool IsWanted { get; set; }

    public bool IsRunning => Process is { IsDead: false, End: null };
}
