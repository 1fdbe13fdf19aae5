using System.Text;
using System.Text.Json;
using Matih.Json;

namespace Matih.Engine.Tests.Json;

/// <summary>
/// Seeded documents, whole and broken, against two oracles: System.Text.Json (another program) and the plain twin of the
/// vectorised walk (every field, the error and its place).
/// </summary>
public sealed class JsonPathExtractorFuzzTests
{
    private const int Rounds = 30_000;
    private const string Insertions = "{}[]\",:\\ \n\u00011e-.tfn";
    private static readonly string[] Names = ["a", "b", "user_id", "page_url", "a_name_that_is_longer_than_one_vector_of_bytes", "é", "x y", ""];

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(300)]
    public void The_vectorised_walk_agrees_with_its_oracles(int seed)
    {
        var random = new Random(seed);
        var paths = JsonPathExtractorTests.Paths("$.a", "$.user_id", "$.page_url", "$.b.a", "$.b[1]", "$['é']", "$['x y'].a", "$[0]", "$[-1].a", "$['']",
            "$.a_name_that_is_longer_than_one_vector_of_bytes", "$");
        var fast = new JsonPathExtractor(paths, allowTrailingText: false);
        var plain = new JsonPathExtractor(paths, allowTrailingText: false, isPlain: true);
        var accepted = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var document = Document(random);
            var replay = $"seed {seed}, round {round}: {Encoding.UTF8.GetString(document)}";

            var isValid = fast.Extract(AmongOtherBytes(random, document));

            Assert.True(isValid == plain.Extract(document), replay);
            Assert.True((fast.Error, fast.ErrorOffset) == (plain.Error, plain.ErrorOffset) || isValid, replay);
            var root = Parse(document);
            Assert.True(isValid == root is not null, $"{fast.Error}; {replay}");
            if (!isValid) continue;
            accepted++;
            for (var path = 0; path < paths.Length; path++)
            {
                Assert.True(Same(fast[path], plain[path]), $"{paths[path]}; {replay}");
                var expected = Expected(root!.RootElement, paths[path]);
                Assert.True(expected is null || expected == Show(document, fast[path]), $"{paths[path]}; {replay}");
            }
        }
        Assert.InRange(accepted, Rounds / 4, Rounds - Rounds / 10);
    }

    /// <summary>The document with bytes before and after it that would change the outcome if the wide loads let them.</summary>
    private static ReadOnlySpan<byte> AmongOtherBytes(Random random, byte[] document)
    {
        const int Around = 40;
        var memory = new byte[Around + document.Length + Around];
        for (var i = 0; i < memory.Length; i++) memory[i] = (byte)Insertions[random.Next(Insertions.Length)];
        document.CopyTo(memory, Around);
        return memory.AsSpan(Around, document.Length);
    }

    private static bool Same(JsonMatch a, JsonMatch b) =>
        (a.Kind, a.Start, a.Length, a.HasEscapes, a.IsInteger) == (b.Kind, b.Start, b.Length, b.HasEscapes, b.IsInteger);

    private static JsonDocument? Parse(byte[] document)
    {
        try
        {
            // The reader under JsonDocument leaves bytes of strings unchecked until they are asked for.
            if (!System.Text.Unicode.Utf8.IsValid(document)) return null;
            return JsonDocument.Parse(document, new JsonDocumentOptions { MaxDepth = 1000 });
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>What the oracle finds at the path; null where it refuses to read a surrogate without its half, which we allow.</summary>
    private static string? Expected(JsonElement root, JsonPath path)
    {
        try
        {
            return Follow(root, path);
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static string Follow(JsonElement at, JsonPath path)
    {
        foreach (var step in path.Steps)
        {
            if (step is JsonPathStep.Member member)
            {
                if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(member.Name, out at)) return "nothing";
            }
            else
            {
                var position = ((JsonPathStep.Index)step).Position;
                if (at.ValueKind != JsonValueKind.Array) return "nothing";
                if (position < 0) position += at.GetArrayLength();
                if (position < 0 || position >= at.GetArrayLength()) return "nothing";
                at = at[position];
            }
        }
        return at.ValueKind == JsonValueKind.String ? "text " + at.GetString() : at.GetRawText();
    }

    private static string Show(byte[] document, JsonMatch match)
    {
        var raw = match.In(document);
        if (match.Kind == JsonKind.Missing) return "nothing";
        if (match.Kind != JsonKind.String) return Encoding.UTF8.GetString(raw);
        var text = new byte[raw.Length];
        return "text " + Encoding.UTF8.GetString(text, 0, match.HasEscapes ? JsonText.Unescape(raw, text) : Copy(raw, text));
    }

    private static int Copy(ReadOnlySpan<byte> from, byte[] to)
    {
        from.CopyTo(to);
        return from.Length;
    }

    private static byte[] Document(Random random)
    {
        var text = new StringBuilder();
        Blanks(random, text);
        Value(random, text, 0);
        Blanks(random, text);
        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        return random.Next(3) switch
        {
            0 when bytes.Length > 0 => Broken(random, bytes),
            _ => bytes,
        };
    }

    private static byte[] Broken(Random random, byte[] bytes)
    {
        var at = random.Next(bytes.Length);
        switch (random.Next(5))
        {
            case 0: return bytes[..at];
            case 1: return [.. bytes[..at], .. bytes[(at + 1)..]];
            case 2: return [.. bytes, (byte)"}],x1\""[random.Next(6)]];
            case 3:
                bytes[at] = (byte)random.Next(256);
                return bytes;
            default: return [.. bytes[..at], (byte)Insertions[random.Next(Insertions.Length)], .. bytes[at..]];
        }
    }

    private static void Value(Random random, StringBuilder text, int depth)
    {
        switch (random.Next(depth == 0 ? 14 : depth > 4 ? 6 : 9))
        {
            case 0: text.Append("null"); break;
            case 1: text.Append(random.Next(2) == 0 ? "true" : "false"); break;
            case 2 or 3: Number(random, text); break;
            case 4 or 5: String(random, text); break;
            case 6: Container(random, text, depth, '[', ']'); break;
            default: Container(random, text, depth, '{', '}'); break;
        }
    }

    private static void Container(Random random, StringBuilder text, int depth, char open, char close)
    {
        text.Append(open);
        Blanks(random, text);
        for (var i = random.Next(6); i > 0; i--)
        {
            if (open == '{')
            {
                if (random.Next(4) == 0) String(random, text);
                else text.Append('"').Append(random.Next(9) == 0 ? "\\u0061" : Names[random.Next(Names.Length)]).Append('"');
                Blanks(random, text);
                text.Append(':');
                Blanks(random, text);
            }
            Value(random, text, depth + 1);
            Blanks(random, text);
            if (i > 1) text.Append(',');
            Blanks(random, text);
        }
        text.Append(close);
    }

    private static void Number(Random random, StringBuilder text)
    {
        if (random.Next(3) == 0) text.Append('-');
        text.Append(random.Next(3) == 0 ? "0" : random.NextInt64(1, long.MaxValue >> random.Next(63)).ToString());
        if (random.Next(3) == 0) text.Append('.').Append(random.Next(1000));
        if (random.Next(5) == 0) text.Append("eE"[random.Next(2)]).Append(new[] { "", "+", "-" }[random.Next(3)]).Append(random.Next(30));
    }

    private static void String(Random random, StringBuilder text)
    {
        string[] pieces = ["a", "longer piece of text ", "\\n", "\\\"", "\\\\", "\\/", "\\u00e9", "\\ud83d\\ude00", "é", "😀", "漢字", "{", "]", ",", ":"];
        text.Append('"');
        var kinds = random.Next(3) == 0 ? pieces.Length : 2;
        for (var i = random.Next(8); i > 0; i--) text.Append(pieces[random.Next(kinds)]);
        text.Append('"');
    }

    private static void Blanks(Random random, StringBuilder text)
    {
        if (random.Next(6) != 0) return;
        for (var i = random.Next(1, random.Next(3) == 0 ? 70 : 3); i > 0; i--) text.Append(" \n\r\t"[random.Next(4)]);
    }
}
