using System.Text;
using System.Text.Json;
using Matih.Engine.Tests.Definition;
using Matih.Engine.Tests.Hosting;
using Matih.Fixtures;
using Matih.Host.Testing;
using Matih.Hosting;

namespace Matih.Engine.Tests.Host;

/// <summary>What <c>matih test</c> makes of the tests of a definition.</summary>
public sealed class DefinitionTestingTests
{
    private const string Definition =
        """
        metadata: { name: orders, version: "1" }
        sources:
          src: { type: kafka, connection: "localhost:9092", topic: shop.orders, consumer_group: g, format: json, schema: "id BIGINT NOT NULL, n INT, s STRING" }
        transformations:
          - { name: all, type: sql_transform, sql: "SELECT id, n, s FROM {{ input }} WHERE n > 0" }
        sinks:
          lake: { type: iceberg, table: shop.orders }

        """;

    [Fact]
    public void The_tests_of_the_samples_pass()
    {
        var count = 0;
        foreach (var file in Samples.All)
        {
            var load = PipelineLoading.Load(new PipelineRequest(file, [], null), Settings.Of(("KAFKA_CONNECTION", "b:9092"), ("KAFKA_PASSWORD", "p")), isForFlink: true);
            var (tests, errors) = TestPreparation.Prepare(load.Pipeline!, Path.GetDirectoryName(file)!);

            Assert.Empty(errors);
            Assert.All(tests, test => Assert.Equal([], TestRun.Run(test, TimeProvider.System).Differences));
            count += tests.Length;
        }
        Assert.True(count >= 2, $"{count} tests");
    }

    [Theory]
    [InlineData("[{ id: 1, n: 1, s: a }, { id: 2, n: 2 }]", "rows: [{ id: 2, n: 2, s: ~ }, { id: 1, n: 1, s: a }]", "")]
    [InlineData("[{ id: 1, n: 1, s: a }]", "rows: [{ id: 1 }]", "")]
    [InlineData("[{ id: 1, n: 0 }]", "rows: []", "")]
    [InlineData("[{ id: 1, n: 1 }]", "filtered: 0", "")]
    [InlineData("[{ id: 1, n: 0 }, { id: 1 }]", "filtered: 1", "filtered: expected 1, found 2")]
    [InlineData("[{ id: 1, n: 1 }]", "rows: []", """
        rows: expected 0, found 1
          unexpected  { id: 1, n: 1, s: NULL }
        """)]
    [InlineData("[{ id: 1, n: 1, s: a }]", "rows: [{ id: 1, n: 2, s: b }, { id: 1, n: 1, s: a }]", """
        rows: expected 2, found 1
          missing     { id: 1, n: 2, s: "b" }
        """)]
    [InlineData("[{ id: 1, n: 1 }, { id: 1, n: 1 }]", "rows: [{ id: 1, n: 1 }]", """
        rows: expected 1, found 2
          unexpected  { id: 1, n: 1 }
        """)]
    [InlineData("[{ id: 1, n: 1 }]", "rows: [{ id: 1, n: 1 }, { id: 1, n: 1 }]", """
        rows: expected 2, found 1
          missing     { id: 1, n: 1 }
        """)]
    [InlineData("[{ id: 1, n: 1, s: a }, { id: 2, n: 2, s: \"NULL\" }]", "rows: [{ id: 1, n: 1, s: b }, { id: 2, n: 2 }]", """
        rows: expected 2, found 2
          differs     { id: 1, n: 1, s: "a" }
            s: expected "b", found "a"
          differs     { id: 2, n: 2, s: "NULL" }
            s: expected NULL, found "NULL"
        """)]
    [InlineData("[{ id: 1, n: 1 }, { id: 2, n: 2 }]", "{ ordered: true, rows: [{ id: 2, n: 2 }, { id: 1, n: 1 }, { id: 3 }] }", """
        rows: expected 3, found 2
          row 1       { id: 1, n: 1 }
            id: expected 2, found 1
            n: expected 2, found 1
          row 2       { id: 2, n: 2 }
            id: expected 1, found 2
            n: expected 1, found 2
          missing     { id: 3, n: NULL }
        """)]
    [InlineData("[{ n: 1 }, \"{\"]", "rows: []", """
        rejected: expected 0, found 2
          record 1: field id: expected BIGINT NOT NULL, found no such member
          record 2: value: the text ends inside the JSON document, at offset 1
        """)]
    [InlineData("[{ n: 1 }, { id: 1, n: 1 }]", "rejected: 1", "")]
    [InlineData("[{ n: 1 }, \"{\"]", "rejected: [no such member, the text ends]", "")]
    [InlineData("[{ n: 1 }, \"{\"]", "rejected: [no such member, no such member]", """rejected: record 2: expected a reason with "no such member", found "value: the text ends inside the JSON document, at offset 1" """)]
    [InlineData("[{ id: 1, n: 1 }, ~]", "{ rows: [{ id: 1 }], filtered: 1 }", "")]
    public void A_test_says_where_it_differs(string input, string expect, string differences)
    {
        var result = Run($"tests: [{{ name: t, input: {input}, expect: {(expect[0] == '{' ? expect : $"{{ {expect} }}")} }}]");

        Assert.Equal(differences.Trim(), string.Join('\n', result.Differences));
        Assert.Equal(differences.Length == 0, result.IsOk);
    }

