using Matih.Iceberg.Catalogs;

namespace Matih.Engine.Simulation.Scenarios;

/// <content>What people do with pipelines.</content>
internal abstract partial record WorldAction
{
    /// <summary>Somebody starts a pipeline with <c>--reset</c>, with its running processes beside it or asked to stop just before.</summary>
    public sealed record Reset(int Pipeline, bool StopsOthers) : WorldAction;

    /// <summary>A pipeline has a new name: its processes under the old one are no longer started, and are asked to stop, killed, or forgotten.</summary>
    public sealed record Retire(int Pipeline, Retirement How) : WorldAction;

    /// <summary>Somebody replays commits of a flow: from one place in its history to another, both from 0 (the oldest) to 1; killed after that many calls.</summary>
    public sealed record Replay(int Pipeline, int Sink, double From, double To, int? KilledAfterCalls) : WorldAction;

    /// <summary>Another engine commits twice, and expiry leaves nothing below: history ends before a ledger is met where metadata files are few.</summary>
    public sealed record Bury(string Table) : WorldAction;
}

/// <summary>What happens to the processes of a pipeline that got another name.</summary>
internal enum Retirement { Stopped, Killed, Forgotten }
