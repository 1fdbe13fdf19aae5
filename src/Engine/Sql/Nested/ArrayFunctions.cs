using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Casting;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Nested;

/// <summary>Functions of arrays. Positions count from 1; NULL is the same as NULL among elements.</summary>
/// <remarks>Source: Apache Flink 1.20, "Collection Functions"; doubtful cases as a running Flink 1.20.3 answers them.</remarks>
internal static class ArrayFunctions
{
    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        new("CARDINALITY", Cardinality),
        new("ELEMENT", Element),
        new("ARRAY_APPEND", call => Extend(call, isAtEnd: true)),
        new("ARRAY_PREPEND", call => Extend(call, isAtEnd: false)),
        new("ARRAY_CONCAT", Concat),
        new("ARRAY_CONTAINS", Contains),
        new("ARRAY_POSITION", Position),
        new("ARRAY_REMOVE", Remove),
        new("ARRAY_DISTINCT", call => Set(call, 1, (values, call, row) => AddAll(values, call.Lists(0), row))),
        new("ARRAY_UNION", call => Set(call, 2, (values, call, row) =>
        {
            AddAll(values, call.Lists(0), row);
            AddAll(values, call.Lists(1), row);
        })),
        new("ARRAY_EXCEPT", call => Filter(call, keepsKnown: false)),
        new("ARRAY_INTERSECT", call => Filter(call, keepsKnown: true)),
        new("ARRAY_REVERSE", Reverse),
        new("ARRAY_SLICE", Slice),
        new("ARRAY_SORT", Sort),
        new("ARRAY_MAX", call => Extreme(call, sign: 1)),
        new("ARRAY_MIN", call => Extreme(call, sign: -1)),
        new("ARRAY_JOIN", Join),
        new("SPLIT", Split),
    ];

    private static Expression Cardinality(FunctionCall call)
    {
        call.ExpectCount(1, 1);
        var operand = call.Expect(0, "an ARRAY or a MAP", type => type.Layout == Layout.List, new DataType.Array(new DataType.Int()));
        return call.Apply(new Kernel("CARDINALITY", kernel =>
        {
            var lists = kernel.Lists(0);
            var result = kernel.ResultOf<int>().AppendUninitialized(kernel.Count, kernel.Validity);
            for (var row = 0; row < result.Length; row++) result[row] = lists.LengthOf(row);
        }), new DataType.Int(), operand);
    }

    private static Expression Element(FunctionCall call)
    {
        call.ExpectCount(1, 1);
        var array = Array(call, 0);
        var type = ElementOf(array);
        return new Expression.Apply(RowKernels.Each("ELEMENT", (kernel, row) =>
        {
            var lists = kernel.Lists(0);
            switch (lists.LengthOf(row))
            {
                case 0: kernel.Result.AppendNull(); break;
                case 1: kernel.Result.AppendRange(lists.Elements, lists.StartOf(row), 1); break;
                default: kernel.Reject(row, $"ELEMENT: the array has {lists.LengthOf(row)} elements, expected one at most."); break;
            }
        }, canFail: true), [array], array.Type.IsNullable ? type.OrNull() : type);
    }

    private static Expression Extend(FunctionCall call, bool isAtEnd)
    {
        call.ExpectCount(2, 2);
        var array = Array(call, 0);
        var value = Value(call, 1, array);
        var element = TypeRules.NullableLike(ElementOf(array), ElementOf(array), value.Type);
        var type = TypeRules.NullableLike(new DataType.Array(element), array.Type, value.Type);
        return new Expression.Apply(new Kernel(call.Name, kernel =>
        {
            var (lists, result) = (kernel.Lists(0), kernel.ResultList);
            for (var row = 0; row < kernel.Count; row++)
            {
                if (kernel.Arguments[0].IsNull(row))
                {
                    result.AppendNull();
                    continue;
                }
                if (!isAtEnd) ColumnValues.Append(result.Elements, kernel.Arguments[1], row);
                result.Elements.AppendRange(lists.Elements, lists.StartOf(row), lists.LengthOf(row));
                if (isAtEnd) ColumnValues.Append(result.Elements, kernel.Arguments[1], row);
                result.EndRow();
            }
        }) { IsStrict = false }, [array, value], type);
    }

    private static Expression Concat(FunctionCall call)
    {
        call.ExpectCount(1, int.MaxValue);
        var arrays = SameArrays(call, call.Count);
        return call.Apply(RowKernels.Each("ARRAY_CONCAT", (kernel, row) =>
        {
            var result = kernel.ResultList;
            for (var i = 0; i < kernel.Arguments.Length; i++)
            {
                var lists = kernel.Lists(i);
                result.Elements.AppendRange(lists.Elements, lists.StartOf(row), lists.LengthOf(row));
            }
            result.EndRow();
        }), arrays[0].Type, arrays);
    }

    private static Expression Contains(FunctionCall call)
    {
        call.ExpectCount(2, 2);
        var array = Array(call, 0);
        return new Expression.Apply(new Kernel("ARRAY_CONTAINS", kernel =>
        {
            var truths = kernel.ResultOf<byte>();
            for (var row = 0; row < kernel.Count; row++)
            {
                if (kernel.Arguments[0].IsNull(row)) truths.AppendNull();
                else truths.Append(Find(kernel, row) >= 0 ? (byte)1 : (byte)0);
            }
        }) { IsStrict = false }, [array, Value(call, 1, array)], TypeRules.NullableLike(new DataType.Boolean(), array.Type));
    }

    private static Expression Position(FunctionCall call)
    {
        call.ExpectCount(2, 2);
        var array = Array(call, 0);
        return call.Apply(RowKernels.Each("ARRAY_POSITION", (kernel, row) => kernel.ResultOf<int>().Append(Find(kernel, row) + 1)), new DataType.Int(), array, Value(call, 1, array));
    }

    /// <summary>The position of the second argument among the elements of the first, from 0, or -1.</summary>
    private static int Find(KernelCall kernel, int row)
    {
        var (lists, value) = (kernel.Lists(0), kernel.Arguments[1]);
        for (var i = 0; i < lists.LengthOf(row); i++)
            if (ColumnValues.AreSame(lists.Elements, lists.StartOf(row) + i, value.Column, row & value.Mask)) return i;
        return -1;
    }

    private static Expression Remove(FunctionCall call)
    {
        call.ExpectCount(2, 2);
        var array = Array(call, 0);
        return new Expression.Apply(new Kernel("ARRAY_REMOVE", kernel =>
        {
            var (lists, value, result) = (kernel.Lists(0), kernel.Arguments[1], kernel.ResultList);
            for (var row = 0; row < kernel.Count; row++)
            {
                if (kernel.Arguments[0].IsNull(row))
                {
                    result.AppendNull();
                    continue;
                }
                for (var i = lists.StartOf(row); i < lists.StartOf(row) + lists.LengthOf(row); i++)
                    if (!ColumnValues.AreSame(lists.Elements, i, value.Column, row & value.Mask)) result.Elements.AppendRange(lists.Elements, i, 1);
                result.EndRow();
            }
        }) { IsStrict = false }, [array, Value(call, 1, array)], array.Type);
    }

    private static Expression Set(FunctionCall call, int count, Action<ValueSet, KernelCall, int> fill)
    {
        call.ExpectCount(count, count);
        var arrays = SameArrays(call, count);
        return call.Apply(RowKernels.Each(call.Name, (kernel, row) =>
        {
            var values = (ValueSet)(kernel.State ??= new ValueSet());
            values.Clear();
            fill(values, kernel, row);
            AppendSet(kernel, values);
        }), arrays[0].Type, arrays);
    }

    /// <summary>The distinct elements of the first array that are, or are not, in the second.</summary>
    private static Expression Filter(FunctionCall call, bool keepsKnown)
    {
        call.ExpectCount(2, 2);
        var arrays = SameArrays(call, 2);
        return call.Apply(RowKernels.Each(call.Name, (kernel, row) =>
        {
            var (others, kept) = ((ValueSet, ValueSet))(kernel.State ??= (new ValueSet(), new ValueSet()));
            others.Clear();
            kept.Clear();
            AddAll(others, kernel.Lists(1), row);
            var lists = kernel.Lists(0);
            for (var i = lists.StartOf(row); i < lists.StartOf(row) + lists.LengthOf(row); i++)
                if (others.Find(lists.Elements, i) >= 0 == keepsKnown) kept.Add(lists.Elements, i);
            AppendSet(kernel, kept);
        }), arrays[0].Type, arrays);
    }

    private static void AddAll(ValueSet values, ListReader lists, int row)
    {
        for (var i = lists.StartOf(row); i < lists.StartOf(row) + lists.LengthOf(row); i++) values.Add(lists.Elements, i);
    }

    private static void AppendSet(KernelCall kernel, ValueSet values)
    {
        for (var i = 0; i < values.Count; i++) values.AppendTo(kernel.ResultList.Elements, i);
        kernel.ResultList.EndRow();
    }

    private static Expression Reverse(FunctionCall call)
    {
        call.ExpectCount(1, 1);
        var array = Array(call, 0);
        return call.Apply(RowKernels.Each("ARRAY_REVERSE", (kernel, row) =>
        {
            var lists = kernel.Lists(0);
            for (var i = lists.StartOf(row) + lists.LengthOf(row) - 1; i >= lists.StartOf(row); i--) kernel.ResultList.Elements.AppendRange(lists.Elements, i, 1);
            kernel.ResultList.EndRow();
        }), array.Type, array);
    }

    private static Expression Slice(FunctionCall call)
    {
        call.ExpectCount(2, 3);
        var array = Array(call, 0);
        var end = call.Count == 3 ? call.Int(2) : Expression.Literal.Of(new DataType.Int(), int.MaxValue);
        return call.Apply(RowKernels.Each("ARRAY_SLICE", (kernel, row) =>
        {
            var lists = kernel.Lists(0);
            var length = lists.LengthOf(row);
            var (first, last) = (FromEnd(kernel.Values<int>(1)[row], length), FromEnd(kernel.Values<int>(2)[row], length));
            if (kernel.Values<int>(2)[row] == 0) last = 0;
            (first, last) = (Math.Max(1, first), Math.Min(length, last));
            if (first <= last) kernel.ResultList.Elements.AppendRange(lists.Elements, lists.StartOf(row) + (int)first - 1, (int)(last - first + 1));
            kernel.ResultList.EndRow();
        }), array.Type, array, call.Int(1), end);
    }

    private static long FromEnd(int position, int length) => position < 0 ? (long)length + position + 1 : position;

    private static Expression Sort(FunctionCall call)
    {
        call.ExpectCount(1, 3);
        var array = Ordered(call, 0);
        var isAscending = call.Count > 1 ? call.Boolean(1) : Expression.Literal.Of(new DataType.Boolean(), (byte)1);
        // NULLs come first in ascending order and last in descending order, unless it is said.
        var nullsFirst = call.Count > 2 ? call.Boolean(2) : isAscending;
        var isText = TypeRules.IsText(ElementOf(array));
        return call.Apply(RowKernels.Each("ARRAY_SORT", (kernel, row) =>
        {
            var (lists, rows) = (kernel.Lists(0), (List<int>)(kernel.State ??= new List<int>()));
            rows.Clear();
            for (var i = 0; i < lists.LengthOf(row); i++) rows.Add(lists.StartOf(row) + i);
            var (sign, nulls) = (kernel.Values<byte>(1)[row] != 0 ? 1 : -1, kernel.Values<byte>(2)[row] != 0 ? -1 : 1);
            var elements = lists.Elements;
            rows.Sort((left, right) =>
            {
                var (isLeftNull, isRightNull) = (elements.IsNull(left), elements.IsNull(right));
                if (isLeftNull || isRightNull) return isLeftNull == isRightNull ? left.CompareTo(right) : isLeftNull ? nulls : -nulls;
                var order = sign * ColumnValues.Compare(elements, left, elements, right, isText);
                return order != 0 ? order : left.CompareTo(right);
            });
            foreach (var element in rows) kernel.ResultList.Elements.AppendRange(elements, element, 1);
            kernel.ResultList.EndRow();
        }), array.Type, array, isAscending, nullsFirst);
    }

    private static Expression Extreme(FunctionCall call, int sign)
    {
        call.ExpectCount(1, 1);
        var array = Ordered(call, 0);
        var isText = TypeRules.IsText(ElementOf(array));
        return new Expression.Apply(RowKernels.Each(call.Name, (kernel, row) =>
        {
            var lists = kernel.Lists(0);
            var best = -1;
            for (var i = lists.StartOf(row); i < lists.StartOf(row) + lists.LengthOf(row); i++)
            {
                if (lists.Elements.IsNull(i)) continue;
                if (best < 0 || sign * ColumnValues.Compare(lists.Elements, i, lists.Elements, best, isText) > 0) best = i;
            }
            if (best < 0) kernel.Result.AppendNull();
            else kernel.Result.AppendRange(lists.Elements, best, 1);
        }), [array], ElementOf(array).OrNull());
    }

    private static Expression Join(FunctionCall call)
    {
        call.ExpectCount(2, 3);
        var array = Array(call, 0);
        if (!TypeRules.IsText(ElementOf(array))) throw call.Unsupported($"ARRAY_JOIN of {array.Type.Name} (it takes an ARRAY<STRING>)");
        Expression[] arguments = call.Count == 3 ? [array, call.Text(1), call.Text(2)] : [array, call.Text(1)];
        return call.Apply(RowKernels.Each("ARRAY_JOIN", (kernel, row) =>
        {
            var lists = kernel.Lists(0);
            var (texts, result) = ((BytesColumn)lists.Elements, kernel.ResultBytes);
            var separator = kernel.Bytes(1)[row];
            var whenNull = kernel.Arguments.Length == 3 ? kernel.Bytes(2)[row] : default;
            long length = 0;
            for (var i = lists.StartOf(row); i < lists.StartOf(row) + lists.LengthOf(row); i++) length += texts[i].Length + separator.Length + whenNull.Length;
            if (length > RowKernels.ResultBytesMax)
            {
                kernel.Reject(row, $"ARRAY_JOIN would give more than {RowKernels.ResultBytesMax >> 20} MiB.");
                return;
            }
            var target = result.Begin((int)length);
            var written = 0;
            var isFirst = true;
            for (var i = lists.StartOf(row); i < lists.StartOf(row) + lists.LengthOf(row); i++)
            {
                var isNull = texts.IsNull(i);
                if (isNull && kernel.Arguments.Length < 3) continue;
                if (!isFirst) written += Put(separator, target[written..]);
                isFirst = false;
                written += Put(isNull ? whenNull : texts[i], target[written..]);
            }
            result.End(written);
        }, canFail: true), DataType.String, [.. arguments]);
    }

    private static Expression Split(FunctionCall call)
    {
        call.ExpectCount(2, 2);
        return call.Apply(RowKernels.Each("SPLIT", (kernel, row) =>
        {
            var text = kernel.Bytes(0)[row];
            var separator = kernel.Bytes(1)[row];
            var parts = (BytesColumn)kernel.ResultList.Elements;
            while (separator.IsEmpty && !text.IsEmpty)
            {
                System.Text.Rune.DecodeFromUtf8(text, out _, out var length);
                parts.Append(text[..length]);
                text = text[length..];
            }
            if (!separator.IsEmpty && !text.IsEmpty)
            {
                for (var at = text.IndexOf(separator); at >= 0; at = text.IndexOf(separator))
                {
                    parts.Append(text[..at]);
                    text = text[(at + separator.Length)..];
                }
                parts.Append(text);
            }
            kernel.ResultList.EndRow();
        }), new DataType.Array(DataType.String), call.Text(0), call.Text(1));
    }

    private static int Put(ReadOnlySpan<byte> text, Span<byte> target)
    {
        text.CopyTo(target);
        return text.Length;
    }

    private static Expression Array(FunctionCall call, int index) =>
        call.Expect(index, "an ARRAY", type => type is DataType.Array, new DataType.Array(new DataType.Int()));

    private static Expression Ordered(FunctionCall call, int index)
    {
        var array = Array(call, index);
        var element = ElementOf(array);
        if (NestedTypes.IsNested(element) || element is DataType.Boolean) throw call.Unsupported($"{call.Name} of {array.Type.Name} (its elements have no order)");
        return array;
    }

    private static DataType ElementOf(Expression array) => ((DataType.Array)array.Type).Element;

    /// <summary>A value that is an element of the array, or compared with its elements.</summary>
    private static Expression Value(FunctionCall call, int index, Expression array)
    {
        var (value, element) = (call[index], ElementOf(array));
        if (value.Type is DataType.Null) return new Expression.Literal(Constant.Null(element));
        var common = TypeRules.Common(element, value.Type);
        // A longer text would be cut to the elements' length by Flink; here it stays as it is.
        if (common is null || !(common.IsSameTypeAs(element) || TypeRules.IsText(element) || TypeRules.IsBinary(element)))
            throw SqlErrorException.Unsupported(call.OffsetOf(index), $"{value.Type.Name} as an element of {array.Type.Name} (cast it to {element.Name})");
        return common.IsSameTypeAs(element) ? Casts.ImplicitCast(value, element, call.OffsetOf(index)) : value;
    }

    /// <summary>The first arguments as arrays of one type.</summary>
    private static ImmutableArray<Expression> SameArrays(FunctionCall call, int count)
    {
        var arrays = Enumerable.Range(0, count).Select(index => Array(call, index)).ToArray();
        var element = ElementOf(arrays[0]);
        for (var i = 1; i < count; i++)
            element = TypeRules.Common(element, ElementOf(arrays[i]))
                ?? throw SqlErrorException.Unsupported(call.OffsetOf(i), $"{call.Name} of {arrays[0].Type.Name} and {arrays[i].Type.Name} (cast them to one type)");
        return [.. arrays.Select((array, i) => Casts.ImplicitCast(array, TypeRules.NullableLike(new DataType.Array(element), array.Type), call.OffsetOf(i)))];
    }
}
