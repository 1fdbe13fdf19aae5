using System.Globalization;

namespace Matih.Engine.Simulation.Functions;

/// <summary>How a functions app is deployed and set.</summary>
/// <param name="InstanceCount">Hosts, each with a worker process and a consumer of the trigger.</param>
/// <param name="BatchMax">The most records of one invocation (<c>maxBatchSize</c>).</param>
/// <param name="RetryCount">How often the trigger runs a batch again that failed, before it drops it (<c>maxRetries</c>).</param>
/// <param name="IdleTimeout">After which a loop with nothing to do ends.</param>
/// <param name="FailureLimit">After which a loop gives up.</param>
/// <param name="RecordCountMax">Staged records that make a commit due (a hundredth of it).</param>
/// <param name="InvocationMax">After which the host kills the worker of an invocation (<c>functionTimeout</c>); in fair weather none takes as long.</param>
/// <param name="Mischief">How likely a batch is handed over otherwise than it should be.</param>
/// <param name="KeepsHostNames">Whether a host that is started again has the name of before, so that it knows which processes are dead.</param>
/// <param name="Skew">By how much the clocks of the workers are wrong.</param>
internal sealed record AppSetup(
    int InstanceCount, int BatchMax, int RetryCount, TimeSpan IdleTimeout, TimeSpan FailureLimit, long RecordCountMax, TimeSpan WatchInterval, TimeSpan InvocationMax, double Mischief,
    bool KeepsHostNames, TimeSpan Skew, int Seed)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{InstanceCount} instances, batches of {BatchMax}, {RetryCount} retries, idle after {IdleTimeout.TotalSeconds:0} s, gives up after {FailureLimit.TotalSeconds:0} s, commits at {RecordCountMax * 100} records, watch every {WatchInterval.TotalSeconds:0} s, invocations up to {InvocationMax.TotalSeconds:0} s, mischief {Mischief:0.00}, host names {(KeepsHostNames ? "kept" : "new")}, skew {Skew.TotalSeconds:0} s, seed {Seed}");
}
