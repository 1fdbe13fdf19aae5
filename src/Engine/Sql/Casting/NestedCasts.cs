using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Execution;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Casting;

/// <summary>Casts of ARRAY, MAP and ROW: part by part; and to strings, as Flink prints them: <c>[1, NULL]</c>, <c>{a=1}</c>, <c>(1, x)</c>.</summary>
internal static class NestedCasts
{
    /// <summary>The operand as the type, or null where there is no such cast.</summary>
    public static Expression? Bind(Expression operand, DataType target, bool isTry, int offset) => (operand.Type, target) switch
    {
        (DataType.Array from, DataType.Array to) => CastElements(operand, from.Element, to.Element, target, isTry, offset),
        (DataType.Map from, DataType.Map to) => CastElements(operand, from.Entry, to.Entry, target, isTry, offset),
        (DataType.Row from, DataType.Row to) when from.Type.Count == to.Type.Count => CastFields(operand, to, target, isTry, offset),
        (DataType.Array from, _) when TypeRules.IsText(target) => ToText(operand, new DataType.Array(DataType.String), ArrayText, target, offset),
        (DataType.Map, _) when TypeRules.IsText(target) => ToText(operand, new DataType.Map(DataType.String, DataType.String), MapText, target, offset),
        (DataType.Row from, _) when TypeRules.IsText(target) => ToText(
            operand, new DataType.Row(new RowType([.. from.Type.Fields.Select(field => field with { Type = DataType.String })])), RowText, target, offset),
        _ => null,
    };

    private static Expression CastFields(Expression row, DataType.Row to, DataType target, bool isTry, int offset)
    {
        var fields = Enumerable.Range(0, to.Type.Count).Select(i => Casts.Bind(new Expression.FieldOf(row, i), to.Type[i].Type, isTry, offset));
        return new Expression.Apply(FieldsKernel, [row, .. fields], target);
    }

    private static readonly Kernel FieldsKernel = new("CAST", call =>
    {
        var (row, result) = (call.Arguments[0], (RowColumn)call.Result);
        for (var i = 1; i < call.Arguments.Length; i++) ColumnValues.AppendAll(result.Fields[i - 1], call.Arguments[i], call.Count);
        for (var i = 0; i < call.Count; i++)
        {
            if (row.IsNull(i)) result.EndNull();
            else result.EndRow();
        }
    }) { IsStrict = false };

    private static Expression CastElements(Expression list, DataType from, DataType to, DataType target, bool isTry, int offset)
    {
        var element = new Expression.Input(new InputColumn.SchemaField("element", from));
        // The elements of a failing TRY_CAST make the whole NULL: as in Flink.
        var cast = Casts.Bind(element, to, isTry: false, offset);
        var isMap = target is DataType.Map;
        return new Expression.Apply(new Kernel(isTry ? "TRY_CAST" : "CAST", call =>
        {
            var elements = (ElementCast)(call.State ??= new ElementCast(cast, element.Source, call.TimeZone));
            elements.Run(call, isTry, isMap);
        }) { CanFail = (cast.CanFail || isMap) && !isTry }, [list], target);
    }

    private static Expression ToText(Expression operand, DataType asTexts, Kernel join, DataType target, int offset)
    {
        var parts = Casts.Bind(operand, asTexts, isTry: false, offset);
        var text = new Expression.Apply(join, [parts], TypeRules.NullableLike(DataType.String, operand.Type));
        return text.Type.IsSameTypeAs(target) ? text : Casts.Bind(text, target, isTry: false, offset);
    }

    private static readonly Kernel ArrayText = RowKernels.Each("ARRAY TEXT", (call, row) =>
    {
        var lists = call.Lists(0);
        AppendJoined(call, (BytesColumn)lists.Elements, null, lists.StartOf(row), lists.LengthOf(row), "[]"u8);
    });

    private static readonly Kernel MapText = RowKernels.Each("MAP TEXT", (call, row) =>
    {
        var lists = call.Lists(0);
        var entries = (RowColumn)lists.Elements;
        AppendJoined(call, (BytesColumn)entries.Fields[0], (BytesColumn)entries.Fields[1], lists.StartOf(row), lists.LengthOf(row), "{}"u8);
    });

    private static readonly Kernel RowText = RowKernels.Each("ROW TEXT", (call, row) =>
    {
        var operand = call.Arguments[0];
        var fields = ((RowColumn)operand.Column).Fields;
        var at = row & operand.Mask;
        var length = 2;
        foreach (var field in fields) length += TextOf((BytesColumn)field, at).Length + 2;
        var target = call.ResultBytes.Begin(length);
        var written = Put("("u8, target);
        for (var i = 0; i < fields.Length; i++)
        {
            if (i != 0) written += Put(", "u8, target[written..]);
            written += Put(TextOf((BytesColumn)fields[i], at), target[written..]);
        }
        call.ResultBytes.End(written + Put(")"u8, target[written..]));
    });

