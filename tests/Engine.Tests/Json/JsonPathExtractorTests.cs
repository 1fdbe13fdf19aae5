using System.Text;
using Matih.Json;

namespace Matih.Engine.Tests.Json;

public sealed class JsonPathExtractorTests
{
    private const string Document = """{"a":1,"b":"x","c":{"d":[10,20,{"e":true}]},"n":null,"f":1.5,"q.r":5,"arr":["x","y"],"dup":1,"dup":2,"u":"\u00e9","o":{}}""";

    [Theory]
    [InlineData("$.a", JsonKind.Number, "1")]
    [InlineData("$.b", JsonKind.String, "x")]
    [InlineData("$.c", JsonKind.Object, """{"d":[10,20,{"e":true}]}""")]
    [InlineData("$.c.d", JsonKind.Array, """[10,20,{"e":true}]""")]
    [InlineData("$.c.d[0]", JsonKind.Number, "10")]
    [InlineData("$.c.d[2].e", JsonKind.True, "true")]
    [InlineData("$.c.d[-1].e", JsonKind.True, "true")]
    [InlineData("$.c.d[-3]", JsonKind.Number, "10")]
    [InlineData("$.c.d[-4]", JsonKind.Missing, "")]
    [InlineData("$.c.d[9]", JsonKind.Missing, "")]
    [InlineData("$.c[0]", JsonKind.Missing, "")]
    [InlineData("$.c.d.e", JsonKind.Missing, "")]
    [InlineData("$.n", JsonKind.Null, "null")]
    [InlineData("$.f", JsonKind.Number, "1.5")]
    [InlineData("$['q.r']", JsonKind.Number, "5")]
    [InlineData("$.arr[-1]", JsonKind.String, "y")]
    [InlineData("$.dup", JsonKind.Number, "2")]
    [InlineData("$.u", JsonKind.String, "\\u00e9")]
    [InlineData("$.o", JsonKind.Object, "{}")]
    [InlineData("$.o.x", JsonKind.Missing, "")]
    [InlineData("$.missing", JsonKind.Missing, "")]
    [InlineData("$", JsonKind.Object, Document)]
    public void A_path_finds_its_value(string path, object kind, string text)
    {
        var extractor = Extractor(path);
        var document = Encoding.UTF8.GetBytes(Document);

        Assert.True(extractor.Extract(document), extractor.Error);

        Assert.Equal(((JsonKind)kind, text), (extractor[0].Kind, Encoding.UTF8.GetString(extractor[0].In(document))));
    }

    [Fact]
    public void Many_paths_are_answered_in_one_pass_in_any_order_of_members()
    {
        var extractor = Extractor("$.a", "lax $.a", "$.x.y", "$.x", "$.l[1]", "$.l[-1]");
        string[] documents =
        [
            """{"a":1,"x":{"y":2},"l":[3,4]}""",
            """{"l":[3,4],"skip":{"a":[{}]},"x":{"y":2},"a":1}""",
            "{ \"x\" : {\"y\":2 , \"a\":7},\n \"a\" :\t1, \"l\":[ 3 , 4 ] } ",
            """{"\u0061":1,"\u0078":{"\u0079":2},"l":[3,4]}""",
            """{"a":9,"x":{"y":8},"l":[6],"a":1,"x":{"y":2},"l":[3,4]}""",
        ];

        foreach (var text in documents.Concat(documents))
        {
            var document = Encoding.UTF8.GetBytes(text);
            Assert.True(extractor.Extract(document), extractor.Error);
            Assert.Equal(["1", "1", "2", "4", "4"], new[] { 0, 1, 2, 4, 5 }.Select(path => Encoding.UTF8.GetString(extractor[path].In(document))));
            Assert.Equal(JsonKind.Object, extractor[3].Kind);
        }
    }

    [Fact]
    public void A_duplicate_member_replaces_all_that_was_below_the_first()
    {
        var extractor = Extractor("$.a.b", "$.a[0]");

        Assert.True(extractor.Extract("""{"a":{"b":1},"a":5}"""u8));

        Assert.Equal((JsonKind.Missing, JsonKind.Missing), (extractor[0].Kind, extractor[1].Kind));
    }

    [Fact]
    public void Nothing_is_left_of_the_document_before()
    {
        var extractor = Extractor("$.a", "$.b");
        Assert.True(extractor.Extract("""{"a":1,"b":2}"""u8));

        Assert.True(extractor.Extract("""{"b":3}"""u8));

        Assert.Equal((JsonKind.Missing, JsonKind.Number), (extractor[0].Kind, extractor[1].Kind));
    }

    [Theory]
    [InlineData("5", JsonKind.Number)]
    [InlineData(" -0.5e+3 ", JsonKind.Number)]
    [InlineData("\"x\"", JsonKind.String)]
    [InlineData("null", JsonKind.Null)]
    [InlineData("true", JsonKind.True)]
    [InlineData("false", JsonKind.False)]
    [InlineData("[]", JsonKind.Array)]
    [InlineData("\uFEFF{}", JsonKind.Object)]
    public void A_document_is_any_value(string text, object kind)
    {
        var extractor = Extractor("$");

        Assert.True(extractor.Extract(Encoding.UTF8.GetBytes(text)), extractor.Error);

        Assert.Equal(((JsonKind)kind, (JsonKind)kind), (extractor[0].Kind, extractor.RootKind));
    }

