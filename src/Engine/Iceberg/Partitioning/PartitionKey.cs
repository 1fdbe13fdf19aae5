using System.Collections.Immutable;
using System.Text;
using Matih.Iceberg.Metadata;

namespace Matih.Iceberg.Partitioning;

/// <summary>One partition of a spec: its values, and its folder. Equal where spec and values are.</summary>
internal sealed class PartitionKey : IEquatable<PartitionKey>
{
    private PartitionKey(int specId, ImmutableArray<PartitionValue> values, string path) => (SpecId, Values, Path) = (specId, values, path);

    public int SpecId { get; }

    /// <summary>One value per field of the spec, in its order.</summary>
    public ImmutableArray<PartitionValue> Values { get; }

    /// <summary>Relative folder such as <c>date=2026-01-02/id_bucket=3</c>; empty without partition fields. Ends without a slash.</summary>
    public string Path { get; }

    internal static PartitionKey Of(PartitionSpec spec, IReadOnlyList<IcebergType> resultTypes, ImmutableArray<PartitionValue> values)
    {
        var path = new StringBuilder();
        for (var i = 0; i < values.Length; i++)
        {
            if (i > 0) path.Append('/');
            var text = PartitionText.Of(spec.Fields[i].Transform, resultTypes[i], values[i]);
            path.Append(PartitionText.Escape(spec.Fields[i].Name)).Append('=').Append(PartitionText.Escape(text));
        }
        return new(spec.SpecId, values, path.ToString());
    }

    public bool Equals(PartitionKey? other) => other is not null && SpecId == other.SpecId && Values.AsSpan().SequenceEqual(other.Values.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as PartitionKey);

    public override int GetHashCode() => Values.Aggregate(SpecId, HashCode.Combine);

    public override string ToString() => Path;
}
