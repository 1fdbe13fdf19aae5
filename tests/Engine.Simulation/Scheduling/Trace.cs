using System.Globalization;

namespace Matih.Engine.Simulation.Scheduling;

/// <summary>What happened, as a hash of everything (two runs of a seed must agree) and, on demand, as lines to read.</summary>
internal sealed class Trace(bool keepsLines)
{
    private const ulong Prime = 1099511628211;

    private readonly List<string> _lines = [];

    public ulong Hash { get; private set; } = 14695981039346656037;

    public IReadOnlyList<string> Lines => _lines;

    public bool KeepsLines { get; } = keepsLines;

    public void Step(long ticks, int process)
    {
        Hash = (Hash ^ (ulong)ticks) * Prime;
        Hash = (Hash ^ (uint)process) * Prime;
    }

    public void Note(TimeSpan at, string who, string what)
    {
        foreach (var character in what) Hash = (Hash ^ character) * Prime;
        if (KeepsLines) _lines.Add(string.Create(CultureInfo.InvariantCulture, $"{at.TotalSeconds,10:0.000} {who,-10} {what}"));
    }
}
