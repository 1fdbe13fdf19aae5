using System.Collections.Immutable;
using Matih.Batches;
using Matih.Iceberg.Metadata;

namespace Matih.Iceberg.Partitioning;

/// <summary>
/// Divides batches by partition, column by column: each partition field turns its column into small numbers, one per
/// distinct value, and rows of equal numbers belong together. Neighbours mostly share a value, which then costs a comparison.
/// Not thread-safe.
/// </summary>
internal sealed class PartitionRouter
{
    // A router forgets what it has seen rather than remember a partition for every user.
    private const int RememberedMax = 1 << 16;

    private readonly PartitionSpec _spec;
    private readonly ImmutableArray<IcebergType> _types;
    private readonly FieldRouter?[] _fields;
    private readonly ColumnPlace?[] _columns;
    private readonly Dictionary<long, int> _pairs = [];
    private readonly List<int[]> _groups = [];
    private readonly Dictionary<int, PartitionKey> _keys = [];
    private readonly PartitionKey? _only;
    private long _epoch;
    private int[] _ids = [];
    private int[] _combined = [];

    /// <param name="row">The batches' columns; a partition column that they lack is NULL in every row.</param>
    /// <exception cref="UnsupportedTableException">The spec has a field that cannot be computed for these rows.</exception>
    public PartitionRouter(Schema schema, PartitionSpec spec, RowType row)
    {
        _spec = spec;
        _fields = new FieldRouter?[spec.Fields.Length];
        _columns = new ColumnPlace?[spec.Fields.Length];
        var types = ImmutableArray.CreateBuilder<IcebergType>();
        for (var i = 0; i < spec.Fields.Length; i++)
        {
            var field = spec.Fields[i];
            var column = schema.FindField(field.SourceId);
            var type = column is null ? null : field.Transform.ResultType(column.Type);
            if (field.Transform is not Transform.Void)
            {
                if (column is null || type is null || ColumnPlace.Find(schema, column.Id, row) is not { } place)
                    throw new UnsupportedTableException($"The partition field '{field.Name}' ({field.Transform} of field {field.SourceId}) cannot be computed: {(type is null ? "its column is missing or of another type" : "its column is within a list or map")}. Change the table's partitioning.");
                _columns[i] = place;
                if (place.IsThere) _fields[i] = FieldRouter.Create(field.Transform, column.Type, place.Type!);
                else if (column.IsRequired && schema.FindColumn(column.Name)?.Id == column.Id) throw new UnsupportedTableException($"The partition column '{column.Name}' is required and the rows do not have it.");
            }
            types.Add(type ?? new IcebergType.Int());
        }
        _types = types.ToImmutable();
        if (_fields.All(field => field is null)) _only = PartitionKey.Of(_spec, _types, [.. new PartitionValue[_fields.Length]]);
    }

    /// <summary>The number of each row's partition; they belong to the router and are valid until the next call.</summary>
    public RoutedBatch Route(ColumnBatch batch)
    {
        if (_combined.Length < batch.Count) (_ids, _combined) = (new int[batch.Count], new int[batch.Count]);
        if (_only is not null) return new RoutedBatch(_combined.AsSpan(0, batch.Count), 1, _epoch);
        Forget();
        var combined = _combined.AsSpan(0, batch.Count);
        var isFirst = true;
        for (var i = 0; i < _fields.Length; i++)
        {
            if (_fields[i] is not { } field) continue;
            if (isFirst)
            {
                field.Assign(_columns[i]!.In(batch), combined);
            }
            else
            {
                var ids = _ids.AsSpan(0, batch.Count);
                field.Assign(_columns[i]!.In(batch), ids);
                Combine(combined, ids, i);
            }
            isFirst = false;
        }
        var groupCount = _fields.Count(field => field is not null) == 1 ? _fields.First(field => field is not null)!.IdCount : _groups.Count;
        return new RoutedBatch(combined, groupCount, _epoch);
    }

    /// <summary>Replaces the first number of each row by that of the pair of both.</summary>
    private void Combine(Span<int> combined, ReadOnlySpan<int> ids, int fieldIndex)
    {
        var last = -1L;
        var lastGroup = 0;
        for (var row = 0; row < combined.Length; row++)
        {
            var pair = (long)combined[row] << 32 | (uint)ids[row];
            if (pair != last)
            {
                last = pair;
                // The field is part of the look-up's key, because the pairs of the second and of the third field are other pairs.
                var key = (long)fieldIndex << 58 | pair;
                if (!_pairs.TryGetValue(key, out lastGroup))
                {
                    lastGroup = _groups.Count;
                    _pairs.Add(key, lastGroup);
                    _groups.Add([.. Earlier(combined[row], fieldIndex), ids[row]]);
                }
            }
            combined[row] = lastGroup;
        }
    }

    /// <summary>The numbers of the fields before, of which the first stands for itself.</summary>
    private IEnumerable<int> Earlier(int combined, int fieldIndex) =>
        _fields.Take(fieldIndex).Count(field => field is not null) == 1 ? [combined] : _groups[combined];

    /// <summary>The partition of a number of the last batch; the same object each time within an epoch.</summary>
    public PartitionKey KeyOf(int group)
    {
        if (_only is not null) return _only;
        if (_keys.TryGetValue(group, out var key)) return key;
        var ids = _fields.Count(field => field is not null) == 1 ? [group] : _groups[group];
        var values = new PartitionValue[_fields.Length];
        var next = 0;
        for (var i = 0; i < _fields.Length; i++)
            if (_fields[i] is { } field) values[i] = field.ValueOf(ids[next++]);
        key = PartitionKey.Of(_spec, _types, [.. values]);
        _keys.Add(group, key);
        return key;
    }

    private void Forget()
    {
        if (_groups.Count < RememberedMax && _fields.All(field => field is null || field.IdCount < RememberedMax)) return;
        _epoch++;
        foreach (var field in _fields) field?.Forget();
        _pairs.Clear();
        _groups.Clear();
        _keys.Clear();
    }
}
