using Matih.Batches;
using Matih.Sql;

namespace Matih.Engine.Tests.Sql;

public sealed class SeedQueryTests
{
    private const string Sql = """
        SELECT
          JSON_VALUE(value, '$.user_id') AS user_id,
          JSON_VALUE(value, '$.event_type') AS event_type,
          JSON_VALUE(value, '$.page_url') AS page_url,
          event_timestamp
        FROM {{ input }}
        """;

    private static QueryInput Clickstream => new("clickstream", null, HasRecordMetadata: true, InputFormat.Json);

    [Fact]
    public void The_decoder_answers_the_paths_and_the_value_itself_is_not_needed()
    {
        var query = QueryRun.Compiled(Sql, Clickstream);

        Assert.Equal(
            [
                new InputColumn.JsonScalar("$.user_id"), new InputColumn.JsonScalar("$.event_type"), new InputColumn.JsonScalar("$.page_url"),
                new InputColumn.Metadata(RecordMetadata.EventTimestamp, new DataType.Timestamp(3)),
            ], query.Inputs);
        Assert.Equal("ROW<`user_id` STRING, `event_type` STRING, `page_url` STRING, `event_timestamp` TIMESTAMP(3)>", query.Output.ToString());
    }

    [Fact]
    public void Columns_pass_through_without_a_copy()
    {
        using var run = new QueryRun(Sql, Clickstream);

        var batch = run.Execute("""["u1","click","/a",1704164645123000]""", """[null,"view","/b",0]""");

        Assert.Equal("""[["u1","click","/a","2024-01-02T03:04:05.123"],[null,"view","/b","1970-01-01T00:00:00"]]""", QueryRun.Json(batch));
        for (var i = 0; i < 4; i++) Assert.Same(run.InputColumns[i], batch[i]);
    }

    [Fact]
    public void Rows_that_are_left_out_are_not_given()
    {
        using var run = new QueryRun(Sql, Clickstream);

        var batch = run.Execute(errors => errors.Reject(0, "malformed"), """["u1","click","/a",0]""", """["u2","view","/b",0]""");

        Assert.Equal("""[["u2","view","/b","1970-01-01T00:00:00"]]""", QueryRun.Json(batch));
    }
}
