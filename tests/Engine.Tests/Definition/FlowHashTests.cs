namespace Matih.Engine.Tests.Definition;

/// <summary>The hash changes with what decides the rows of the table, and with nothing else.</summary>
public sealed class FlowHashTests
{
    private const string Text =
        """
        metadata: { name: p, owner: me }
        connections:
          main: { bootstrap_servers: "b:9092", security: { protocol: sasl_ssl, mechanism: PLAIN, username: u, password: one } }
        sources:
          clicks:
            type: kafka
            connection: main
            topic: t
            consumer_group: g
            format: json
            start_offset: earliest
            on_error: fail
            schema: id BIGINT, code STRING
            json: { fail_on_missing_field: false }
        transformations:
          - name: step
            type: sql_transform
            input: clicks
            sql: SELECT id, code FROM {{ input }}
        sinks:
          lake:
            type: iceberg
            input: step
            table: a.t
            partition_by: [code]
        orchestration: { checkpoint_interval: 60s }

        """;

    private static string Hash(string text) => Assert.Single(Samples.Valid(text).Flows).Hash;

    [Fact]
    public void The_hash_is_the_same_on_every_machine() =>
        Assert.Equal("10d99d8ff6f2cb4a0d72fae862d3356c9e589536ef435df6346a2c455d9e4791", Hash(Text));

    [Theory]
    [InlineData("topic: t", "topic: u")]
    [InlineData("id BIGINT", "id INT")]
    [InlineData("id BIGINT", "id BIGINT NOT NULL")]
    [InlineData("fail_on_missing_field: false", "fail_on_missing_field: true")]
    [InlineData("SELECT id, code", "SELECT code, id")]
    [InlineData("table: a.t", "table: a.u")]
    [InlineData("table: a.t", "table: a.b.t")]
    [InlineData("partition_by: [code]", "partition_by: [id]")]
    [InlineData("partition_by: [code]", "partition_by: ['bucket(4, code)']")]
    [InlineData("partition_by: [code]", "partition_by: []")]
    [InlineData("{ checkpoint_interval: 60s }", "{ time_zone: Europe/Berlin }")]
    public void What_decides_the_rows_changes_the_hash(string from, string to) =>
        Assert.NotEqual(Hash(Text), Hash(Text.Replace(from, to, StringComparison.Ordinal)));

    [Theory]
    [InlineData("password: one", "password: two")]
    [InlineData("b:9092", "c:9092")]
    [InlineData("name: p,", "name: q,")]
    [InlineData("owner: me", "owner: you")]
    [InlineData("consumer_group: g", "consumer_group: h")]
    [InlineData("start_offset: earliest", "start_offset: latest")]
    [InlineData("on_error: fail", "on_error: skip")]
    [InlineData("checkpoint_interval: 60s", "checkpoint_interval: 5s")]
    [InlineData("FROM {{ input }}", "FROM {{ input }}   ")]
    [InlineData("step", "renamed")]
    [InlineData("id BIGINT, code STRING", "id   BIGINT,code VARCHAR(2147483647)")]
    public void What_does_not_decide_them_leaves_it(string from, string to) =>
        Assert.Equal(Hash(Text), Hash(Text.Replace(from, to, StringComparison.Ordinal)));
}
