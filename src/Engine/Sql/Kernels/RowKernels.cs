using System.Text;

namespace Matih.Sql.Kernels;

/// <summary>Appends the result of one row, none of whose arguments is NULL.</summary>
internal delegate void RowBody(KernelCall call, int row);

/// <summary>Kernels of functions that work row by row.</summary>
internal static class RowKernels
{
    /// <summary>No row of a result may be larger, so that a typing error cannot take all memory.</summary>
    public const int ResultBytesMax = 16 << 20;

    // What Java makes of half a surrogate pair when it encodes.
    private static readonly Encoding JavaUtf8 = Encoding.GetEncoding("utf-8", new EncoderReplacementFallback("?"), DecoderFallback.ReplacementFallback);

    public static Kernel Each(string name, RowBody body, bool canFail = false) => new(name, call =>
    {
        for (var row = 0; row < call.Count; row++)
        {
            if (call.IsNull(row)) call.Result.AppendNull();
            else body(call, row);
        }
    }) { CanFail = canFail };

    /// <summary>Appends NULL; where the result's type has none the row is rejected, as Flink fails when it writes such a row.</summary>
    public static void AppendNull(KernelCall call, int row, string reason)
    {
        if (call.Result.Type.IsNullable) call.Result.AppendNull();
        else call.Reject(row, reason);
    }

    /// <summary>Appends UTF-16 text, in which a function of Java may have cut a surrogate pair in two.</summary>
    public static void AppendUtf16(KernelCall call, ReadOnlySpan<char> text)
    {
        var result = call.ResultBytes;
        result.End(JavaUtf8.GetBytes(text, result.Begin(JavaUtf8.GetMaxByteCount(text.Length))));
    }
}
