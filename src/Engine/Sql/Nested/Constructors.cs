using System.Collections.Immutable;
using System.Globalization;
using Matih.Batches;
using Matih.Sql.Casting;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Nested;

/// <summary>ARRAY[…], MAP[…] and ROW(…).</summary>
internal static class Constructors
{
    public static Expression Array(ImmutableArray<(Expression Value, int Offset)> elements, int offset)
    {
        if (elements.IsEmpty) throw SqlErrorException.Wrong(offset, "ARRAY[] has no element that could say its type; write CAST(NULL AS ARRAY<T>), or give it an element.");
        var type = CommonType("ARRAY", elements, offset);
        var values = elements.Select(element => Casts.ImplicitCast(element.Value, type, element.Offset)).ToImmutableArray();
        var kernel = new Kernel("ARRAY", call =>
        {
            var result = call.ResultList;
            for (var row = 0; row < call.Count; row++)
            {
                foreach (var argument in call.Arguments) ColumnValues.Append(result.Elements, argument, row);
                result.EndRow();
            }
        }) { IsStrict = false };
        return new Expression.Apply(kernel, values, new DataType.Array(type).NotNull());
    }

    /// <param name="entries">Keys and values in turn.</param>
    public static Expression Map(ImmutableArray<(Expression Value, int Offset)> entries, int offset)
    {
        if (entries.IsEmpty || entries.Length % 2 != 0) throw SqlErrorException.Wrong(offset, $"MAP takes keys and values in turn, found {Quantity.Of(entries.Length, "argument")}.");
        var keyType = CommonType("MAP", [.. entries.Where((_, i) => i % 2 == 0)], offset);
        var valueType = CommonType("MAP", [.. entries.Where((_, i) => i % 2 == 1)], offset);
        var values = entries.Select((entry, i) => Casts.ImplicitCast(entry.Value, i % 2 == 0 ? keyType : valueType, entry.Offset)).ToImmutableArray();
        var kernel = new Kernel("MAP", FillMap) { IsStrict = false, CanFail = keyType.IsNullable };
        return new Expression.Apply(kernel, values, new DataType.Map(keyType, valueType).NotNull());
    }

    private static void FillMap(KernelCall call)
    {
        var entries = (MapEntries)(call.State ??= new MapEntries());
        for (var row = 0; row < call.Count; row++)
        {
            entries.Clear();
            var hasNullKey = false;
            for (var i = 0; i < call.Arguments.Length; i += 2)
            {
                var (key, value) = (call.Arguments[i], call.Arguments[i + 1]);
                hasNullKey |= key.IsNull(row);
                entries.Add(key.Column, row & key.Mask, value.Column, row & value.Mask);
            }
            if (hasNullKey) call.Reject(row, MapFunctions.NullKey);
            else entries.AppendTo(call.ResultList);
        }
    }

    public static Expression Row(ImmutableArray<(Expression Value, int Offset)> fields)
    {
        foreach (var (value, at) in fields)
            if (value.Type is DataType.Null) throw SqlErrorException.Unsupported(at, "A NULL without a type in a ROW (write CAST(NULL AS T))");
        var type = new DataType.Row(new RowType([.. fields.Select((field, i) => new Field("EXPR$" + i.ToString(CultureInfo.InvariantCulture), field.Value.Type))]));
        return new Expression.Apply(RowKernel, [.. fields.Select(field => field.Value)], type.NotNull());
    }

    private static readonly Kernel RowKernel = new("ROW", call =>
    {
        var result = (RowColumn)call.Result;
        for (var i = 0; i < call.Arguments.Length; i++) ColumnValues.AppendAll(result.Fields[i], call.Arguments[i], call.Count);
        result.EndRows(call.Count, default);
    }) { IsStrict = false };

    private static DataType CommonType(string what, ImmutableArray<(Expression Value, int Offset)> values, int offset)
    {
        var type = values[0].Value.Type;
        var isNullable = type.IsNullable;
        foreach (var (value, at) in values.AsSpan()[1..])
        {
            isNullable |= value.Type.IsNullable;
            type = TypeRules.Common(type, value.Type)
                ?? throw SqlErrorException.Unsupported(at, $"{what} of {type.Name} and {value.Type.Name} (cast them to one type)");
        }
        if (type is DataType.Null) throw SqlErrorException.Unsupported(offset, $"{what} of nothing but NULL (write CAST(NULL AS T))");
        return isNullable ? type.OrNull() : type;
    }
}
