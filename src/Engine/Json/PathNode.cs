namespace Matih.Json;

/// <summary>
/// A place that paths speak of: the paths of one extractor, merged into a tree. Every place that some path ends at has a
/// slot; the slots of a place and all below it are a contiguous range.
/// </summary>
internal sealed class PathNode
{
    private (int Position, PathNode Node)[] _elements = [];

    /// <summary>Where the value of this place is noted; -1 where no path ends here.</summary>
    public int Slot { get; private set; } = -1;

    /// <summary>The slots below this place, to be forgotten when a duplicate member replaces it.</summary>
    public int InnerFrom { get; private set; }

    public int InnerTo { get; private set; }

    public bool HasChildren { get; private set; }

    public MemberTable? Members { get; private set; }

    /// <summary>The place of the array element at that position, or null where no path speaks of it.</summary>
    public PathNode? Element(int position)
    {
        foreach (var (index, node) in _elements)
            if (index == position) return node;
        return null;
    }

    /// <summary>Adds the path's steps below this place, as far as they can be followed in one pass: up to a negative index.</summary>
    public PathNode Reach(ReadOnlySpan<JsonPathStep> steps)
    {
        var node = this;
        foreach (var step in steps)
        {
            node = step switch
            {
                JsonPathStep.Member member => (node.Members ??= new MemberTable()).Require(member.NameUtf8.Span),
                JsonPathStep.Index index => node.RequireElement(index.Position),
                _ => throw new InvalidOperationException($"Unknown step {step}."),
            };
        }
        node.Slot = 0;
        return node;
    }

    /// <summary>Numbers the slots depth first; gives the next free number.</summary>
    public int Number(int next)
    {
        if (Slot >= 0) Slot = next++;
        InnerFrom = next;
        if (Members is not null)
        {
            foreach (var child in Members.Children) next = child.Number(next);
        }
        foreach (var (_, child) in _elements) next = child.Number(next);
        InnerTo = next;
        HasChildren = Members is not null || _elements.Length != 0;
        return next;
    }

    private PathNode RequireElement(int position)
    {
        if (Element(position) is { } known) return known;
        var node = new PathNode();
        _elements = [.. _elements, (position, node)];
        return node;
    }
}
