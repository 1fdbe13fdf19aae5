using System.Buffers;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Strings;

/// <summary>UPPER, LOWER and INITCAP, as Java 17 maps letters in an English locale.</summary>
/// <remarks>
/// Java's String.toUpperCase follows Unicode 13 with SpecialCasing.txt, where a letter may become several. The differences
/// to .NET's simple mapping below were found by comparing both for every code point.
/// </remarks>
internal static class TextCase
{
    // A letter and what it becomes; in escapes, because editors compose what must stay apart.
    private const string LongerUppers =
        "\u00DFSS \u0131I \u0149\u02BCN \u017FS \u01F0J\u030C \u0390\u0399\u0308\u0301 \u03B0\u03A5\u0308\u0301 " +
        "\u0587\u0535\u0552 \u1E96H\u0331 \u1E97T\u0308 \u1E98W\u030A \u1E99Y\u030A \u1E9AA\u02BE \u1F50\u03A5\u0313 " +
        "\u1F52\u03A5\u0313\u0300 \u1F54\u03A5\u0313\u0301 \u1F56\u03A5\u0313\u0342 \u1FB2\u1FBA\u0399 \u1FB3\u0391\u0399 " +
        "\u1FB4\u0386\u0399 \u1FB6\u0391\u0342 \u1FB7\u0391\u0342\u0399 \u1FBC\u0391\u0399 \u1FC2\u1FCA\u0399 \u1FC3\u0397\u0399 " +
        "\u1FC4\u0389\u0399 \u1FC6\u0397\u0342 \u1FC7\u0397\u0342\u0399 \u1FCC\u0397\u0399 \u1FD2\u0399\u0308\u0300 " +
        "\u1FD3\u0399\u0308\u0301 \u1FD6\u0399\u0342 \u1FD7\u0399\u0308\u0342 \u1FE2\u03A5\u0308\u0300 \u1FE3\u03A5\u0308\u0301 " +
        "\u1FE4\u03A1\u0313 \u1FE6\u03A5\u0342 \u1FE7\u03A5\u0308\u0342 \u1FF2\u1FFA\u0399 \u1FF3\u03A9\u0399 \u1FF4\u038F\u0399 " +
        "\u1FF6\u03A9\u0342 \u1FF7\u03A9\u0342\u0399 \u1FFC\u03A9\u0399 \uFB00FF \uFB01FI \uFB02FL \uFB03FFI \uFB04FFL \uFB05ST " +
        "\uFB06ST \uFB13\u0544\u0546 \uFB14\u0544\u0535 \uFB15\u0544\u053B \uFB16\u054E\u0546 \uFB17\u0544\u053D";

