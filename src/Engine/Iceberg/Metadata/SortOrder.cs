using System.Collections.Immutable;

namespace Matih.Iceberg.Metadata;

/// <summary>How a table would like its rows sorted. Kept as written; files of ours are written unsorted and say so. Immutable.</summary>
public sealed class SortOrder
{
    internal SortOrder(int orderId, ImmutableArray<int> sourceIds, byte[] source) => (OrderId, SourceIds, Source) = (orderId, sourceIds, source);

    /// <summary>0 is the unsorted order.</summary>
    public int OrderId { get; }

    /// <summary>Field ids of the columns that it sorts by, the first weighing most.</summary>
    public ImmutableArray<int> SourceIds { get; }

    /// <summary>The order's JSON, written back as it was read.</summary>
    internal byte[] Source { get; }

    public static SortOrder Unsorted { get; } = new(0, [], """{"order-id":0,"fields":[]}"""u8.ToArray());
}
