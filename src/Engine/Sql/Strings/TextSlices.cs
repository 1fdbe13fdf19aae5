using System.Collections.Immutable;
using System.Text;
using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;
using Matih.Sql.Values;

namespace Matih.Sql.Strings;

/// <summary>Functions that give a part of a string. Positions count code points, except those of OVERLAY.</summary>
/// <remarks>As Flink 1.20's BinaryStringDataUtil and SqlFunctionUtils do at run time.</remarks>
internal static class TextSlices
{
    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        new("SUBSTRING", Substring),
        new("SUBSTR", Substring),
        new("LEFT", call => End(call, "LEFT", Left)),
        new("RIGHT", call => End(call, "RIGHT", Right)),
        new("TRIM", Trim),
        new("LTRIM", call => TrimSide(call, "LEADING")),
        new("RTRIM", call => TrimSide(call, "TRAILING")),
        new("SPLIT_INDEX", SplitIndex),
        new("OVERLAY", Overlay),
        new("REVERSE", Reverse),
    ];

    private static DataType.Varchar VarcharLike(Expression text) => new(TypeRules.TextLength(text.Type));

    private static Expression Substring(FunctionCall call)
    {
        call.ExpectCount(2, 3);
        var text = call.Text(0);
        return call.Count == 2
            ? call.ApplyAs(RowKernels.Each("SUBSTRING", (values, row) => Slice(values, row, values.Values<int>(1)[row], int.MaxValue)), VarcharLike(text).OrNull(), text, call.Int(1))
            : call.ApplyAs(
                RowKernels.Each("SUBSTRING", (values, row) => Slice(values, row, values.Values<int>(1)[row], values.Values<int>(2)[row])),
                VarcharLike(text).OrNull(), text, call.Int(1), call.Int(2));
    }

    private static Expression End(FunctionCall call, string name, RowBody body)
    {
        call.ExpectCount(2, 2);
        return call.ApplyAs(RowKernels.Each(name, body), VarcharLike(call.Text(0)).OrNull(), call.Text(0), call.Int(1));
    }

    private static void Left(KernelCall call, int row)
    {
        var length = call.Values<int>(1)[row];
        Slice(call, row, 1, Math.Max(0, length));
    }

    private static void Right(KernelCall call, int row)
    {
        var length = call.Values<int>(1)[row];
        if (length <= 0) call.ResultBytes.Append([]);
        else if (length >= Utf8Text.CountCodePoints(call.Bytes(0)[row])) call.ResultBytes.Append(call.Bytes(0)[row]);
        else Slice(call, row, -length, int.MaxValue);
    }

    /// <summary>From a position, 0 being the first too; negative positions count from the end, and give nothing before the start.</summary>
    private static void Slice(KernelCall call, int row, int position, int length)
    {
        if (length < 0)
        {
            call.ResultBytes.AppendNull();
            return;
        }
        var text = call.Bytes(0)[row];
        if (position < 0)
        {
            var fromEnd = (long)Utf8Text.CountCodePoints(text) + position;
            if (fromEnd < 0) text = [];
            position = (int)Math.Max(0, fromEnd) + 1;
        }
        if (position > 1) text = text[Utf8Text.Prefix(text, position - 1, out _)..];
        call.ResultBytes.Append(length == int.MaxValue ? text : text[..Utf8Text.Prefix(text, length, out _)]);
    }

    private static Expression Trim(FunctionCall call)
    {
        if (call.Count != 3)
        {
            call.ExpectCount(1, 1);
            return BindTrim(call, "BOTH", call.Text(0), new Expression.Literal(Constant.Text(" ")));
        }
        return BindTrim(call, call.Keyword(0) ?? "BOTH", call.Text(2), call.Text(1));
    }

    private static Expression TrimSide(FunctionCall call, string side)
    {
        call.ExpectCount(1, 2);
        return BindTrim(call, side, call.Text(0), call.Count == 2 ? call.Text(1) : new Expression.Literal(Constant.Text(" ")));
    }

    private static Expression BindTrim(FunctionCall call, string side, Expression text, Expression characters)
    {
        var (leading, trailing) = (side != "TRAILING", side != "LEADING");
        return call.Apply(RowKernels.Each("TRIM " + side, (values, row) =>
        {
            var value = values.Bytes(0)[row];
            var set = values.Bytes(1)[row];
            if (leading) value = TrimStart(value, set);
            if (trailing) value = TrimEnd(value, set);
            values.ResultBytes.Append(value);
        }), VarcharLike(text), text, characters);
    }

    /// <summary>Cuts every character off the start that the set has, in any order.</summary>
    private static ReadOnlySpan<byte> TrimStart(ReadOnlySpan<byte> text, ReadOnlySpan<byte> set)
    {
        while (text.Length > 0)
        {
            var length = Utf8Text.Prefix(text, 1, out _);
            if (set.IndexOf(text[..length]) < 0) break;
            text = text[length..];
        }
        return text;
    }

    private static ReadOnlySpan<byte> TrimEnd(ReadOnlySpan<byte> text, ReadOnlySpan<byte> set)
    {
        while (text.Length > 0)
        {
            var start = text.Length - 1;
            while (start > 0 && (text[start] & 0xC0) == 0x80) start--;
            if (set.IndexOf(text[start..]) < 0) break;
            text = text[..start];
        }
        return text;
    }

    private static Expression SplitIndex(FunctionCall call)
    {
        call.ExpectCount(3, 3);
        var isCode = TypeRules.IsInteger(call[1].Type);
        var separator = isCode ? call.Int(1) : call.Text(1);
        if (separator is not Expression.Literal { Value: var literal }) throw call.Unsupported("SPLIT_INDEX with a computed separator (write it as a string)");
        if (literal.IsNull) return new Expression.Literal(Constant.Null(DataType.String));
        if (isCode && (int)literal.Value! is < 1 or > 255) return new Expression.Literal(Constant.Null(DataType.String));
        var bytes = isCode ? Encoding.UTF8.GetBytes(((char)(int)literal.Value!).ToString()) : (byte[])literal.Value!;
        if (bytes.Length == 0) throw call.Unsupported("SPLIT_INDEX with an empty separator");
        return call.ApplyAs(RowKernels.Each("SPLIT_INDEX", (values, row) => AppendPart(values, values.Bytes(0)[row], bytes, values.Values<int>(2)[row])),
            DataType.String.OrNull(), call.Text(0), separator, call.Int(2));
    }

    private static void AppendPart(KernelCall call, ReadOnlySpan<byte> text, ReadOnlySpan<byte> separator, int index)
    {
        // An empty string has no part at all, not even an empty one.
        if (index < 0 || text.Length == 0)
        {
            call.Result.AppendNull();
            return;
        }
        while (true)
        {
            var end = text.IndexOf(separator);
            if (index == 0)
            {
                call.ResultBytes.Append(end < 0 ? text : text[..end]);
                return;
            }
            if (end < 0) break;
            text = text[(end + separator.Length)..];
            index--;
        }
        call.Result.AppendNull();
    }

    private static Expression Overlay(FunctionCall call)
    {
        call.ExpectCount(3, 4);
        var (text, other) = (call.Text(0), call.Text(1));
        var length = Math.Min((long)TypeRules.TextLength(text.Type) + TypeRules.TextLength(other.Type), DataType.Varchar.LengthMax);
        ImmutableArray<Expression> arguments = call.Count == 3 ? [text, other, call.BigInt(2)] : [text, other, call.BigInt(2), call.BigInt(3)];
        return call.Apply(RowKernels.Each("OVERLAY", AppendOverlaid), new DataType.Varchar((int)length), arguments);
    }

    /// <summary>Counts UTF-16 code units, as Flink's OVERLAY does; what lies past the replaced part is lost where the length is not above 0.</summary>
    private static void AppendOverlaid(KernelCall call, int row)
    {
        var start = call.Values<long>(2)[row];
        var text = Encoding.UTF8.GetString(call.Bytes(0)[row]);
        if (start <= 0 || start > text.Length)
        {
            call.ResultBytes.Append(call.Bytes(0)[row]);
            return;
        }
        var other = Encoding.UTF8.GetString(call.Bytes(1)[row]);
        var length = call.Arguments.Length == 4 ? unchecked((int)call.Values<long>(3)[row]) : other.Length;
        var rest = unchecked((int)start + length) <= text.Length && length > 0 ? text.AsSpan((int)start - 1 + length) : [];
        RowKernels.AppendUtf16(call, string.Concat(text.AsSpan(0, (int)start - 1), other, rest));
    }

    private static Expression Reverse(FunctionCall call)
    {
        call.ExpectCount(1, 1);
        return call.ApplyAs(RowKernels.Each("REVERSE", (values, row) =>
        {
            var text = values.Bytes(0)[row];
            var target = values.ResultBytes.Begin(text.Length);
            for (var at = 0; at < text.Length;)
            {
                var length = Utf8Text.Prefix(text[at..], 1, out _);
                text.Slice(at, length).CopyTo(target[(text.Length - at - length)..]);
                at += length;
            }
            values.ResultBytes.End(text.Length);
        }), DataType.String.OrNull(), call.Text(0));
    }
}
