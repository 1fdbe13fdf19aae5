using Matih.Sql.Kernels;

namespace Matih.Sql.Execution;

/// <summary>A frame with the nodes that are evaluated over all its rows, by the identity of their expressions.</summary>
internal sealed class Scope(Frame frame, Scope? parent)
{
    public Frame Frame { get; } = frame;
    public Scope? Parent { get; } = parent;
    public Dictionary<int, Node> Nodes { get; } = [];
    public Dictionary<int, JsonGroup> JsonGroups { get; } = [];
}
