using Matih.Batches;
using Matih.Sql;

namespace Matih.Engine.Tests.Sql;

public sealed class SessionZoneTests
{
    /// <summary>As a real Flink 1.20.3 gave them in the zone America/New_York: EPOCH is of the local time, months are of the date in UTC.</summary>
    [Theory]
    [InlineData("CAST(TIMESTAMP '2024-02-29 22:00:01' AS TIMESTAMP_LTZ(3)) + INTERVAL '1' MONTH", "2024-03-31T23:00:01Z")]
    [InlineData("TIMESTAMPADD(MONTH, 1, CAST(TIMESTAMP '2024-02-29 22:00:01' AS TIMESTAMP_LTZ(3)))", "2024-03-31T23:00:01Z")]
    [InlineData("CAST(TIMESTAMP '2024-03-09 22:00:01' AS TIMESTAMP_LTZ(3)) + INTERVAL '1' DAY", "2024-03-10T23:00:01Z")]
    [InlineData("CAST(EXTRACT(EPOCH FROM CAST(TIMESTAMP '2024-03-09 22:00:01' AS TIMESTAMP_LTZ(3))) AS STRING)", "1710021601")]
    [InlineData("CAST(TIMESTAMPDIFF(MONTH, CAST(TIMESTAMP '2024-02-29 22:00:01' AS TIMESTAMP_LTZ(3)), CAST(TIMESTAMP '2024-03-29 23:00:01' AS TIMESTAMP_LTZ(3))) AS STRING)", "0")]
    [InlineData("CAST(TIMESTAMPDIFF(DAY, CAST(TIMESTAMP '2024-03-09 22:00:01' AS TIMESTAMP_LTZ(3)), CAST(TIMESTAMP '2024-03-10 22:30:01' AS TIMESTAMP_LTZ(3))) AS STRING)", "0")]
    [InlineData("FLOOR(CAST(TIMESTAMP '2024-01-02 03:04:05.678' AS TIMESTAMP_LTZ(3)) TO DAY)", "2024-01-02T00:00:00Z")]
    [InlineData("CAST(UNIX_TIMESTAMP(CAST(CAST(TIMESTAMP '2024-01-02 03:04:05.678' AS TIMESTAMP_LTZ(3)) AS STRING)) AS STRING)", "1704182645")]
    [InlineData("CAST(UNIX_TIMESTAMP('2024-01-02 03:04:05+01:00', 'yyyy-MM-dd HH:mm:ssXXX') AS STRING)", "1704161045")]
    public void Instants_are_of_the_session_s_zone_where_flink_s_are(string expression, string expected)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById("America/New_York");
        var compilation = QueryCompiler.Compile($"SELECT {expression} AS r", QueryRun.Schema("c STRING"), new QuerySettings { TimeZone = zone });
        Assert.Empty(compilation.Errors);
        var errors = new RowErrors();
        errors.Clear(1);
        using var executor = compilation.Query!.CreateExecutor(TimeProvider.System, MemoryAccount.Unlimited());

        var batch = executor.Execute(new ColumnBatch(new RowType([]), [], 0), errors);

        Assert.Equal($"[[\"{expected}\"]]", QueryRun.Json(batch, zone));
    }
}
