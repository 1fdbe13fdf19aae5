using System.Text;
using Matih.Json;

namespace Matih.Engine.Tests.Json;

public sealed class JavaJsonWriterTests
{
    private readonly JavaJsonWriter _writer = new();

    private string Write(string value) => Encoding.UTF8.GetString(_writer.Write(Encoding.UTF8.GetBytes(value)));

    [Theory]
    [InlineData("""{"a":1,"b":2,"a":{"c":[ 3 ]}}""", """{"a":{"c":[3]},"b":2}""")]
    [InlineData("""{"a":[1,2,3],"b":2,"c":4,"a":0,"b":"long enough"}""", """{"a":0,"b":"long enough","c":4}""")]
    [InlineData("""{"\u0061":1,"a":2}""", """{"a":2}""")]
    [InlineData("""{"x":{"a":1,"a":2,"b":3},"a":1,"x":{"a":5,"a":6}}""", """{"x":{"a":6},"a":1}""")]
    [InlineData("""[-0, -0.0, 1e400, 1E2, 12345678901234567890123, 0.10]""", """[0,-0.0,"Infinity",100.0,12345678901234567890123,0.1]""")]
    [InlineData("\"\\u001f\\u007F\\/\\\\\"", "\"\\u001F\u007f/\\\\\"")]
    public void A_value_is_written_as_java_writes_what_it_read(string value, string expected) => Assert.Equal(expected, Write(value));

    [Fact]
    public void Names_are_found_again_in_large_objects()
    {
        var members = Enumerable.Range(0, 100).Select(i => $"\"n{i}\":{i}").ToList();
        var twice = members.Concat(Enumerable.Range(0, 100).Select(i => $"\"n{i}\":\"{new string('x', i)}\""));

        var found = Write($"{{{string.Join(',', twice)}}}");

        Assert.Equal($"{{{string.Join(',', Enumerable.Range(0, 100).Select(i => $"\"n{i}\":\"{new string('x', i)}\""))}}}", found);
        Assert.Equal($"{{{string.Join(',', members)}}}", Write($"{{{string.Join(',', members)}}}"));
    }
}
