using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;

namespace Matih.Iceberg.Manifests;

/// <summary>Which column metrics a table wants in its manifests. Immutable.</summary>
internal sealed class MetricsSelection
{
    private const string DefaultProperty = "write.metadata.metrics.default";
    private const string ColumnPrefix = "write.metadata.metrics.column.";
    private const string InferredMaxProperty = "write.metadata.metrics.max-inferred-column-defaults";
    private const int InferredMaxDefault = 100;
    private static readonly MetricsMode.Truncate DefaultMode = new(16);

    private readonly Dictionary<int, (IcebergType Type, MetricsMode Mode)> _columns = [];

    /// <exception cref="UnsupportedTableException">A property of the table names no mode.</exception>
    public MetricsSelection(TableMetadata metadata)
    {
        var schema = metadata.CurrentSchema;
        var properties = metadata.Properties;
        MetricsMode? given = properties.TryGetValue(DefaultProperty, out var text) ? MetricsMode.Parse(text, DefaultProperty) : null;
        var inferredMax = properties.TryGetValue(InferredMaxProperty, out var number)
            && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var max) ? max : InferredMaxDefault;
        // Without a default of the table's own, columns beyond the first hundred get none: manifests would grow too large.
        var inferred = given is null ? InOrder(schema.Fields).Take(inferredMax).ToHashSet() : [];
        foreach (var (id, path, type) in schema.Fields.SelectMany(field => Values(field.Id, field.Name, field.Type)))
        {
            var mode = given ?? (inferred.Contains(id) ? DefaultMode : new MetricsMode.None());
            if (mode is MetricsMode.None or MetricsMode.Counts && IsSortedBy(metadata, id)) mode = DefaultMode;
            if (properties.TryGetValue(ColumnPrefix + path, out var own)) mode = MetricsMode.Parse(own, ColumnPrefix + path);
            _columns[id] = (type, mode);
        }
    }

    /// <summary>The columns of values that a column has, itself or within, by their paths: <c>lines.element.sku</c>.</summary>
    private static IEnumerable<(int Id, string Path, IcebergType Type)> Values(int id, string path, IcebergType type) => type switch
    {
        IcebergType.Struct fields => fields.Fields.SelectMany(field => Values(field.Id, $"{path}.{field.Name}", field.Type)),
        IcebergType.List list => Values(list.ElementId, path + ".element", list.Element),
        IcebergType.Map map => Values(map.KeyId, path + ".key", map.Key).Concat(Values(map.ValueId, path + ".value", map.Value)),
        _ => [(id, path, type)],
    };

    /// <summary>The columns of values in the order in which they are counted: those of a struct before those of what is nested in it.</summary>
    /// <remarks>As Iceberg's reference implementation counts them: <c>MetricsConfig.limitFieldIds</c>.</remarks>
    private static IEnumerable<int> InOrder(ImmutableArray<NestedField> fields) =>
        fields.Where(field => field.Type.IsPrimitive).Select(field => field.Id).Concat(fields.Where(field => !field.Type.IsPrimitive).SelectMany(field => Within(field.Type)));

    private static IEnumerable<int> Within(IcebergType type) => type switch
    {
        IcebergType.Struct nested => InOrder(nested.Fields),
        IcebergType.List list => Of(list.ElementId, list.Element),
        IcebergType.Map map => map is { Key.IsPrimitive: false, Value.IsPrimitive: true } ? Of(map.ValueId, map.Value).Concat(Of(map.KeyId, map.Key)) : Of(map.KeyId, map.Key).Concat(Of(map.ValueId, map.Value)),
        _ => [],
    };

    private static IEnumerable<int> Of(int id, IcebergType type) => type.IsPrimitive ? [id] : Within(type);

    private static bool IsSortedBy(TableMetadata metadata, int fieldId) =>
        metadata.SortOrders.Any(order => order.OrderId == metadata.DefaultSortOrderId && order.Fields.Any(field => field.SourceId == fieldId));

    /// <summary>What is kept of a column's metrics; null for nothing.</summary>
    internal ColumnMetrics? Select(ColumnMetrics column)
    {
        if (!_columns.TryGetValue(column.FieldId, out var entry)) return null;
        return entry.Mode switch
        {
            MetricsMode.None => null,
            MetricsMode.Counts => column with { LowerBound = null, UpperBound = null },
            MetricsMode.Truncate(var length) => column with
            {
                LowerBound = column.LowerBound is null ? null : Bounds.TruncateLower(entry.Type, column.LowerBound, length),
                UpperBound = column.UpperBound is null ? null : Bounds.TruncateUpper(entry.Type, column.UpperBound, length),
            },
            _ => column,
        };
    }
}

/// <summary>Bounds cut to a length so that they still enclose the data.</summary>
internal static class Bounds
{
    public static byte[] TruncateLower(IcebergType type, byte[] bound, int length) => type switch
    {
        IcebergType.String => TransformArithmetic.TruncateText(bound, length).ToArray(),
        IcebergType.Binary => TransformArithmetic.TruncateBinary(bound, length).ToArray(),
        _ => bound,
    };

    /// <summary>The shortened bound, its last code point or byte raised by one; null where nothing short is large enough.</summary>
    public static byte[]? TruncateUpper(IcebergType type, byte[] bound, int length) => type switch
    {
        IcebergType.String => TruncateTextUpper(bound, length),
        IcebergType.Binary => TruncateBinaryUpper(bound, length),
        _ => bound,
    };

    private static byte[]? TruncateTextUpper(byte[] bound, int length)
    {
        var kept = TransformArithmetic.TruncateText(bound, length);
        if (kept.Length == bound.Length) return bound;
        while (!kept.IsEmpty)
        {
            Rune.DecodeLastFromUtf8(kept, out var last, out var consumed);
            kept = kept[..^consumed];
            // Surrogates are no code points of their own, so the one before them is followed by the one behind.
            var next = last.Value == 0xD7FF ? 0xE000 : last.Value + 1;
            if (!Rune.IsValid(next)) continue;
            var raised = new byte[kept.Length + 4];
            kept.CopyTo(raised);
            return raised[..(kept.Length + new Rune(next).EncodeToUtf8(raised.AsSpan(kept.Length)))];
        }
        return null;
    }

    private static byte[]? TruncateBinaryUpper(byte[] bound, int length)
    {
        if (bound.Length <= length) return bound;
        for (var last = length - 1; last >= 0; last--)
        {
            if (bound[last] == byte.MaxValue) continue;
            var raised = bound[..(last + 1)];
            raised[last]++;
            return raised;
        }
        return null;
    }
}
