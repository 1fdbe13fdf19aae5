using Matih.Batches;
using Matih.Json;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Conditions;

/// <summary>IS JSON: whether a string begins with a JSON document (of a kind); never NULL. Text after it is passed over, as in Flink.</summary>
internal static class JsonPredicate
{
    public static Expression Bind(Expression operand, string kind, bool isNegated, int offset)
    {
        if (!TypeRules.IsText(operand.Type)) throw SqlErrorException.Wrong(offset, $"IS JSON takes a string, found {operand.Type.Name}.");
        var whenFound = isNegated ? (byte)0 : (byte)1;
        var kernel = new Kernel($"IS {(isNegated ? "NOT " : "")}JSON {kind}", call => Answer(call, kind, whenFound)) { IsStrict = false };
        return new Expression.Apply(kernel, [operand], new DataType.Boolean().NotNull());
    }

    private static void Answer(KernelCall call, string kind, byte whenFound)
    {
        var validator = (JsonPathExtractor)(call.State ??= new JsonPathExtractor([], allowTrailingText: true));
        var operand = call.Arguments[0];
        var texts = call.Bytes(0);
        var result = call.ResultOf<byte>().AppendUninitialized(call.Count);
        for (var i = 0; i < result.Length; i++)
        {
            var text = texts[i];
            // A byte order mark is no part of JSON text in a string.
            var isFound = !operand.IsNull(i) && !text.StartsWith("\uFEFF"u8) && validator.Extract(text) && IsOf(kind, validator.RootKind);
            result[i] = isFound ? whenFound : (byte)(1 - whenFound);
        }
    }

    private static bool IsOf(string kind, JsonKind found) => kind switch
    {
        "OBJECT" => found == JsonKind.Object,
        "ARRAY" => found == JsonKind.Array,
        "SCALAR" => found is not (JsonKind.Object or JsonKind.Array),
        _ => true,
    };
}
