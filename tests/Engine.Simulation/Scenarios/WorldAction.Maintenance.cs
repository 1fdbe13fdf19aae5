namespace Matih.Engine.Simulation.Scenarios;

/// <summary>What our own maintenance does to tables.</summary>
internal abstract partial record WorldAction
{
    /// <summary>A scheduler expires the table's snapshots, all of which are past their age by then, and removes its orphan files, which are.</summary>
    /// <param name="KilledAfterCalls">Null lets it end by itself.</param>
    /// <param name="Sleep">All machines but its own sleep so long, and it works just before they wake up.</param>
    public sealed record Maintain(string Table, int? KilledAfterCalls, TimeSpan? Sleep, int Seed) : WorldAction;
}