    private static readonly FrozenDictionary<int, string> Uppers =
        LongerUppers.Split(' ').ToFrozenDictionary(entry => (int)entry[0], entry => entry[1..]);

    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        new("UPPER", call => Bind(call, (values, row) => Map(values, row, isUpper: true))),
        new("LOWER", call => Bind(call, (values, row) => Map(values, row, isUpper: false))),
        new("INITCAP", call => Bind(call, Capitalize)),
    ];

    private static Expression Bind(FunctionCall call, RowBody body)
    {
        call.ExpectCount(1, 1);
        return call.Apply(RowKernels.Each(call.Name, body, canFail: call.Name == "LOWER"), call.Text(0).Type, call.Text(0));
    }

    private static void Map(KernelCall call, int row, bool isUpper)
    {
        var text = call.Bytes(0)[row];
        var result = call.ResultBytes;
        // One letter of two bytes or more becomes at most three of as many, or of three.
        var target = result.Begin(text.Length * 3);
        var status = isUpper ? Ascii.ToUpper(text, target, out var length) : Ascii.ToLower(text, target, out length);
        if (status == OperationStatus.Done)
        {
            result.End(length);
            return;
        }
        length = 0;
        for (var at = 0; at < text.Length;)
        {
            Rune.DecodeFromUtf8(text[at..], out var rune, out var size);
            if (!isUpper && rune.Value == 'Σ')
            {
                if (IsFinal(text, at) is not { } isFinal)
                {
                    call.Reject(row, "LOWER: whether this Σ ends a word, so that it becomes ς, depends on rules of Java that are not followed here.");
                    return;
                }
                length += new Rune(isFinal ? 'ς' : 'σ').EncodeToUtf8(target[length..]);
            }
            else length += isUpper ? WriteUpper(rune, target[length..]) : WriteLower(rune, target[length..]);
            at += size;
        }
        result.End(length);
    }

    private static int WriteUpper(Rune rune, Span<byte> target)
    {
        var value = rune.Value;
        if (value is >= 0x1F80 and <= 0x1FAF)
        {
            // Greek vowels with an iota below: the capital, and the iota as a letter.
            var capital = ((value >> 4) switch { 0x1F8 => 0x1F08, 0x1F9 => 0x1F28, _ => 0x1F68 }) | (value & 7);
            var length = new Rune(capital).EncodeToUtf8(target);
            return length + new Rune('Ι').EncodeToUtf8(target[length..]);
        }
        if (Uppers.TryGetValue(value, out var longer)) return Encoding.UTF8.GetBytes(longer, target);
        return (IsNewerThanJava(value) ? rune : Rune.ToUpperInvariant(rune)).EncodeToUtf8(target);
    }

    private static int WriteLower(Rune rune, Span<byte> target)
    {
        if (rune.Value == 'İ') return Encoding.UTF8.GetBytes("i\u0307", target);
        return (IsNewerThanJava(rune.Value) ? rune : Rune.ToLowerInvariant(rune)).EncodeToUtf8(target);
    }

    /// <summary>Letters that Unicode got, or got a partner, after version 13: to Java 17 they have no case.</summary>
    private static bool IsNewerThanJava(int value) => value is 0x19B or 0x264 or 0x1C89 or 0x1C8A or 0x2C2F or 0x2C5F or 0xA7C0 or 0xA7C1 or 0xA7CB or 0xA7CC or 0xA7CD
        or 0xA7D0 or 0xA7D1 or (>= 0xA7D6 and <= 0xA7DC) or (>= 0x10570 and <= 0x105BC) or (>= 0x10D50 and <= 0x10D85);

    /// <summary>Whether a Σ ends a word of letters; null where what stands beside it is neither a letter nor plainly none.</summary>
    private static bool? IsFinal(ReadOnlySpan<byte> text, int at)
    {
        var before = at == 0 ? false : Rune.DecodeLastFromUtf8(text[..at], out var previous, out _) == OperationStatus.Done ? IsCased(previous) : null;
        var rest = text[(at + 2)..];
        var after = rest.Length == 0 ? false : Rune.DecodeFromUtf8(rest, out var next, out _) == OperationStatus.Done ? IsCased(next) : null;
        return before is null || after is null ? null : before.Value && !after.Value;
    }

    private static bool? IsCased(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter => true,
        UnicodeCategory.SpaceSeparator or UnicodeCategory.Control => false,
        _ when rune.Value is ',' or ';' or '!' or '?' or '(' or ')' or '/' or '-' or '"' => false,
        _ => null,
    };

    /// <summary>The first letter of each run of ASCII letters and digits becomes a capital, the others small; nothing else changes.</summary>
    private static void Capitalize(KernelCall call, int row)
    {
        var text = call.Bytes(0)[row];
        var target = call.ResultBytes.Begin(text.Length);
        var isStart = true;
        for (var i = 0; i < text.Length; i++)
        {
            var letter = text[i];
            target[i] = letter switch
            {
                >= (byte)'a' and <= (byte)'z' when isStart => (byte)(letter - 32),
                >= (byte)'A' and <= (byte)'Z' when !isStart => (byte)(letter + 32),
                _ => letter,
            };
            isStart = !char.IsAsciiLetterOrDigit((char)letter);
        }
        call.ResultBytes.End(text.Length);
    }
}
