using System.Collections.Immutable;

namespace Matih.Iceberg;

/// <summary>How a table would like its rows sorted. Kept as written; files of ours are written unsorted and say so.</summary>
/// <param name="OrderId">0 is the unsorted order.</param>
/// <param name="SourceIds">The columns that it sorts by, the first weighing most.</param>
public sealed record SortOrder(int OrderId, ImmutableArray<int> SourceIds)
{
    internal SortOrder(int orderId, ImmutableArray<int> sourceIds, byte[] source) : this(orderId, sourceIds) => Source = source;

    public static SortOrder Unsorted { get; } = new(0, [], """{"order-id":0,"fields":[]}"""u8.ToArray());

    internal byte[] Source { get; } = [];
}
