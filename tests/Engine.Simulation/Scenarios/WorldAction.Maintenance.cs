namespace Matih.Engine.Simulation.Scenarios;

/// <summary>What our own maintenance does to tables.</summary>
internal abstract partial record WorldAction
{
    /// <summary>A scheduler expires the table's snapshots, all of which are past their age by then.</summary>
    /// <param name="KilledAfterCalls">Null lets it end by itself.</param>
    public sealed record Maintain(string Table, int? KilledAfterCalls, int Seed) : WorldAction;
}
