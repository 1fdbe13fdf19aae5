using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;

namespace Matih.Engine.Tests.Architecture;

/// <summary>The metadata tokens that a method's instructions name (ECMA-335, partition III).</summary>
internal static class MethodBodyTokens
{
    private static readonly Dictionary<ushort, OperandType> Operands = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => (ushort)code.Value, code => code.OperandType);

    public static IEnumerable<EntityHandle> Read(ImmutableArray<byte> code)
    {
        for (var at = 0; at < code.Length;)
        {
            ushort instruction = code[at++];
            // 0xFE begins the two-byte instructions.
            if (instruction == 0xFE) instruction = (ushort)(0xFE00 | code[at++]);
            var operand = Operands[instruction];
            switch (operand)
            {
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType or OperandType.InlineSig:
                    yield return MetadataTokens.EntityHandle(Int32(code, at));
                    at += 4;
                    break;
                case OperandType.InlineSwitch:
                    at += 4 + 4 * Int32(code, at);
                    break;
                default:
                    at += Size(operand);
                    break;
            }
        }
    }

    private static int Size(OperandType operand) => operand switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        OperandType.InlineBrTarget or OperandType.InlineI or OperandType.InlineString or OperandType.ShortInlineR => 4,
        _ => throw new NotSupportedException($"Operand {operand} has no known size."),
    };

    private static int Int32(ImmutableArray<byte> code, int at) => BinaryPrimitives.ReadInt32LittleEndian(code.AsSpan(at, 4));
}
