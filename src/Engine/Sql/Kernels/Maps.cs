using System.Runtime.CompilerServices;

namespace Matih.Sql.Kernels;

/// <summary>One value from one; a struct without state, so that the loop around it is compiled for it.</summary>
internal interface IUnary<TIn, TOut>
{
    static abstract TOut Apply(TIn value);
}

/// <summary>One value from two; a struct without state, so that the loop around it is compiled for it.</summary>
internal interface IBinary<TIn, TOut>
{
    static abstract TOut Apply(TIn left, TIn right);
}

/// <summary>Loops of strict kernels that cannot fail, over fixed-size values: NULL rows are computed too and not seen.</summary>
internal static class Maps
{
    public static void Unary<TIn, TOut, TOperation>(KernelCall call)
        where TIn : unmanaged where TOut : unmanaged where TOperation : struct, IUnary<TIn, TOut>
    {
        var values = call.Values<TIn>(0);
        var result = call.ResultOf<TOut>().AppendUninitialized(call.Count, call.Validity);
        if (values.IsScalar)
        {
            result.Fill(TOperation.Apply(values[0]));
            return;
        }
        var source = values.Values;
        for (var i = 0; i < result.Length; i++) result[i] = TOperation.Apply(source[i]);
    }

    public static void Binary<TIn, TOut, TOperation>(KernelCall call)
        where TIn : unmanaged where TOut : unmanaged where TOperation : struct, IBinary<TIn, TOut>
    {
        var left = call.Values<TIn>(0);
        var right = call.Values<TIn>(1);
        var result = call.ResultOf<TOut>().AppendUninitialized(call.Count, call.Validity);
        if (right.IsScalar) WithScalar<TIn, TOut, TOperation>(left, right[0], result);
        else if (left.IsScalar)
        {
            var first = left[0];
            var second = right.Values;
            for (var i = 0; i < result.Length; i++) result[i] = TOperation.Apply(first, second[i]);
        }
        else
        {
            var first = left.Values;
            var second = right.Values;
            for (var i = 0; i < result.Length; i++) result[i] = TOperation.Apply(first[i], second[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WithScalar<TIn, TOut, TOperation>(ValueReader<TIn> left, TIn right, Span<TOut> result)
        where TIn : unmanaged where TOut : unmanaged where TOperation : struct, IBinary<TIn, TOut>
    {
        if (left.IsScalar)
        {
            result.Fill(TOperation.Apply(left[0], right));
            return;
        }
        var first = left.Values;
        for (var i = 0; i < result.Length; i++) result[i] = TOperation.Apply(first[i], right);
    }
}
