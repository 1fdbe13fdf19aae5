namespace Matih.Definition.Yaml;

/// <summary>Where the characters of a scalar stand in the file, as runs of neighbouring characters.</summary>
internal sealed class TextPositions
{
    private readonly List<Run> _runs = [];

    /// <param name="Start">Offset of the run's first character in the scalar's text.</param>
    /// <param name="Position">Where that character stands.</param>
    /// <param name="IsFixed">All characters of the run stand at that place (the value of a variable).</param>
    private readonly record struct Run(int Start, DefinitionPosition Position, bool IsFixed);

    /// <summary>All text at one place.</summary>
    public static TextPositions Fixed(DefinitionPosition position)
    {
        var positions = new TextPositions();
        positions.Add(0, position, isFixed: true);
        return positions;
    }

    public void Add(int start, DefinitionPosition position, bool isFixed = false) => _runs.Add(new Run(start, position, isFixed));

    public DefinitionPosition PositionAt(int offset)
    {
        var low = 0;
        var high = _runs.Count - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (_runs[middle].Start <= offset) low = middle;
            else high = middle - 1;
        }
        var run = _runs[low];
        return run.IsFixed ? run.Position : run.Position with { Column = run.Position.Column + Math.Max(0, offset - run.Start) };
    }

    /// <summary>
    /// Appends this map's places for <paramref name="length"/> characters from <paramref name="from"/> to another map, where
    /// they start at <paramref name="to"/>.
    /// </summary>
    public void CopyTo(TextPositions target, int from, int length, int to)
    {
        target.Add(to, PositionAt(from), IsFixedAt(from));
        foreach (var run in _runs)
            if (run.Start > from && run.Start < from + length) target.Add(run.Start - from + to, run.Position, run.IsFixed);
    }

    private bool IsFixedAt(int offset) => _runs.LastOrDefault(run => run.Start <= offset).IsFixed;
}
