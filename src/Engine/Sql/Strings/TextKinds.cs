using System.Collections.Immutable;
using System.Text;
using Matih.Batches;
using Matih.Sql.Casting;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Strings;

/// <summary>IS_ALPHA, IS_DIGIT and IS_DECIMAL of strings: FALSE for NULL and for the empty string, never NULL.</summary>
/// <remarks>As Flink 1.20's SqlFunctionUtils, which asks for each UTF-16 code unit: a letter beyond U+FFFF is none.</remarks>
internal static class TextKinds
{
    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        Of("IS_ALPHA", text => IsEach(text, Rune.IsLetter)),
        Of("IS_DIGIT", text => IsEach(text, Rune.IsDigit)),
        Of("IS_DECIMAL", text => CastsFromText.TryReadDouble(text, out _)),
    ];

    private delegate bool Question(ReadOnlySpan<byte> text);

    private static ScalarFunction Of(string name, Question question) => new(name, call =>
    {
        call.ExpectCount(1, 1);
        return call.ApplyAs(new Kernel(name, values =>
        {
            var operand = values.Arguments[0];
            var texts = values.Bytes(0);
            var result = values.ResultOf<byte>().AppendUninitialized(values.Count);
            for (var row = 0; row < result.Length; row++) result[row] = !operand.IsNull(row) && texts[row].Length > 0 && question(texts[row]) ? (byte)1 : (byte)0;
        }) { IsStrict = false }, new DataType.Boolean().NotNull(), call.Text(0));
    });

    private static bool IsEach(ReadOnlySpan<byte> text, Func<Rune, bool> isOfKind)
    {
        while (text.Length > 0)
        {
            Rune.DecodeFromUtf8(text, out var rune, out var length);
            if (!rune.IsBmp || !isOfKind(rune)) return false;
            text = text[length..];
        }
        return true;
    }
}
