using System.Diagnostics;
using System.Text;
using Matih.Definition;

namespace Matih.Engine.Tests.Definition;

/// <summary>Files made to exhaust the reader end in one plain error, and quickly.</summary>
public sealed class YamlLimitsTests
{
    private const string Valid =
        """
        metadata: { name: p }
        sources:
          clicks: { type: kafka, connection: "b:9092", topic: t, consumer_group: g, format: json }
        sinks:
          lake: { type: iceberg, table: a.t }

        """;

    [Fact]
    public void A_file_of_one_mebibyte_is_read_and_one_more_byte_is_not()
    {
        var padding = new string('x', (1 << 20) - Encoding.UTF8.GetByteCount(Valid) - 2);

        Samples.Valid(Valid + "# " + padding);
        Assert.Equal("p.yaml:1:1: the file has 1,048,577 bytes; a definition has at most 1,048,576", Samples.Errors(Valid + "# x" + padding));
    }

    [Fact]
    public void The_length_limit_counts_bytes_and_not_characters() =>
        Assert.Equal("p.yaml:1:1: the file has 1,050,002 bytes; a definition has at most 1,048,576", Samples.Errors("# " + new string('é', 525_000)));

    [Fact]
    public void Bytes_that_are_not_UTF8_are_named_where_they_stand() =>
        Assert.Equal(
            @"p.yaml:2:11: holds bytes that are not UTF-8, or the character U+FFFD that stands for such; save the file as UTF-8 (""\uFFFD"" in double quotes writes that character)",
            Samples.Errors("# a\nowner: caf" + Encoding.UTF8.GetString([0xe9]) + "\n"));

    [Fact]
    public void A_NUL_is_named_where_it_stands() =>
        Assert.Equal("p.yaml:6:3: holds a NUL character, which YAML does not allow; take it out", Samples.Errors(Valid + "  \0nonsense: [\n"));

    [Theory]
    [InlineData("[", "]")]
    [InlineData("{a: ", "}")]
    public void Nesting_ends_at_32_levels(string open, string close)
    {
        var deep = string.Concat(Enumerable.Repeat(open, 31)) + "x" + string.Concat(Enumerable.Repeat(close, 31));

        Assert.DoesNotContain("levels", Samples.Errors("bomb: " + deep), StringComparison.Ordinal);
        Assert.Contains("more than 32 levels inside one another", Samples.Errors("bomb: " + open + deep + close), StringComparison.Ordinal);
        Assert.Contains("more than 32 levels inside one another", Samples.Errors("bomb: " + string.Concat(Enumerable.Repeat(open, 200_000))), StringComparison.Ordinal);
    }

    [Fact]
    public void A_billion_laughs_are_stopped_by_counting_what_aliases_stand_for()
    {
        var text = new StringBuilder("a: &a [x, x, x, x, x, x, x, x, x, x]\n");
        for (var c = 'b'; c <= 'g'; c++)
            text.Append(c).Append(": &").Append(c).Append(" [").AppendJoin(", ", Enumerable.Repeat("*" + (char)(c - 1), 10)).Append("]\n");

        Assert.Equal("p.yaml:5:8: e[0]: more than 20,000 values, aliases counted as what they stand for", Samples.Errors(text.ToString()));
    }

    [Fact]
    public void More_than_64_aliases_are_refused()
    {
        var aliases = string.Join(", ", Enumerable.Repeat("*a", 65));

        Assert.Equal("p.yaml:2:261: b[64]: more than 64 aliases", Samples.Errors($"a: &a x\nb: [{aliases}]\n"));
    }

    [Fact]
    public void More_than_20000_values_are_refused() =>
        Assert.Contains("more than 20,000 values", Samples.Errors("a: [" + string.Join(',', Enumerable.Repeat("x", 20_001)) + "]"), StringComparison.Ordinal);

    [Theory]
    [InlineData("&")]
    [InlineData("*")]
    [InlineData("? ")]
    [InlineData("- ")]
    [InlineData("-\n")]
    [InlineData("!")]
    [InlineData("%YAML ")]
    [InlineData("\"")]
    [InlineData("'")]
    [InlineData("{")]
    [InlineData("}")]
    [InlineData(":")]
    [InlineData("a: ")]
    [InlineData("|\n")]
    [InlineData(">\n ")]
    [InlineData("\t")]
    [InlineData("---\n")]
    [InlineData("\0")]
    [InlineData("\ud800")]
    [InlineData("${")]
    public void A_file_full_of_one_token_gives_errors_within_seconds(string token)
    {
        var text = string.Concat(Enumerable.Repeat(token, 300_000 / token.Length));
        var started = Stopwatch.StartNew();

        var result = DefinitionReader.Read("p.yaml", text, Samples.Inputs());

        Assert.NotEmpty(result.Errors);
        Assert.True(started.Elapsed < TimeSpan.FromSeconds(20), $"took {started.Elapsed}");
    }

    [Fact]
    public void A_type_nested_beyond_reason_is_an_error() =>
        Assert.NotEqual("", Samples.Errors(Valid.Replace("format: json", $"format: json, schema: \"a {string.Concat(Enumerable.Repeat("ARRAY<", 10_000))}\"", StringComparison.Ordinal)));

    /// <summary>Random damage to valid files never escapes as an exception.</summary>
    [Fact]
    public void Damaged_files_give_results_and_never_exceptions()
    {
        const int seed = 7_041_776;
        var random = new Random(seed);
        var samples = Samples.All.Select(File.ReadAllText).ToList();
        const string Spice = "{}[]:,-?&*!|>'\"%@`#\n\t \0$~<\u2028é";
        for (var round = 0; round < 3000; round++)
        {
            var text = new StringBuilder(samples[random.Next(samples.Count)]);
            for (var times = random.Next(1, 6); times > 0; times--)
            {
                var at = random.Next(text.Length);
                if (random.Next(3) == 0) text.Remove(at, Math.Min(random.Next(1, 20), text.Length - at));
                else text.Insert(at, Spice[random.Next(Spice.Length)]);
                if (text.Length == 0) text.Append(' ');
            }
            try
            {
                var result = DefinitionReader.Read("p.yaml", text.ToString(), Samples.Inputs(("KAFKA_CONNECTION", "b:1"), ("KAFKA_PASSWORD", "x")));

                Assert.Equal(result.IsValid, result.Errors.IsEmpty);
                Assert.All(result.Errors, error => Assert.True(error.Line > 0 && error.Column > 0));
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}, round {round}: {e}\n\n{text}");
            }
        }
    }
}
