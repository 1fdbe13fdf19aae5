using System.Collections.Immutable;

namespace Matih.Definition;

/// <summary>A table within its catalog: one or more namespace levels and a name.</summary>
public sealed record TableName(ImmutableArray<string> Namespace, string Name)
{
    public bool Equals(TableName? other) =>
        other is not null && Name == other.Name && Namespace.AsSpan().SequenceEqual(other.Namespace.AsSpan());

    public override int GetHashCode() => Namespace.Aggregate(Name.GetHashCode(StringComparison.Ordinal), HashCode.Combine);

    /// <summary>Dotted, e.g. <c>web.clickstream_events</c>.</summary>
    public override string ToString() => string.Join('.', Namespace.Append(Name));
}
