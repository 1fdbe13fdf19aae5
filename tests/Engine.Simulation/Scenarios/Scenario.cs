using System.Collections.Immutable;

namespace Matih.Engine.Simulation.Scenarios;

/// <summary>All that a seed stands for: the set-up and what happens to it.</summary>
internal sealed record Scenario(int Seed, Setup Setup, ImmutableArray<PlannedAction> Actions)
{
    /// <summary>The scenario with only some of its actions.</summary>
    public Scenario Keeping(IReadOnlyCollection<int> indexes) => this with { Actions = [.. Actions.Where(item => indexes.Contains(item.Index))] };

    public override string ToString() => $"{Setup}\n{string.Join("\n", Actions)}";
}
