using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Casting;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Nested;

/// <summary>Functions of maps. A map's entries keep the order in which they came; of a key that comes twice the last value counts.</summary>
/// <remarks>Source: Apache Flink 1.20, "Collection Functions". Flink leaves the order of entries open.</remarks>
internal static class MapFunctions
{
    /// <summary>Why a map is refused: neither Iceberg nor Parquet holds such a key.</summary>
    public const string NullKey = "A key of the map is NULL, expected a value.";

    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        new("MAP_KEYS", call => Part(call, 0)),
        new("MAP_VALUES", call => Part(call, 1)),
        new("MAP_ENTRIES", Entries),
        new("MAP_FROM_ARRAYS", FromArrays),
        new("MAP_UNION", Union),
        new("STR_TO_MAP", FromText),
    ];

    private static Expression Part(FunctionCall call, int field)
    {
        call.ExpectCount(1, 1);
        var map = Map(call, 0);
        var type = (DataType.Map)map.Type;
        return call.Apply(RowKernels.Each(call.Name, (kernel, row) =>
        {
            var maps = kernel.Lists(0);
            kernel.ResultList.Elements.AppendRange(((RowColumn)maps.Elements).Fields[field], maps.StartOf(row), maps.LengthOf(row));
            kernel.ResultList.EndRow();
        }), new DataType.Array(field == 0 ? type.Key : type.Value), map);
    }

    private static Expression Entries(FunctionCall call)
    {
        call.ExpectCount(1, 1);
        var map = Map(call, 0);
        var type = (DataType.Map)map.Type;
        var entry = new DataType.Row(new RowType([new Field("key", type.Key), new Field("value", type.Value)]));
        return call.Apply(RowKernels.Each(call.Name, (kernel, row) =>
        {
            var maps = kernel.Lists(0);
            kernel.ResultList.Elements.AppendRange(maps.Elements, maps.StartOf(row), maps.LengthOf(row));
            kernel.ResultList.EndRow();
        }), new DataType.Array(entry), map);
    }

    private static Expression FromArrays(FunctionCall call)
    {
        call.ExpectCount(2, 2);
        var (keys, values) = (Array(call, 0), Array(call, 1));
        var type = new DataType.Map(((DataType.Array)keys.Type).Element, ((DataType.Array)values.Type).Element);
        return call.Apply(RowKernels.Each(call.Name, (kernel, row) =>
        {
            var (keyLists, valueLists) = (kernel.Lists(0), kernel.Lists(1));
            var (count, valueCount) = (keyLists.LengthOf(row), valueLists.LengthOf(row));
            if (count != valueCount)
            {
                kernel.Reject(row, $"MAP_FROM_ARRAYS: {Quantity.Of(count, "key")} and {Quantity.Of(valueCount, "value")}, expected as many.");
                return;
            }
            var entries = Start(kernel);
            for (var i = 0; i < count; i++)
            {
                if (keyLists.Elements.IsNull(keyLists.StartOf(row) + i))
                {
                    kernel.Reject(row, NullKey);
                    return;
                }
                entries.Add(keyLists.Elements, keyLists.StartOf(row) + i, valueLists.Elements, valueLists.StartOf(row) + i);
            }
            entries.AppendTo(kernel.ResultList);
        }, canFail: true), type, keys, values);
    }

    private static Expression Union(FunctionCall call)
    {
        call.ExpectCount(1, int.MaxValue);
        var maps = Enumerable.Range(0, call.Count).Select(index => Map(call, index)).ToArray();
        var type = maps[0].Type;
        for (var i = 1; i < maps.Length; i++)
            type = TypeRules.Common(type, maps[i].Type)
                ?? throw SqlErrorException.Unsupported(call.OffsetOf(i), $"MAP_UNION of {type.Name} and {maps[i].Type.Name} (cast them to one type)");
        return call.Apply(RowKernels.Each(call.Name, (kernel, row) =>
        {
            var entries = Start(kernel);
            for (var map = 0; map < kernel.Arguments.Length; map++)
            {
                var lists = kernel.Lists(map);
                var (keys, values) = (((RowColumn)lists.Elements).Fields[0], ((RowColumn)lists.Elements).Fields[1]);
                for (var i = lists.StartOf(row); i < lists.StartOf(row) + lists.LengthOf(row); i++) entries.Add(keys, i, values, i);
            }
            entries.AppendTo(kernel.ResultList);
        }), type, [.. maps.Select((map, i) => Casts.ImplicitCast(map, TypeRules.NullableLike(type, map.Type), call.OffsetOf(i)))]);
    }

    private static Expression Map(FunctionCall call, int index) =>
        call.Expect(index, "a MAP", type => type is DataType.Map, new DataType.Map(DataType.String, DataType.String));

    private static Expression Array(FunctionCall call, int index) =>
        call.Expect(index, "an ARRAY", type => type is DataType.Array, new DataType.Array(DataType.String));

    private static MapEntries Start(KernelCall kernel)
    {
        var entries = (MapEntries)(kernel.State ??= new MapEntries());
        entries.Clear();
        return entries;
    }

    /// <summary>STR_TO_MAP(text [, entry separator, key separator]); the separators are regular expressions.</summary>
    private static Expression FromText(FunctionCall call)
    {
        if (call.Count is not (1 or 3)) call.ExpectCount(1, 3);
        if (call.Count == 2) throw SqlErrorException.Wrong(call.Offset, "STR_TO_MAP takes 1 or 3 arguments, found 2.");
        var (between, within) = call.Count == 3 ? (Separator(call, 1), Separator(call, 2)) : (","u8.ToArray(), "="u8.ToArray());
        return new Expression.Apply(RowKernels.Each("STR_TO_MAP", (kernel, row) =>
        {
            var parts = (TextParts)(kernel.State ??= new TextParts());
            parts.Split(kernel.Bytes(0)[row], between, within);
            parts.Entries.AppendTo(kernel.ResultList);
        }), [call.Text(0)], new DataType.Map(DataType.String, DataType.String));
    }

    /// <summary>A separator without anything that a regular expression would mean more by.</summary>
    private static byte[] Separator(FunctionCall call, int index)
    {
        if (call.Literal(index) is not { IsNull: false } literal || !TypeRules.IsText(literal.Type)) throw call.Unsupported("STR_TO_MAP with a computed separator (write it as a string)");
        var text = literal.AsText();
        var plain = new System.Text.StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length && !char.IsAsciiLetterOrDigit(text[i + 1])) i++;
            else if (@"\[](){}.*+?^$|".Contains(text[i], StringComparison.Ordinal)) throw SqlErrorException.Unsupported(call.OffsetOf(index), $"The regular expression '{text}' as a separator of STR_TO_MAP (put \\ before a character that is meant as it is)");
            plain.Append(text[i]);
        }
        if (plain.Length == 0) throw SqlErrorException.Unsupported(call.OffsetOf(index), "An empty separator of STR_TO_MAP");
        return System.Text.Encoding.UTF8.GetBytes(plain.ToString());
    }

    /// <summary>The entries of one text, in columns of its own.</summary>
    private sealed class TextParts
    {
        private readonly BytesColumn _keys = new(DataType.String, MemoryAccount.Unlimited());
        private readonly BytesColumn _values = new(DataType.String, MemoryAccount.Unlimited());

        public MapEntries Entries { get; } = new();

        public void Split(ReadOnlySpan<byte> text, ReadOnlySpan<byte> between, ReadOnlySpan<byte> within)
        {
            _keys.Clear();
            _values.Clear();
            Entries.Clear();
            while (!text.IsEmpty)
            {
                var end = text.IndexOf(between);
                var part = end < 0 ? text : text[..end];
                text = end < 0 ? default : text[(end + between.Length)..];
                var at = part.IndexOf(within);
                _keys.Append(at < 0 ? part : part[..at]);
                if (at < 0) _values.AppendNull();
                else _values.Append(part[(at + within.Length)..]);
            }
            for (var i = 0; i < _keys.Count; i++) Entries.Add(_keys, i, _values, i);
        }
    }
}
