using Matih.Batches;
using Matih.Sql.Casting;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Nested;

/// <summary>Parts of nested values: <c>row.field</c>, <c>array[i]</c>, <c>map[key]</c>. What is not there is NULL.</summary>
internal static class ItemAccess
{
    public static Expression Field(Expression row, string name, int offset)
    {
        if (row.Type is not DataType.Row type)
            throw SqlErrorException.Wrong(offset, $"'.{name}' takes a field of a ROW, found {row.Type.Name}{(row.Type is DataType.Map ? $"; a MAP's value is [{$"'{name}'"}]" : "")}.");
        var index = type.Type.IndexOf(name);
        if (index < 0) throw SqlErrorException.Wrong(offset, $"{Short(row)} has no field '{name}'{NearestName.Suggest(name, type.Type.Fields.Select(field => field.Name))}");
        return new Expression.FieldOf(row, index);
    }

    private static string Short(Expression row) => row.ToString() is { Length: <= 40 } text ? text : "The row";

    public static Expression Item(Expression operand, Expression index, int offset, int indexOffset)
    {
        switch (operand.Type)
        {
            case DataType.Array array:
                if (index.Type is not DataType.Null && !TypeRules.IsInteger(index.Type)) throw SqlErrorException.Wrong(indexOffset, $"An array's element is taken by an INT, found {index.Type.Name}.");
                if (index is Expression.Literal { Value: { IsNull: false } position } && Convert.ToInt64(position.Value, System.Globalization.CultureInfo.InvariantCulture) < 1)
                    throw SqlErrorException.Wrong(indexOffset, $"The first element of an array is [1], found [{position.Value}].");
                return new Expression.Apply(ElementKernel, [operand, Casts.ImplicitCast(index, new DataType.BigInt(), indexOffset)], array.Element.OrNull());
            case DataType.Map map:
                // Values are compared, not types: a text of any length may be a key.
                var keyType = TypeRules.IsText(map.Key) ? DataType.String : TypeRules.IsBinary(map.Key) ? DataType.Bytes : map.Key.OrNull();
                if (index.Type is not DataType.Null && (TypeRules.Common(keyType, index.Type) is not { } common || !common.IsSameTypeAs(keyType)))
                    throw SqlErrorException.Unsupported(indexOffset, $"A key of type {index.Type.Name} for a MAP of {map.Key.Name} (cast it)");
                var key = Casts.ImplicitCast(index, keyType, indexOffset);
                return new Expression.Apply(ValueKernel, [operand, key], map.Value.OrNull());
            default: throw SqlErrorException.Wrong(offset, $"[…] takes an ARRAY or a MAP, found {operand.Type.Name}.");
        }
    }

    private static readonly Kernel ElementKernel = new("ITEM", call =>
    {
        var arrays = call.Lists(0);
        var positions = call.Values<long>(1);
        for (var row = 0; row < call.Count; row++)
        {
            var position = call.IsNull(row) ? 0 : positions[row];
            if (position >= 1 && position <= arrays.LengthOf(row)) call.Result.AppendRange(arrays.Elements, arrays.StartOf(row) + (int)position - 1, 1);
            else call.Result.AppendNull();
        }
    });

    private static readonly Kernel ValueKernel = new("ITEM", call =>
    {
        var (map, key) = (call.Arguments[0], call.Arguments[1]);
        var maps = (ListColumn)map.Column;
        var values = ((RowColumn)maps.Elements).Fields[1];
        for (var row = 0; row < call.Count; row++)
        {
            var found = call.IsNull(row) ? -1 : ColumnValues.FindKey(maps, row & map.Mask, key.Column, row & key.Mask);
            if (found >= 0) call.Result.AppendRange(values, found, 1);
            else call.Result.AppendNull();
        }
    });
}