    private static void AppendJoined(KernelCall call, BytesColumn texts, BytesColumn? values, int start, int count, ReadOnlySpan<byte> brackets)
    {
        long length = 2;
        for (var i = start; i < start + count; i++) length += TextOf(texts, i).Length + 3 + (values is null ? 0 : TextOf(values, i).Length);
        var target = call.ResultBytes.Begin(checked((int)length));
        var written = Put(brackets[..1], target);
        for (var i = start; i < start + count; i++)
        {
            if (i != start) written += Put(", "u8, target[written..]);
            written += Put(TextOf(texts, i), target[written..]);
            if (values is null) continue;
            written += Put("="u8, target[written..]);
            written += Put(TextOf(values, i), target[written..]);
        }
        call.ResultBytes.End(written + Put(brackets[1..], target[written..]));
    }

    private static ReadOnlySpan<byte> TextOf(BytesColumn texts, int row) => texts.IsNull(row) ? "NULL"u8 : texts[row];

    private static int Put(ReadOnlySpan<byte> text, Span<byte> target)
    {
        text.CopyTo(target);
        return text.Length;
    }

    /// <summary>A cast that is evaluated over the elements of all rows at once.</summary>
    private sealed class ElementCast
    {
        private readonly RowErrors _errors = new();
        private readonly MapEntries _entries = new();
        private readonly QueryContext _context;
        private readonly Frame _frame;
        private readonly Node _node;
        private readonly RowType _type;

        public ElementCast(Expression cast, InputColumn element, TimeZoneInfo timeZone)
        {
            _context = new QueryContext(NoClock.Instance, MemoryAccount.Unlimited(), timeZone) { Errors = _errors };
            var builder = new NodeBuilder(_context, [element]);
            var scope = builder.CreateScope(null);
            _frame = scope.Frame;
            _node = builder.Build(cast, scope);
            _type = new RowType([new Field(element.Name, element.Type)]);
        }

        public void Run(KernelCall call, bool isTry, bool isMap)
        {
            var operand = call.Arguments[0];
            var list = (ListColumn)operand.Column;
            _errors.Clear(list.Elements.Count);
            _context.Begin(new ColumnBatch(_type, [list.Elements], list.Elements.Count));
            _frame.FillWhole(list.Elements.Count);
            var cast = list.Elements.Count == 0 ? default : _node.Evaluate();
            _errors.Sort();
            var result = call.ResultList;
            for (var row = 0; row < call.Count; row++)
            {
                if (operand.IsNull(row))
                {
                    result.AppendNull();
                    continue;
                }
                var (start, length) = (list.StartOf(row & operand.Mask), list.LengthOf(row & operand.Mask));
                if (FirstError(start, length) is { } reason)
                {
                    if (isTry) result.AppendNull();
                    else call.Reject(row, reason);
                    continue;
                }
                if (isMap && length != 0)
                {
                    AppendMap(call, row, cast, start, length, isTry);
                    continue;
                }
                if (length != 0)
                {
                    if (cast.IsScalar) for (var i = 0; i < length; i++) result.Elements.AppendRange(cast.Column, 0, 1);
                    else result.Elements.AppendRange(cast.Column, start, length);
                }
                result.EndRow();
            }
        }

        /// <summary>Keys that differed may be the same as the new type, or NULL: '1' and '01' are one INT.</summary>
        private void AppendMap(KernelCall call, int row, Operand cast, int start, int length, bool isTry)
        {
            var entries = (RowColumn)cast.Column;
            _entries.Clear();
            for (var i = start; i < start + length; i++)
            {
                var at = i & cast.Mask;
                if (entries.Fields[0].IsNull(at))
                {
                    if (isTry) call.Result.AppendNull();
                    else call.Reject(row, "A key of the map is NULL as the new type, expected a value.");
                    return;
                }
                _entries.Add(entries.Fields[0], at, entries.Fields[1], at);
            }
            _entries.AppendTo(call.ResultList);
        }

        /// <summary>The errors are in the order of the elements: where every row fails, a scan for each would be quadratic.</summary>
        private string? FirstError(int start, int length)
        {
            var errors = _errors.Errors;
            var (low, high) = (0, errors.Count);
            while (low < high)
            {
                var middle = (low + high) / 2;
                if (errors[middle].Row < start) low = middle + 1;
                else high = middle;
            }
            return low < errors.Count && errors[low].Row < start + length ? errors[low].Reason : null;
        }
    }
}
