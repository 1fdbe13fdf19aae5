namespace Matih.Definition;

/// <summary>Where something stands in a definition: a place in the file, or an override on the command line.</summary>
/// <param name="File">The file's name as the caller gave it, or <c>--set PATH</c>.</param>
/// <param name="Line">From 1; 0 where <paramref name="File"/> has no lines (an override).</param>
/// <param name="Column">From 1, in UTF-16 units; 0 where there are no lines.</param>
public readonly record struct DefinitionPosition(string File, int Line, int Column) : IComparable<DefinitionPosition>
{
    /// <summary>Overrides after the file, then by line and column.</summary>
    public int CompareTo(DefinitionPosition other) =>
        ((Line == 0).CompareTo(other.Line == 0), Line.CompareTo(other.Line), Column.CompareTo(other.Column)) switch
        {
            (not 0 and var kind, _, _) => kind,
            (_, not 0 and var line, _) => line,
            (_, _, var column) => column,
        };

    public override string ToString() => Line == 0 ? File : $"{File}:{Line}:{Column}";
}
