using System.Collections.Immutable;
using System.Text;
using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Strings;

/// <summary>Functions that make a longer string of short ones.</summary>
/// <remarks>As Flink 1.20's SqlFunctionUtils does at run time: LPAD and RPAD count UTF-16 code units.</remarks>
internal static class TextFilling
{
    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        new("LPAD", call => Pad(call, isLeft: true)),
        new("RPAD", call => Pad(call, isLeft: false)),
        new("REPEAT", Repeat),
        new("CHR", Chr),
        new("CONCAT_WS", ConcatWithSeparator),
    ];

    private static Expression Pad(FunctionCall call, bool isLeft)
    {
        call.ExpectCount(3, 3);
        return call.Apply(
            RowKernels.Each(call.Name, (values, row) => AppendPadded(values, row, isLeft), canFail: true), DataType.String, call.Text(0), call.Int(1), call.Text(2));
    }

    private static void AppendPadded(KernelCall call, int row, bool isLeft)
    {
        var text = call.Bytes(0)[row];
        var length = call.Values<int>(1)[row];
        var pad = call.Bytes(2)[row];
        var name = isLeft ? "LPAD" : "RPAD";
        if (length < 0 || pad.Length == 0) RowKernels.AppendNull(call, row, $"{name} gives NULL for a negative length or an empty pad, where the type has no NULL.");
        else if (length > RowKernels.ResultBytesMax) call.Reject(row, $"{name} to {Quantity.Of(length, "character")}; at most {Quantity.Count(RowKernels.ResultBytesMax)} are possible.");
        else if (System.Text.Ascii.IsValid(text) && System.Text.Ascii.IsValid(pad))
        {
            Fill(text[..Math.Min(text.Length, length)], pad, call.ResultBytes.Begin(length), isLeft);
            call.ResultBytes.End(length);
        }
        else
        {
            var units = Encoding.UTF8.GetString(text);
            var target = new char[length];
            Fill<char>(units.AsSpan(0, Math.Min(units.Length, length)), Encoding.UTF8.GetString(pad), target, isLeft);
            RowKernels.AppendUtf16(call, target);
        }
    }

    private static void Fill<T>(ReadOnlySpan<T> text, ReadOnlySpan<T> pad, Span<T> target, bool isLeft)
    {
        var padding = isLeft ? target[..(target.Length - text.Length)] : target[text.Length..];
        text.CopyTo(isLeft ? target[padding.Length..] : target);
        for (var i = 0; i < padding.Length; i++) padding[i] = pad[i % pad.Length];
    }

    private static Expression Repeat(FunctionCall call)
    {
        call.ExpectCount(2, 2);
        return call.Apply(RowKernels.Each("REPEAT", (values, row) =>
        {
            var text = values.Bytes(0)[row];
            var times = Math.Max(0, values.Values<int>(1)[row]);
            var length = (long)text.Length * times;
            if (length > RowKernels.ResultBytesMax)
            {
                values.Reject(row, $"REPEAT would give {Quantity.Of(length, "byte")}; at most {Quantity.Count(RowKernels.ResultBytesMax)} are possible.");
                return;
            }
            var target = values.ResultBytes.Begin((int)length);
            for (var i = 0; i < (text.Length == 0 ? 0 : times); i++) text.CopyTo(target[(i * text.Length)..]);
            values.ResultBytes.End((int)length);
        }, canFail: true), DataType.String, call.Text(0), call.Int(1));
    }

    /// <summary>The character of the lowest 8 bits, Latin-1; nothing below 0.</summary>
    private static Expression Chr(FunctionCall call)
    {
        call.ExpectCount(1, 1);
        return call.ApplyAs(RowKernels.Each("CHR", (values, row) =>
        {
            var code = values.Values<long>(0)[row];
            Span<byte> text = stackalloc byte[4];
            values.ResultBytes.Append(code < 0 ? [] : text[..new Rune((int)(code & 0xFF)).EncodeToUtf8(text)]);
        }), DataType.String.OrNull(), call.BigInt(0));
    }

    private static Expression ConcatWithSeparator(FunctionCall call)
    {
        call.ExpectCount(1, int.MaxValue);
        return call.Apply(new Kernel("CONCAT_WS", Join) { IsStrict = false }, DataType.String, [.. Enumerable.Range(0, call.Count).Select(call.Text)]);
    }

    /// <summary>NULLs are left out, separator included; a NULL separator gives NULL.</summary>
    private static void Join(KernelCall call)
    {
        var result = call.ResultBytes;
        for (var row = 0; row < call.Count; row++)
        {
            if (call.Arguments[0].IsNull(row))
            {
                result.AppendNull();
                continue;
            }
            var separator = call.Bytes(0)[row];
            var lengthMax = 0;
            for (var part = 1; part < call.Arguments.Length; part++) lengthMax += call.Bytes(part)[row].Length + separator.Length;
            var target = result.Begin(lengthMax);
            var length = 0;
            for (var part = 1; part < call.Arguments.Length; part++)
            {
                if (call.Arguments[part].IsNull(row)) continue;
                if (length > 0 || HasValueBefore(call, part, row))
                {
                    separator.CopyTo(target[length..]);
                    length += separator.Length;
                }
                var text = call.Bytes(part)[row];
                text.CopyTo(target[length..]);
                length += text.Length;
            }
            result.End(length);
        }
    }

    private static bool HasValueBefore(KernelCall call, int part, int row)
    {
        for (var before = 1; before < part; before++)
            if (!call.Arguments[before].IsNull(row)) return true;
        return false;
    }
}
