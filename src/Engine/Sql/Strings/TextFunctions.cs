using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;
using Matih.Sql.Values;

namespace Matih.Sql.Strings;

/// <summary>Functions of strings. Lengths and positions count code points, as in Flink.</summary>
internal static class TextFunctions
{
    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        new("CHAR_LENGTH", Length),
        new("CHARACTER_LENGTH", Length),
        new("CONCAT", Concat),
    ];

    private static Expression Length(FunctionCall call)
    {
        call.ExpectCount(1, 1);
        return call.Apply(new Kernel("CHAR_LENGTH", CountPoints), new DataType.Int(), call.Text(0));
    }

    private static void CountPoints(KernelCall call)
    {
        var texts = call.Bytes(0);
        var result = call.ResultOf<int>().AppendUninitialized(call.Count, call.Validity);
        for (var i = 0; i < result.Length; i++) result[i] = Utf8Text.CountCodePoints(texts[i]);
    }

    private static Expression Concat(FunctionCall call)
    {
        call.ExpectCount(1, int.MaxValue);
        return call.Apply(Concatenation, DataType.String, [.. Enumerable.Range(0, call.Count).Select(call.Text)]);
    }

    /// <summary>Strings (or binary values) one after the other; NULL where any is. Also the operator ||.</summary>
    public static Kernel Concatenation { get; } = new("CONCAT", Join);

    private static void Join(KernelCall call)
    {
        var result = call.ResultBytes;
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i))
            {
                result.AppendNull();
                continue;
            }
            var length = 0;
            for (var part = 0; part < call.Arguments.Length; part++) length += call.Bytes(part)[i].Length;
            var target = result.Begin(length);
            foreach (var argument in call.Arguments)
            {
                var text = ((BytesColumn)argument.Column)[i & argument.Mask];
                text.CopyTo(target);
                target = target[text.Length..];
            }
            result.End(length);
        }
    }
}
