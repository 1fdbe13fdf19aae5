using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Strings;

/// <summary>ENCODE and DECODE: strings in the bytes of another character set, and back. What a set does not have becomes a question mark, as in Java.</summary>
internal static class CharacterSets
{
    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        new("ENCODE", call =>
        {
            call.ExpectCount(2, 2);
            var text = call.Text(0);
            if (SetOf(call) is not { } set) return new Expression.Literal(Constant.Null(DataType.Bytes));
            // Flink says BINARY(1), which cannot hold what it gives.
            return call.ApplyAs(RowKernels.Each($"ENCODE {set.Name}", (values, row) => Encode(values, row, set)), DataType.Bytes.OrNull(), text);
        }),
        new("DECODE", call =>
        {
            call.ExpectCount(2, 2);
            var bytes = call.Expect(0, "a binary value", TypeRules.IsBinary, DataType.Bytes);
            if (SetOf(call) is not { } set) return new Expression.Literal(Constant.Null(DataType.String));
            return call.ApplyAs(RowKernels.Each($"DECODE {set.Name}", (values, row) => Decode(values, row, set)), DataType.String.OrNull(), bytes);
        }),
    ];

    /// <param name="CodeMax">The last character of sets of single bytes; 0 for the others.</param>
    private sealed record CharacterSet(string Name, Encoding Encoding, int CodeMax);

    private static readonly CharacterSet[] Sets =
    [
        new("UTF-8", Encoding.UTF8, 0),
        new("US-ASCII", Encoding.ASCII, 0x7F),
        new("ISO-8859-1", Encoding.Latin1, 0xFF),
        new("UTF-16BE", Encoding.BigEndianUnicode, 0),
        new("UTF-16LE", Encoding.Unicode, 0),
        new("UTF-16", Encoding.BigEndianUnicode, 0),
    ];

    private static CharacterSet? SetOf(FunctionCall call)
    {
        if (call.Text(1) is not Expression.Literal { Value: var name }) throw call.Unsupported($"{call.Name} with a computed character set (write it as a string)");
        if (name.IsNull) return null;
        return Array.Find(Sets, set => set.Name.Equals(name.AsText(), StringComparison.OrdinalIgnoreCase))
            ?? throw SqlErrorException.Unsupported(call.OffsetOf(1), $"The character set {name} ({string.Join(", ", Sets.Select(set => set.Name))} are)");
    }

    private static void Encode(KernelCall call, int row, CharacterSet set)
    {
        var text = call.Bytes(0)[row];
        var target = call.ResultBytes.Begin(text.Length * 2 + 2);
        var length = 0;
        if (set.Name == "UTF-16") (target[0], target[1], length) = (0xFE, 0xFF, 2);
        // Java writes nothing at all for nothing.
        if (text.IsEmpty) length = 0;
        Span<char> pair = stackalloc char[2];
        while (Rune.DecodeFromUtf8(text, out var rune, out var consumed) == OperationStatus.Done)
        {
            text = text[consumed..];
            if (set.CodeMax > 0) target[length++] = rune.Value <= set.CodeMax ? (byte)rune.Value : (byte)'?';
            else if (set.Name == "UTF-8") length += rune.EncodeToUtf8(target[length..]);
            else length += set.Encoding.GetBytes(pair[..rune.EncodeToUtf16(pair)], target[length..]);
        }
        call.ResultBytes.End(length);
    }

    private static void Decode(KernelCall call, int row, CharacterSet set)
    {
        var bytes = call.Bytes(0)[row];
        var encoding = set.Encoding;
        if (set.Name == "UTF-16" && bytes.Length >= 2 && bytes[0] + bytes[1] == 0xFE + 0xFF && bytes[0] is 0xFE or 0xFF)
        {
            encoding = bytes[0] == 0xFE ? Encoding.BigEndianUnicode : Encoding.Unicode;
            bytes = bytes[2..];
        }
        var units = call.State as char[];
        if (units is null || units.Length < encoding.GetMaxCharCount(bytes.Length)) call.State = units = new char[encoding.GetMaxCharCount(bytes.Length) * 2];
        var text = units.AsSpan(0, encoding.GetChars(bytes, units));
        // In 7 bits .NET shows a question mark for what is no character, Java the replacement character.
        if (set.CodeMax == 0x7F)
            for (var i = 0; i < text.Length; i++)
                if (bytes[i] > 0x7F) text[i] = '\uFFFD';
        RowKernels.AppendUtf16(call, text);
    }
}