    [Fact]
    public void Records_have_the_metadata_that_the_test_gives_them_and_what_follows_from_the_others()
    {
        var result = Run("""
            tests:
              - name: t
                now: 2026-05-01T12:00:00Z
                input:
                  records:
                    - { value: { id: 1 } }
                    - { value: { id: 2 }, key: k, partition: 3, offset: 40, timestamp: 2026-05-02T02:00:00+02:00, headers: { trace: abc } }
                    - { value: { id: 3 }, partition: 3 }
                    - { value: { id: 4 } }
                expect:
                  ordered: true
                  rows:
                    - { id: 1, p: 0, o: 0, t: 2026-05-01T12:00:00Z, now: 2026-05-01T12:00:00Z }
                    - { id: 2, p: 3, o: 40, t: 2026-05-02T00:00:00Z, k: k, h: YWJj, now: 2026-05-01T14:00:00+02:00 }
                    - { id: 3, p: 3, o: 41, t: 2026-05-01T12:00:00Z, now: 2026-05-01T12:00:00Z }
                    - { id: 4, p: 0, o: 1, t: 2026-05-01T12:00:00Z, now: 2026-05-01T12:00:00Z }
            """, "SELECT id, `partition` AS p, `offset` AS o, `timestamp` AS t, `key` AS k, headers['trace'] AS h, CURRENT_TIMESTAMP AS now FROM {{ input }}");

        Assert.Equal("", string.Join('\n', result.Differences));
    }

    [Fact]
    public void More_records_than_a_batch_holds_are_one_input()
    {
        var result = Run($"tests: [{{ name: t, input: [{string.Join(", ", Enumerable.Range(1, 1200).Select(i => $"{{id: {i}, n: {i % 2}}}"))}], expect: {{ filtered: 600, rejected: 0, rows: [{string.Join(", ", Enumerable.Range(0, 600).Select(i => $"{{id: {2 * i + 1}}}"))}] }} }}]");

        Assert.Equal("", string.Join('\n', result.Differences));
    }

    [Fact]
    public void Tests_read_their_files_from_the_folder_of_the_definition()
    {
        var folder = TemporaryDirectory.New();
        File.WriteAllText(Path.Combine(folder, "in.ndjson"), "{\"id\":1,\"n\":1}\n\n{\"id\":2,\"n\":1}\n");
        File.WriteAllText(Path.Combine(folder, "out.ndjson"), "{\"id\":2}\n{\"id\":1}\n");

        Assert.Equal([], Run("tests: [{ name: t, input: { file: in.ndjson }, expect: { rows: { file: out.ndjson } } }]", folder: folder).Differences);
    }

    [Fact]
    public void What_a_file_holds_is_decoded_as_the_bytes_that_stand_there()
    {
        var folder = TemporaryDirectory.New();
        File.WriteAllBytes(Path.Combine(folder, "in.ndjson"), [.. "\ufeff{\"id\":1,\"n\":1}\r\n\r\n{\"id\":2,\"n\":1,\"s\":\""u8, 0xFF, .. "\"}\n"u8, .. Encoding.UTF8.GetBytes($"{{\"id\":3,\"n\":1,\"s\":\"{new string('é', 100_000)}\"}}")]);

        Assert.Equal([], Run("tests: [{ name: t, input: { file: in.ndjson }, expect: { rows: [{ id: 1 }, { id: 3 }], rejected: [invalid UTF-8] } }]", folder: folder).Differences);
    }

