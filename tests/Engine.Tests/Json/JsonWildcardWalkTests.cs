using System.Globalization;
using System.Text;
using System.Text.Json;
using Matih.Json;

namespace Matih.Engine.Tests.Json;

/// <summary>Random wildcards in random documents against a plain evaluation of the parsed document.</summary>
public sealed class JsonWildcardWalkTests
{
    private readonly JsonWildcardWalk _walk = new();

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 40)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void What_wildcards_lead_to_is_found_in_the_document_s_order(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 50; round++)
        {
            var document = new StringBuilder();
            WriteValue(document, random, 4);
            var text = "$" + string.Concat(Enumerable.Range(0, random.Next(1, 5)).Select(_ => RandomStep(random)));
            JsonPath.TryParse(text, out var path, out _, out _);
            if (path!.IsDefinite) continue;
            var json = document.ToString();
            var expected = new List<string>();
            var fits = Expect(JsonDocument.Parse(json).RootElement, path.Steps.AsSpan(), isBehindWildcard: false, expected);

            var isFound = Run(json, path);

            var found = _walk.Found.ToArray().Select(match => Encoding.UTF8.GetString(match.TextIn(Encoding.UTF8.GetBytes(json))));
            Assert.True(fits == isFound && (!fits || expected.SequenceEqual(found)), $"seed {seed}: {text} in {json}: {(isFound ? string.Join(' ', found) : "no fit")}, expected {(fits ? string.Join(' ', expected) : "no fit")}");
        }
    }

    [Fact]
    public void Of_many_members_each_name_counts_once_with_its_last_value_at_its_first_place()
    {
        var json = "{" + string.Join(',', Enumerable.Range(0, 200).Select(i => string.Create(CultureInfo.InvariantCulture, $"\"{(i % 3 == 0 ? "\\u006b" : "k")}{i % 70}\":{i}"))) + "}";
        JsonPath.TryParse("$.*", out var path, out _, out _);

        Assert.True(Run(json, path!));

        Assert.Equal(Enumerable.Range(0, 70).Select(i => i < 60 ? i + 140 : i + 70), _walk.Found.ToArray().Select(match => int.Parse(match.In(Encoding.UTF8.GetBytes(json)), CultureInfo.InvariantCulture)));
    }

    private bool Run(string json, JsonPath path)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        var extractor = new JsonPathExtractor([path.Trunk]);
        Assert.True(extractor.Extract(bytes), extractor.Error);
        var fits = _walk.Run(bytes, extractor[0], path);
        Assert.Equal(fits, JsonWildcardWalk.Fits(bytes, extractor[0], path));
        return fits;
    }

    /// <summary>Adds the values' texts; false where the document does not fit before the first wildcard.</summary>
    private static bool Expect(JsonElement place, ReadOnlySpan<JsonPathStep> steps, bool isBehindWildcard, List<string> found)
    {
        if (steps.IsEmpty)
        {
            found.Add(place.GetRawText());
            return true;
        }
        var rest = steps[1..];
        switch (steps[0])
        {
            case JsonPathStep.Member member when place.ValueKind == JsonValueKind.Object:
                return place.TryGetProperty(member.Name, out var value) ? Expect(value, rest, isBehindWildcard, found) : isBehindWildcard;
            case JsonPathStep.Index index when place.ValueKind == JsonValueKind.Array:
                var position = index.Position < 0 ? index.Position + place.GetArrayLength() : index.Position;
                return position < 0 || position >= place.GetArrayLength() || Expect(place[position], rest, isBehindWildcard, found);
            case JsonPathStep.Wildcard:
                foreach (var part in Parts(place)) Expect(part, rest, isBehindWildcard: true, found);
                return true;
            default:
                return isBehindWildcard;
        }
    }

    private static IEnumerable<JsonElement> Parts(JsonElement place) => place.ValueKind switch
    {
        JsonValueKind.Array => place.EnumerateArray(),
        JsonValueKind.Object => place.EnumerateObject().Select(member => member.Name).Distinct().Select(place.GetProperty),
        _ => [],
    };

    private static string RandomStep(Random random) => random.Next(8) switch
    {
        0 => "[0]",
        1 => "[-1]",
        2 => "[1]",
        3 or 4 => random.Next(2) == 0 ? "[*]" : ".*",
        _ => $".{(char)('a' + random.Next(3))}",
    };

    private static void WriteValue(StringBuilder json, Random random, int depthMax)
    {
        var kind = random.Next(depthMax == 0 ? 3 : 9);
        if (kind < 3)
        {
            json.Append(kind switch { 0 => "1.50", 1 => "null", _ => "\"t\"" });
            return;
        }
        var isObject = kind % 2 == 0;
        json.Append(isObject ? "{ " : "[");
        for (var i = random.Next(5); i > 0; i--)
        {
            if (isObject) json.Append(random.Next(6) == 0 ? "\"\\u0061\" : " : $"\"{(char)('a' + random.Next(3))}\":");
            WriteValue(json, random, depthMax - 1);
            if (i > 1) json.Append(", ");
        }
        json.Append(isObject ? '}' : ']');
    }
}
