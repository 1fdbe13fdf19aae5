using System.Buffers;
using System.Collections.Immutable;
using Matih.Batches;
using Matih.Json;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Strings;

/// <summary>JSON_OBJECT, JSON_ARRAY and JSON_STRING: values written as JSON.</summary>
/// <remarks>
/// As Flink 1.20's JsonGenerateUtils and SqlJsonUtils: members stand in the order of their names, and what another of these functions
/// makes is put in as it is, where it is the value itself and not one that a further function has made of it.
/// </remarks>
internal static class JsonConstructors
{
    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        new("JSON_STRING", call =>
        {
            call.ExpectCount(1, 1);
            if (JsonOutput.WhyNot(call[0].Type) is { } what) throw SqlErrorException.Wrong(call.OffsetOf(0), $"JSON_STRING takes no {what}; cast it to STRING.");
            if (IsJsonInBranch(call[0])) throw call.Unsupported("JSON_OBJECT or JSON_ARRAY within CASE, IF or COALESCE as a value of JSON_STRING");
            return call.Apply(new Kernel($"JSON_STRING{Mark(call[0])}", values => Write(values, [], [IsJson(call[0])], Shape.Value, isAbsentOnNull: false)), DataType.String, call[0]);
        }),
    ];

    private enum Shape { Value, Array, Object }

    /// <param name="keys">Sorted by UTF-16 code units, each once.</param>
    public static Expression Object(ImmutableArray<string> keys, ImmutableArray<Expression> values, bool isAbsentOnNull) =>
        Make("JSON_OBJECT", keys, values, Shape.Object, isAbsentOnNull);

    public static Expression Array(ImmutableArray<Expression> values, bool isAbsentOnNull) => Make("JSON_ARRAY", [], values, Shape.Array, isAbsentOnNull);

    private static Expression.Apply Make(string name, ImmutableArray<string> keys, ImmutableArray<Expression> values, Shape shape, bool isAbsentOnNull)
    {
        var parts = values.Select((value, i) => (shape == Shape.Object ? Constant.Text(keys[i]).ToString() : "") + Mark(value));
        var names = keys.Select(JsonOutput.NameOf).ToArray();
        var areJson = values.Select(IsJson).ToArray();
        var kernel = new Kernel($"{name} {string.Join(' ', parts)} {(isAbsentOnNull ? "ABSENT" : "NULL")} ON NULL", call => Write(call, names, areJson, shape, isAbsentOnNull))
        {
            IsStrict = false,
            IsJson = true,
        };
        return new Expression.Apply(kernel, values, DataType.String.NotNull());
    }

    private static string Mark(Expression value) => IsJson(value) ? " JSON" : "";

    /// <summary>Whether the value is what one of these functions made; a cast to STRING does nothing to it.</summary>
    private static bool IsJson(Expression value) => value switch
    {
        Expression.Apply apply => apply.Kernel.IsJson,
        Expression.Retype retype => TypeRules.IsText(retype.Type) && IsJson(retype.Operand),
        _ => false,
    };

    /// <summary>Whether a branch is such a value: Flink's planner may find out that the branch is always taken, and then puts it in as it is.</summary>
    public static bool IsJsonInBranch(Expression value) => value switch
    {
        Expression.Choice choice => choice.Branches.Select(branch => branch.Then).Append(choice.Otherwise).Any(branch => IsJson(branch) || IsJsonInBranch(branch)),
        Expression.Retype retype => IsJsonInBranch(retype.Operand),
        _ => false,
    };

    private static void Write(KernelCall call, byte[][] names, bool[] areJson, Shape shape, bool isAbsentOnNull)
    {
        var text = (ArrayBufferWriter<byte>)(call.State ??= new ArrayBufferWriter<byte>());
        for (var row = 0; row < call.Count; row++)
        {
            if (shape == Shape.Value && call.IsNull(row))
            {
                call.Result.AppendNull();
                continue;
            }
            text.ResetWrittenCount();
            if (shape != Shape.Value) text.Write(shape == Shape.Object ? "{"u8 : "["u8);
            WriteParts(call, row, text, names, areJson, isAbsentOnNull);
            if (shape != Shape.Value) text.Write(shape == Shape.Object ? "}"u8 : "]"u8);
            call.ResultBytes.Append(text.WrittenSpan);
        }
    }

    private static void WriteParts(KernelCall call, int row, ArrayBufferWriter<byte> text, byte[][] names, bool[] areJson, bool isAbsentOnNull)
    {
        var isFirst = true;
        for (var i = 0; i < areJson.Length; i++)
        {
            var operand = call.Arguments[i];
            if (isAbsentOnNull && operand.IsNull(row)) continue;
            if (!isFirst) text.Write(","u8);
            isFirst = false;
            if (names.Length > 0) text.Write(names[i]);
            if (areJson[i]) text.Write(call.Bytes(i)[row]);
            else JsonOutput.Write(text, operand.Column, row & operand.Mask);
        }
    }
}
