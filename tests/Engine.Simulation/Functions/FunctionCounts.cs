namespace Matih.Engine.Simulation.Functions;

/// <summary>How often what happened to functions, so that a run shows that its actors did something.</summary>
internal sealed class FunctionCounts
{
    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, long> All => _counts;

    public void Add(string what, long count = 1) => _counts[what] = _counts.GetValueOrDefault(what) + count;
}
