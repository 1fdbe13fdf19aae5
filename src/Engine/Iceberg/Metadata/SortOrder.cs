using System.Collections.Immutable;

namespace Matih.Iceberg.Metadata;

/// <summary>One field of a sort order: rows are compared by what the transform makes of the column.</summary>
/// <param name="SourceId">Field id of the column; -1 where there are several, which only later versions of the format have.</param>
/// <param name="NullsFirst">Where NULL goes, whatever the direction.</param>
public sealed record SortField(int SourceId, Transform Transform, bool IsDescending, bool NullsFirst);

/// <summary>How a table would like its rows sorted. Kept as written. Immutable.</summary>
/// <remarks>Source: Apache Iceberg table spec, "Sorting".</remarks>
public sealed class SortOrder
{
    internal SortOrder(int orderId, ImmutableArray<SortField> fields, byte[] source) => (OrderId, Fields, Source) = (orderId, fields, source);

    /// <summary>0 is the unsorted order.</summary>
    public int OrderId { get; }

    /// <summary>The first weighs most.</summary>
    public ImmutableArray<SortField> Fields { get; }

    /// <summary>The order's JSON, written back as it was read.</summary>
    internal byte[] Source { get; }

    public static SortOrder Unsorted { get; } = new(0, [], """{"order-id":0,"fields":[]}"""u8.ToArray());
}
