using System.Collections.Immutable;
using System.Text;
using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Strings;

/// <summary>REGEXP, REGEXP_EXTRACT and REGEXP_REPLACE with a pattern that is known at compile time.</summary>
/// <remarks>As Flink 1.20's SqlFunctionUtils: a malformed pattern is FALSE or NULL, a replacement has no special characters.</remarks>
internal static class RegularExpressions
{
    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        new("REGEXP", Matches),
        new("REGEXP_EXTRACT", Extract),
        new("REGEXP_REPLACE", Replace),
    ];

    private static JavaPattern? PatternOf(FunctionCall call)
    {
        if (call.Text(1) is not Expression.Literal { Value: var literal }) throw call.Unsupported($"{call.Name} with a computed pattern (write it as a string)");
        if (literal.IsNull) return null;
        var text = literal.AsText();
        if (text.Length == 0) throw call.Unsupported($"{call.Name} with an empty pattern");
        var pattern = JavaPattern.Parse(text);
        return pattern.Unsupported is null ? pattern : throw SqlErrorException.Unsupported(call.OffsetOf(1), $"{pattern.Unsupported} in the regular expression '{text}'");
    }

    private static Expression Matches(FunctionCall call)
    {
        call.ExpectCount(2, 2);
        var pattern = PatternOf(call);
        return call.Apply(new Kernel("REGEXP", values =>
        {
            var result = values.ResultOf<byte>().AppendUninitialized(values.Count, values.Validity);
            for (var row = 0; row < result.Length; row++)
                result[row] = pattern!.Regex is { } regex && !values.IsNull(row) && regex.IsMatch(Decode(values, values.Bytes(0)[row])) ? (byte)1 : (byte)0;
        }), new DataType.Boolean(), call.Text(0), call.Text(1));
    }

    private static Expression Extract(FunctionCall call)
    {
        call.ExpectCount(2, 3);
        var pattern = PatternOf(call);
        var index = call.Count == 3 ? call.Int(2) : Expression.Literal.Of(new DataType.Int(), 0);
        if (pattern?.Regex is null) return new Expression.Literal(Constant.Null(DataType.String));
        var number = (index as Expression.Literal)?.Value.Value as int?;
        for (var group = 1; group <= pattern.GroupCount; group++)
            if (pattern.IsRepeated(group) && (index is not Expression.Literal || number == group))
                throw SqlErrorException.Unsupported(call.OffsetOf(1), $"Extracting group {group}, which is repeated,");
        return call.ApplyAs(RowKernels.Each("REGEXP_EXTRACT", (values, row) => AppendGroup(values, row, pattern, values.Values<int>(2)[row])),
            DataType.String.OrNull(), call.Text(0), call.Text(1), index);
    }

    private static void AppendGroup(KernelCall call, int row, JavaPattern pattern, int index)
    {
        var text = call.Bytes(0)[row];
        if (index == 0)
        {
            var units = Decode(call, text);
            foreach (var match in pattern.Regex!.EnumerateMatches(units))
            {
                Append(call, units.Slice(match.Index, match.Length));
                return;
            }
        }
        else if (index > 0 && index <= pattern.GroupCount)
        {
            var match = pattern.Regex!.Match(Encoding.UTF8.GetString(text));
            if (match.Success && match.Groups[index] is { Success: true } group)
            {
                Append(call, group.ValueSpan);
                return;
            }
        }
        call.Result.AppendNull();
    }

    private static Expression Replace(FunctionCall call)
    {
        call.ExpectCount(3, 3);
        var pattern = PatternOf(call);
        if (pattern is { Regex: not null, MatchesEmpty: true }) throw SqlErrorException.Unsupported(call.OffsetOf(1), "REGEXP_REPLACE of what can be empty");
        return call.Apply(
            RowKernels.Each("REGEXP_REPLACE", (values, row) => AppendReplaced(values, row, pattern!), canFail: true), DataType.String, call.Text(0), call.Text(1), call.Text(2));
    }

    private static void AppendReplaced(KernelCall call, int row, JavaPattern pattern)
    {
        if (pattern.Regex is null)
        {
            RowKernels.AppendNull(call, row, "REGEXP_REPLACE: the regular expression is malformed, and the type has no NULL.");
            return;
        }
        var units = Decode(call, call.Bytes(0)[row]);
        var replacement = call.Bytes(2)[row];
        var count = pattern.Regex.Count(units);
        var lengthMax = Encoding.UTF8.GetMaxByteCount(units.Length) + (long)count * replacement.Length;
        if (lengthMax > RowKernels.ResultBytesMax)
        {
            call.Reject(row, $"REGEXP_REPLACE would give up to {Quantity.Of(lengthMax, "byte")}; at most {Quantity.Count(RowKernels.ResultBytesMax)} are possible.");
            return;
        }
        var target = call.ResultBytes.Begin((int)lengthMax);
        var (length, at) = (0, 0);
        foreach (var match in pattern.Regex.EnumerateMatches(units))
        {
            length += Encoding.UTF8.GetBytes(units[at..match.Index], target[length..]);
            replacement.CopyTo(target[length..]);
            length += replacement.Length;
            at = match.Index + match.Length;
        }
        length += Encoding.UTF8.GetBytes(units[at..], target[length..]);
        call.ResultBytes.End(length);
    }

    private static void Append(KernelCall call, ReadOnlySpan<char> units)
    {
        var result = call.ResultBytes;
        result.End(Encoding.UTF8.GetBytes(units, result.Begin(Encoding.UTF8.GetMaxByteCount(units.Length))));
    }

    /// <summary>The text as UTF-16, in a buffer that the call keeps; valid until the next row.</summary>
    internal static ReadOnlySpan<char> Decode(KernelCall call, ReadOnlySpan<byte> text)
    {
        var buffer = call.State as char[];
        if (buffer is null || buffer.Length < text.Length) call.State = buffer = new char[Math.Max(256, text.Length * 2)];
        return buffer.AsSpan(0, Encoding.UTF8.GetChars(text, buffer));
    }
}
