using Matih.Definition;
using Matih.Delivery;
using Matih.Engine.Tests.Definition;
using Matih.Flink;
using Matih.Hosting.Flink;
using Matih.Iceberg;
using Matih.Planning;

namespace Matih.Engine.Tests.Hosting.Flink;

public sealed class StatementCheckTests
{
    private const string Windows = """
        metadata: { name: windows }
        sources:
          clicks: { type: kafka, connection: "b:9092", topic: web.clicks, consumer_group: g, format: json, schema: "user_id STRING, page_url STRING" }
        transformations:
          - name: per_minute
            type: sql_transform
            input: clicks
            sql: |
              SELECT user_id, window_start, COUNT(*) AS n
              FROM TABLE(TUMBLE(TABLE {{ input }}, DESCRIPTOR(event_timestamp), INTERVAL '1' MINUTE))
              GROUP BY user_id, window_start, window_end
        sinks:
          lake: { type: iceberg, table: web.per_minute, mode: append }
        orchestration: { engine: flink, parallelism: 2 }
        """;

    private static readonly string Job = new('a', 32);

    [Theory]
    [InlineData("'1' MINUTE", "'5' MINUTE", true)]
    [InlineData("user_id, window_start", "page_url, window_start", true)]
    [InlineData("table: web.per_minute", "table: web.other", true)]
    [InlineData("COUNT(*) AS n\n", "COUNT(*)   AS n\n\n", false)]
    [InlineData("parallelism: 2", "parallelism: 4", false)]
    [InlineData("b:9092", "c:9092", false)]
    public void A_statement_that_only_flink_runs_is_recognized(string text, string other, bool isOther)
    {
        var given = new GivenTable(TableIdentifier.Parse("web.per_minute"), Job, HasCommits: true) { Statements = Deployed(Windows) };
        var script = Script(Windows.Replace(text, other, StringComparison.Ordinal));

        var refusal = Record.Exception(() => StatementCheck.RequireSame(script, [given], Job, null, keepsState: false)) as PipelineException;

        Assert.Equal(isOther, refusal is { ExitCode: ExitCode.Refused });
        if (isOther) Assert.Contains("--keep-state", refusal!.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_job_of_which_the_table_says_nothing_is_not_compared() =>
        StatementCheck.RequireSame(Script(Windows), [new GivenTable(TableIdentifier.Parse("web.per_minute"), Job, HasCommits: true)], Job, null, keepsState: false);

    [Theory]
    [InlineData("topic: web.a,", "topic: web.b,", "topic: web.b }", "topic: web.a }", true)]
    [InlineData("topic: web.a,", "topic: web.c,", "", "", true)]
    [InlineData("{{ input }} UNION", "b UNION", "FROM b\"", "FROM {{ input }}\"", true)]
    [InlineData("SELECT user_id FROM {{", "SELECT UPPER(user_id) AS user_id FROM {{", "", "", false)]
    public void Other_topics_and_another_order_are_refused_even_where_state_is_kept(string text, string other, string second, string otherSecond, bool isRefused)
    {
        const string union = """
            metadata: { name: both }
            sources:
              a: { topic: web.a, type: kafka, connection: "b:9092", consumer_group: g, format: json, schema: "user_id STRING" }
              b: { type: kafka, connection: "b:9092", consumer_group: g, format: json, schema: "user_id STRING", topic: web.b }
            transformations:
              - { name: both, type: sql_transform, input: a, sql: "SELECT user_id FROM {{ input }} UNION ALL SELECT user_id FROM b" }
            sinks:
              lake: { type: iceberg, table: web.both, mode: append }
            orchestration: { engine: flink }
            """;
        var given = new GivenTable(TableIdentifier.Parse("web.both"), Job, HasCommits: true) { Statements = Deployed(union) };
        var changed = union.Replace(text, other, StringComparison.Ordinal);
        if (second != "") changed = changed.Replace(second, otherSecond, StringComparison.Ordinal);
        Assert.NotEqual(union, changed);

        var refusal = Record.Exception(() => StatementCheck.RequireSame(Script(changed), [given], Job, null, keepsState: true)) as PipelineException;

        Assert.Equal(isRefused, refusal is { ExitCode: ExitCode.Refused });
    }

    [Fact]
    public void What_an_older_version_has_written_is_compared_by_its_statements_alone()
    {
        var given = new GivenTable(TableIdentifier.Parse("web.per_minute"), Job, HasCommits: true) { Statements = DeployedStatements.Parse($"{Job}={Script(Windows).StatementHash}") };

        StatementCheck.RequireSame(Script(Windows), [given], Job, null, keepsState: false);
        Assert.Throws<PipelineException>(() => StatementCheck.RequireSame(Script(Windows.Replace("'1' MINUTE", "'5' MINUTE", StringComparison.Ordinal)), [given], Job, null, keepsState: false));
    }

    /// <summary>What the table says after the definition was deployed, read back from its property.</summary>
    private static DeployedStatements Deployed(string text) => DeployedStatements.Parse(DeployedStatements.Parse(null).With(Job, new DeployedHash(Script(text).StatementHash, Script(text).TopicHash)).ToString());

    private static FlinkScript Script(string text)
    {
        var definition = Samples.Valid(text);
        return new FlinkGenerator(definition, WrittenDefinition.Read("p.yaml", text), PipelinePlanner.Plan(definition, isForFlink: true).Flows, new FlinkTraits(), _ => "PEM").Generate().Script!;
    }
}
