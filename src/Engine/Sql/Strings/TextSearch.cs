using System.Collections.Immutable;
using System.Text;
using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;
using Matih.Sql.Values;

namespace Matih.Sql.Strings;

/// <summary>Functions that look for a string in another one, and REPLACE.</summary>
/// <remarks>As Flink 1.20's BinaryStringData.indexOf and SqlFunctionUtils do at run time.</remarks>
internal static class TextSearch
{
    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        new("POSITION", call => Find(call, 0, 1, 2)),
        new("LOCATE", call => Find(call, 0, 1, 3)),
        new("INSTR", call => Find(call, 1, 0, 2)),
        new("REPLACE", Replace),
        new("ASCII", Ascii),
    ];

    private static Expression Find(FunctionCall call, int needle, int text, int countMax)
    {
        if (call.Count > countMax && call.Count <= 4) throw call.Unsupported($"{call.Name} with {call.Count} arguments");
        call.ExpectCount(2, countMax);
        ImmutableArray<Expression> arguments = call.Count == 2 ? [call.Text(needle), call.Text(text)] : [call.Text(needle), call.Text(text), call.Int(2)];
        return call.Apply(new Kernel("LOCATE", values =>
        {
            var result = values.ResultOf<int>().AppendUninitialized(values.Count, values.Validity);
            for (var row = 0; row < result.Length; row++)
                result[row] = Locate(values.Bytes(0)[row], values.Bytes(1)[row], values.Arguments.Length == 3 ? values.Values<int>(2)[row] : 1);
        }), new DataType.Int(), arguments);
    }

    /// <summary>The position, counted in code points from 1, of the first occurrence from a position on; 0 where there is none, 1 of nothing.</summary>
    private static int Locate(ReadOnlySpan<byte> needle, ReadOnlySpan<byte> text, int from)
    {
        if (needle.Length == 0) return 1;
        var start = from <= 1 ? 0 : Utf8Text.Prefix(text, from - 1, out _);
        var found = text[start..].IndexOf(needle);
        return found < 0 ? 0 : Utf8Text.CountCodePoints(text[..(start + found)]) + 1;
    }

    private static Expression Replace(FunctionCall call)
    {
        call.ExpectCount(3, 3);
        return call.Apply(RowKernels.Each("REPLACE", AppendReplaced, canFail: true), DataType.String, call.Text(0), call.Text(1), call.Text(2));
    }

    private static void AppendReplaced(KernelCall call, int row)
    {
        var text = call.Bytes(0)[row];
        var old = call.Bytes(1)[row];
        var replacement = call.Bytes(2)[row];
        var result = call.ResultBytes;
        var occurrences = old.Length == 0 ? text.Length + 1 : text.Count(old);
        var length = text.Length + occurrences * ((long)replacement.Length - old.Length);
        if (length > RowKernels.ResultBytesMax)
        {
            call.Reject(row, $"REPLACE would give {Quantity.Of(length, "byte")}; at most {Quantity.Count(RowKernels.ResultBytesMax)} are possible.");
            return;
        }
        if (old.Length == 0)
        {
            AppendBetween(call, Encoding.UTF8.GetString(text), Encoding.UTF8.GetString(replacement));
            return;
        }
        var target = result.Begin((int)length);
        for (var found = text.IndexOf(old); found >= 0; found = text.IndexOf(old))
        {
            text[..found].CopyTo(target);
            replacement.CopyTo(target[found..]);
            target = target[(found + replacement.Length)..];
            text = text[(found + old.Length)..];
        }
        text.CopyTo(target);
        result.End((int)length);
    }

    /// <summary>The empty string occurs around every UTF-16 code unit, as in Java.</summary>
    private static void AppendBetween(KernelCall call, string text, string replacement)
    {
        var whole = new StringBuilder(replacement);
        foreach (var unit in text) whole.Append(unit).Append(replacement);
        RowKernels.AppendUtf16(call, whole.ToString());
    }

    private static Expression Ascii(FunctionCall call)
    {
        call.ExpectCount(1, 1);
        return call.Apply(new Kernel("ASCII", values =>
        {
            var texts = values.Bytes(0);
            var result = values.ResultOf<int>().AppendUninitialized(values.Count, values.Validity);
            // Flink gives the first byte of UTF-8 as Java's byte: negative beyond ASCII.
            for (var row = 0; row < result.Length; row++) result[row] = texts[row].Length == 0 ? 0 : (sbyte)texts[row][0];
        }), new DataType.Int(), call.Text(0));
    }
}
