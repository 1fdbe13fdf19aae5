using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Planning;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>
/// What a flow read under one name, without going back: rows with that name, of these offsets, once each. A reset ends one
/// stretch and begins the next, whose records may be there a second time; an adoption continues under another name.
/// </summary>
/// <param name="Flow">The name that its rows carry.</param>
/// <param name="Incarnation">The incarnation of the topic that its offsets mean.</param>
/// <param name="Starts">Where each partition began.</param>
/// <param name="Ends">Where each partition stood at its end, that offset excluded.</param>
/// <param name="Lost">What was given up in it.</param>
internal sealed record RowStretch(
    FlowName Flow, int Incarnation, ImmutableSortedDictionary<int, long> Starts, ImmutableSortedDictionary<int, long> Ends, ImmutableArray<LostRange> Lost)
{
    public bool Holds(int partition, long offset) =>
        Starts.TryGetValue(partition, out var start) && offset >= start && Ends.TryGetValue(partition, out var end) && offset < end;

    public bool HasLost(int partition, long offset)
    {
        foreach (var range in Lost)
            if (range.Partition == partition && offset >= range.FromOffset && offset < range.ToOffset) return true;
        return false;
    }
}
