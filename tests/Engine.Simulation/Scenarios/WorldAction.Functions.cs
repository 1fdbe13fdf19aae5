using Matih.Engine.Simulation.Functions;
using Matih.Hosting.Serverless;

namespace Matih.Engine.Simulation.Scenarios;

/// <content>Functions apps: what is deployed, what dies, what their services do, and what people tell them.</content>
internal abstract partial record WorldAction
{
    /// <summary>A functions app serves the pipeline from now on. Nothing where one is deployed.</summary>
    public sealed record Deploy(int Pipeline, AppSetup App) : WorldAction;

    /// <summary>The app is taken away: its calls may end, or all dies at once.</summary>
    public sealed record Undeploy(int Pipeline, bool IsClean) : WorldAction;

    /// <summary>The pipeline's processes are no longer started, and those that run are asked to stop, killed, or left beside the app.</summary>
    public sealed record LeaveToFunctions(int Pipeline, Retirement How) : WorldAction;

    /// <summary>The pipeline's processes are started again.</summary>
    public sealed record TakeBack(int Pipeline) : WorldAction;

    /// <summary>A worker process dies after that many more calls to the outside.</summary>
    public sealed record KillWorker(int Pipeline, int Host, int AfterCalls) : WorldAction;

    /// <summary>SIGSTOP for a worker after that many more calls to the outside; what it runs is given to another one meanwhile.</summary>
    public sealed record PauseWorker(int Pipeline, int Host, int AfterCalls, TimeSpan For) : WorldAction;

    /// <summary>A host dies after that many more calls of its worker; the worker dies with it, or goes on for a while.</summary>
    public sealed record KillHost(int Pipeline, int Host, int AfterCalls, bool LeavesZombie) : WorldAction;

    /// <summary>The trigger's group deals its partitions out again.</summary>
    public sealed record RebalanceTrigger(int Pipeline) : WorldAction;

    /// <summary>The triggers drop what they read, as where each function failed.</summary>
    public sealed record DropBatches(int Pipeline, TimeSpan For) : WorldAction;

    /// <summary>The triggers hand nothing over.</summary>
    public sealed record SleepTrigger(int Pipeline, TimeSpan For) : WorldAction;

    /// <summary>The task hub loses, doubles and delays that share of signals, results and calls.</summary>
    public sealed record TroubleHub(double Share, TimeSpan For) : WorldAction;

    /// <summary>A person tells a loop something.</summary>
    public sealed record TellLoop(int Pipeline, LoopCommand Command) : WorldAction;
}