    [Theory]
    [InlineData("input: [], expect: { rows: [{ id: 1, amuont: 2 }] }", "9:59: tests[0].expect.rows.list[0].amuont: there is no column 'amuont'. The table gets id, n, s.")]
    [InlineData("input: [], expect: { rows: [{ idd: 2 }] }", "9:49: tests[0].expect.rows.list[0].idd: there is no column 'idd'; did you mean 'id'? The table gets id, n, s.")]
    [InlineData("input: [], expect: { rows: [{ n: 3000000000 }, { n: x }, { n: 1.5 }] }", "9:47: tests[0].expect.rows.list[0].n: expected INT, found 3000000000\n9:66: tests[0].expect.rows.list[1].n: expected INT, found \"x\"\n9:76: tests[0].expect.rows.list[2].n: expected INT, found 1.5")]
    [InlineData("input: [], expect: { rows: [{}] }", "9:3: tests[0].expect.rows: no row names a column. The table gets id, n, s.")]
    [InlineData("input: { file: gone.ndjson }, expect: { filtered: 0 }", "9:29: tests[0].input.file: gone.ndjson cannot be read: ")]
    public void What_does_not_fit_the_table_is_found_without_running(string test, string errors)
    {
        var found = string.Join('\n', Prepare($"tests:\n- {{ name: t, {test} }}", null, TemporaryDirectory.New()).Errors).Replace("p.yaml:", "", StringComparison.Ordinal);

        Assert.StartsWith(errors, found, StringComparison.Ordinal);
        Assert.Equal(errors.Count(c => c == '\n'), found.Count(c => c == '\n'));
    }

    [Fact]
    public void A_line_of_a_file_that_is_no_row_has_its_place()
    {
        var folder = TemporaryDirectory.New();
        File.WriteAllText(Path.Combine(folder, "out.ndjson"), "{\"id\":1}\n\n[1]\n{\"id\":}\n{\"id\":1,\"id\":2}\n{\"idd\":1}\n");

        var errors = Prepare("tests: [{ name: t, input: [], expect: { rows: { file: out.ndjson } } }]", null, folder).Errors.Select(error => error.ToString()).ToArray();

        Assert.Equal("out.ndjson:3:1: tests[0].expect.rows.file: expected a JSON object, found [1]", errors[0]);
        Assert.StartsWith("out.ndjson:4:7: tests[0].expect.rows.file: is no JSON object: ", errors[1], StringComparison.Ordinal);
        Assert.StartsWith("out.ndjson:5:", errors[2], StringComparison.Ordinal);
        Assert.Equal("out.ndjson:6:1: tests[0].expect.rows.file: idd: there is no column 'idd'; did you mean 'id'? The table gets id, n, s.", errors[3]);
        Assert.Equal(4, errors.Length);
    }

    [Fact]
    public void Statements_that_only_Flink_runs_cannot_be_tested()
    {
        var (tests, errors) = Prepare("orchestration: { engine: flink }\ntests: [{ name: t, input: [], expect: { filtered: 0 } }]", "SELECT COUNT(*) AS id FROM {{ input }}", TemporaryDirectory.New());

        Assert.Empty(tests);
        Assert.StartsWith("p.yaml:9:9: tests[0]: the statements of sink 'lake' are ones that Flink alone runs", Assert.Single(errors).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Programs_get_one_object()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, HostJson.Compact)) TestReport.WriteJson([new("a", []), new("b", ["filtered: expected 1, found 0"])], json);

        Assert.Equal("""{"tests":[{"name":"a","ok":true,"differences":[]},{"name":"b","ok":false,"differences":["filtered: expected 1, found 0"]}],"failed":1}""", Encoding.UTF8.GetString(stream.ToArray()));
    }

    private static Matih.Host.Testing.TestResult Run(string tests, string? sql = null, string? folder = null)
    {
        var (prepared, errors) = Prepare(tests, sql, folder ?? TemporaryDirectory.New());
        Assert.Equal("", string.Join('\n', errors));
        return TestRun.Run(Assert.Single(prepared), TimeProvider.System);
    }

    private static (IReadOnlyList<PreparedTest> Tests, IReadOnlyList<Matih.Definition.DefinitionError> Errors) Prepare(string tests, string? sql, string folder)
    {
        var text = sql is null ? Definition : Definition.Replace("SELECT id, n, s FROM {{ input }} WHERE n > 0", sql, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(folder, "p.yaml"), text + tests + "\n");
        var load = PipelineLoading.Load(new PipelineRequest("p.yaml", [], null), Settings.Of() with { CurrentDirectory = folder }, isForFlink: null);
        Assert.Equal("", string.Join('\n', load.Findings.Select(finding => finding.Message)));
        var (prepared, errors) = TestPreparation.Prepare(load.Pipeline!, folder);
        return (prepared, errors);
    }
}
