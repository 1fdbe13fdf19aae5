using System.Text;
using Matih.Json;

namespace Matih.Engine.Tests.Json;

public sealed class JsonTextTests
{
    [Theory]
    [InlineData(@"plain", "plain")]
    [InlineData(@"a\""b\\c\/d", "a\"b\\c/d")]
    [InlineData(@"\b\f\n\r\t", "\b\f\n\r\t")]
    [InlineData(@"\u00e9\u0041\u20AC", "éA€")]
    [InlineData(@"\ud83d\ude00", "😀")]
    [InlineData(@"x\ud83d", "x?")]
    [InlineData(@"\ud83dx", "?x")]
    [InlineData(@"\ude00\ud83d", "??")]
    [InlineData(@"\ud83d\ud83d\ude00", "?😀")]
    [InlineData(@"\ud83d\n", "?\n")]
    [InlineData(@"\u0000", "\0")]
    public void Escapes_are_undone(string raw, string expected)
    {
        var target = new byte[raw.Length];

        var length = JsonText.Unescape(Encoding.UTF8.GetBytes(raw), target);

        Assert.Equal(expected, Encoding.UTF8.GetString(target, 0, length));
    }

    [Theory]
    [InlineData("{ \"x\" : 1,\n\t\"y z\": [ 1 , \"a \\\" b\" ] }", "{\"x\":1,\"y z\":[1,\"a \\\" b\"]}")]
    [InlineData("[]", "[]")]
    public void Compacting_removes_only_white_space_between_tokens(string raw, string expected)
    {
        var target = new byte[raw.Length];

        var length = JsonText.Compact(Encoding.UTF8.GetBytes(raw), target);

        Assert.Equal(expected, Encoding.UTF8.GetString(target, 0, length));
    }
}