    [Theory]
    [InlineData("", "the text is empty, expected one JSON document")]
    [InlineData("  ", "the text is empty, expected one JSON document")]
    [InlineData("not json", "unknown word at offset 0, expected true, false or null")]
    [InlineData("{'a':1}", "expected a member name in double quotes, found ''' at offset 1")]
    [InlineData("{a:1}", "expected a member name in double quotes, found 'a' at offset 1")]
    [InlineData("""{"a":1,}""", "expected a member name in double quotes, found '}' at offset 7")]
    [InlineData("""{"a" 1}""", "expected ':' after a member name, found '1' at offset 5")]
    [InlineData("""{"a":01}""", "expected ',' or a closing bracket after a value, found '1' at offset 6")]
    [InlineData("""{"a":+1}""", "expected a JSON value, found '+' at offset 5")]
    [InlineData("""{"a":1.}""", "invalid JSON number at offset 5")]
    [InlineData("""{"a":NaN}""", "unknown word at offset 5, expected true, false or null")]
    [InlineData("""{"a":1 /* c */}""", "expected ',' or a closing bracket after a value, found '/' at offset 7")]
    [InlineData("""{"a":1""", "the text ends inside the JSON document, at offset 6")]
    [InlineData("""{"a":tr""", "the text ends inside the JSON document, at offset 7")]
    [InlineData("""{"a":"x""", "the text ends inside the JSON document, at offset 7")]
    [InlineData("""{"a":"\""", "the text ends inside the JSON document, at offset 7")]
    [InlineData("""{"a":"\u12""", "the text ends inside the JSON document, at offset 10")]
    [InlineData("""{"a":"\x"}""", "invalid escape in a string at offset 6")]
    [InlineData("""{"a":"\u12g4"}""", "invalid escape in a string at offset 6")]
    [InlineData("[1,]", "expected a JSON value, found ']' at offset 3")]
    [InlineData("[1}", "expected ',' or a closing bracket after a value, found '}' at offset 2")]
    [InlineData("{\"a\":\"\n\"}", "control character 0x0A in a string at offset 6, expected an escape")]
    [InlineData("""{"a":1} garbage""", "text after the JSON document, 'g' at offset 8")]
    [InlineData("""{"a":1}{"a":9}""", "text after the JSON document, '{' at offset 7")]
    public void Malformed_text_is_refused_with_its_place(string text, string error)
    {
        var extractor = Extractor("$.a");

        Assert.False(extractor.Extract(Encoding.UTF8.GetBytes(text)));

        Assert.Equal(error, extractor.Error);
    }

    [Theory]
    [InlineData(new byte[] { 0xFF }, 0)]
    [InlineData(new byte[] { 0xC0, 0x80 }, 0)]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 }, 0)]
    [InlineData(new byte[] { 0xF4, 0x90, 0x80, 0x80 }, 0)]
    [InlineData(new byte[] { 0xC3, 0xA9, 0xE2, 0x82 }, 2)]
    public void Invalid_utf8_is_refused_wherever_it_stands(byte[] bytes, int offset)
    {
        var extractor = Extractor("$.a");

        Assert.False(extractor.Extract([.. "{\"a\":\""u8, .. bytes, .. "\"}"u8]));
        Assert.Equal(6 + offset, extractor.ErrorOffset);
        Assert.False(extractor.Extract([.. "{\""u8, .. bytes, .. "\":1}"u8]));
        Assert.StartsWith("invalid UTF-8, byte 0x", extractor.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"a":1} trailing""", true, true)]
    [InlineData("""{"a":1}{""", true, true)]
    [InlineData("""{"a":1}  """, true, false)]
    [InlineData("5 x", true, true)]
    [InlineData("5x", false, true)]
    [InlineData("nullx", false, true)]
    public void Trailing_text_can_be_allowed(string text, bool isAccepted, bool hasTrailingText)
    {
        Assert.True(JsonPath.TryParse("$.a", out var path, out _, out _));
        var extractor = new JsonPathExtractor([path], allowTrailingText: true);

        Assert.Equal(isAccepted, extractor.Extract(Encoding.UTF8.GetBytes(text)));

        Assert.Equal(hasTrailingText, extractor.HasTrailingText);
    }

    [Theory]
    [InlineData('[', ']')]
    [InlineData('{', '}')]
    public void Nesting_bombs_are_refused_without_recursion(char open, char close)
    {
        var extractor = Extractor("$.a.a.a[0][0]");
        string Nested(int depth) => open == '['
            ? new string(open, depth) + new string(close, depth)
            : string.Concat(Enumerable.Repeat("{\"a\":", depth - 1)) + "{}" + new string(close, depth - 1);

        Assert.True(extractor.Extract(Encoding.UTF8.GetBytes(Nested(JsonPathExtractor.DepthMax))), extractor.Error);
        Assert.False(extractor.Extract(Encoding.UTF8.GetBytes(Nested(JsonPathExtractor.DepthMax + 1))));
        Assert.StartsWith("nesting deeper than 1000 at offset", extractor.Error, StringComparison.Ordinal);
        Assert.False(extractor.Extract(Encoding.UTF8.GetBytes(new string(open, 1_000_000))));
    }

    [Fact]
    public void Ever_new_member_names_are_not_remembered_for_ever()
    {
        var extractor = Extractor("$.wanted");
        for (var i = 0; i < 5_000; i++)
        {
            var document = Encoding.UTF8.GetBytes($$"""{"key{{i}}":{{i}},"wanted":{{i}},"{{new string('x', i % 90)}}":0}""");

            Assert.True(extractor.Extract(document), extractor.Error);

            Assert.Equal(i.ToString(), Encoding.UTF8.GetString(extractor[0].In(document)));
        }
    }

    internal static JsonPathExtractor Extractor(params string[] paths) => new(Paths(paths));

    internal static JsonPath[] Paths(params string[] paths) =>
        Array.ConvertAll(paths, text => JsonPath.TryParse(text, out var path, out var error, out _) ? path : throw new ArgumentException(error, text));
}
