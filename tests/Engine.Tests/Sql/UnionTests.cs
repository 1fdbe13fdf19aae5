using System.Text;
using Matih.Batches;
using Matih.Decoding;
using Matih.Sql;

namespace Matih.Engine.Tests.Sql;

/// <summary>UNION ALL: several queries of one statement over the same records.</summary>
public sealed class UnionTests
{
    private const string Schema = "id INT NOT NULL, n INT, s STRING, a ARRAY<INT>, r ARRAY<ROW<k INT, v STRING, w STRING>>";

    private static readonly string[] Documents =
    [
        """{"id":1,"n":5,"s":"p","a":[10,20],"r":[{"k":1,"v":"x"}]}""",
        """{"id":2,"n":0,"a":[]}""",
        """{"id":3,"a":[30],"r":[{"k":2,"v":"y"},{"k":3}]}""",
    ];

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 60)];

    /// <summary>The rows as JSON, how many records they come from, and what was rejected.</summary>
    private static string Run(CompiledQuery query, params string[] documents)
    {
        using var executor = query.CreateExecutor(TimeProvider.System, MemoryAccount.Unlimited());
        using var decoder = new JsonRecordDecoder(query.Inputs, new JsonDecodeSettings { RequiresObject = true }, "src", MemoryAccount.Unlimited());
        using var batch = new ManagedRawBatch();
        var errors = new RowErrors();
        var found = "";
        // The second time is the same as the first: nothing of a batch stays for the next.
        for (var time = 0; time < 2; time++)
        {
            batch.Release();
            foreach (var document in documents) batch.Add(Encoding.UTF8.GetBytes(document));
            errors.Clear(batch.Count);
            var rows = executor.Execute(decoder.Decode(batch, errors), errors);
            Assert.Equal(batch.Count, executor.ProducingCount + executor.FilteredCount + errors.Errors.Count);
            errors.Sort();
            var outcome = $"{QueryRun.Json(rows)} of {executor.ProducingCount}{string.Concat(errors.Errors.Select(error => $" !{error.Row} {error.Reason}"))}";
            Assert.True(time == 0 || outcome == found, $"{found}, then {outcome}");
            found = outcome;
        }
        return found;
    }

    private static string Run(string sql, params string[] documents) => Run(QueryRun.Compiled(sql, QueryRun.Schema(Schema)), documents);

    [Theory]
    [InlineData("SELECT id FROM src UNION ALL SELECT n FROM src", "[[1],[2],[3],[5],[0],[null]] of 3")]
    [InlineData("SELECT id, 'a' AS kind FROM src WHERE n = 5 UNION ALL SELECT id, 'bcd' FROM src WHERE id > 1", """[[1,"a"],[2,"bcd"],[3,"bcd"]] of 3""")]
    [InlineData("SELECT id FROM src WHERE id = 1 UNION ALL SELECT id FROM src WHERE n = 5 UNION ALL SELECT id * 10 FROM src WHERE id < 3", "[[1],[1],[10],[20]] of 2")]
    [InlineData("SELECT id FROM src WHERE id > 7 UNION ALL SELECT id FROM src WHERE n > 7", "[] of 0")]
    [InlineData("SELECT id, x FROM src CROSS JOIN UNNEST(a) AS u(x) UNION ALL SELECT id, n FROM src WHERE n > 0", "[[1,10],[1,20],[3,30],[1,5]] of 2")]
    [InlineData("SELECT k AS x FROM src CROSS JOIN UNNEST(r) AS u UNION ALL SELECT k + 10 FROM src CROSS JOIN UNNEST(r) AS u WHERE w IS NULL", "[[1],[2],[3],[11],[12],[13]] of 2")]
    [InlineData("SELECT v AS x FROM src CROSS JOIN UNNEST(r) AS u UNION ALL SELECT s FROM src WHERE s IS NOT NULL", """[["x"],["y"],[null],["p"]] of 2""")]
    [InlineData("WITH t AS (SELECT id, n FROM src WHERE n IS NOT NULL) SELECT id FROM t UNION ALL SELECT n FROM t", "[[1],[2],[5],[0]] of 2")]
    [InlineData("WITH t AS (SELECT id FROM src UNION ALL SELECT n FROM src) SELECT id AS x FROM t WHERE id > 2 UNION ALL SELECT -id FROM t WHERE id < 2", "[[3],[5],[-1],[0]] of 3")]
    [InlineData("WITH t AS (SELECT id, x FROM src CROSS JOIN UNNEST(a) AS u(x)) SELECT x FROM t WHERE x > 10 UNION ALL SELECT id FROM t", "[[20],[30],[1],[1],[3]] of 2")]
    [InlineData("(SELECT id FROM src WHERE id = 1) UNION ALL (SELECT n FROM src WHERE id = 2 UNION ALL SELECT 7 FROM src WHERE id = 3)", "[[1],[0],[7]] of 3")]
    [InlineData("SELECT y AS z FROM (SELECT id AS x, n AS y FROM src UNION ALL SELECT n AS y, id AS x FROM src) AS t WHERE y > 1", "[[5],[2],[3]] of 3")]
    [InlineData("SELECT n, n AS m FROM src WHERE id = 1 UNION ALL SELECT id, id FROM src WHERE id = 2", "[[5,5],[2,2]] of 2")]
    [InlineData("VALUES (1, 'a'), (2, 'bcd')", """[[1,"a"],[2,"bcd"]] of 1""")]
    [InlineData("SELECT 1 AS a UNION ALL VALUES 2, 3", "[[1],[2],[3]] of 1")]
    public void Each_query_adds_its_rows(string sql, string expected) =>
        Assert.Equal(expected, Run(sql, sql.Contains("src", StringComparison.Ordinal) ? Documents : [""""{"id":0}""""]));

    /// <summary>As Flink 1.20.3 answers.</summary>
    [Theory]
    [InlineData("CAST(1 AS INT)", "CAST(2 AS BIGINT)", "BIGINT NOT NULL")]
    [InlineData("CAST(1 AS TINYINT)", "CAST(2 AS SMALLINT)", "SMALLINT NOT NULL")]
    [InlineData("CAST(1 AS INT)", "CAST(2 AS FLOAT)", "FLOAT NOT NULL")]
    [InlineData("CAST(1 AS BIGINT)", "CAST(2 AS DECIMAL(5, 2))", "DECIMAL(21, 2) NOT NULL")]
    [InlineData("CAST(1 AS DECIMAL(5, 2))", "CAST(2 AS DECIMAL(10, 1))", "DECIMAL(11, 2) NOT NULL")]
    [InlineData("CAST(1 AS DECIMAL(5, 2))", "CAST(2 AS FLOAT)", "DOUBLE NOT NULL")]
    [InlineData("CAST(1 AS FLOAT)", "CAST(2 AS DOUBLE)", "FLOAT NOT NULL")]
    [InlineData("CAST(1 AS DOUBLE)", "CAST(2 AS FLOAT)", "DOUBLE NOT NULL")]
    [InlineData("'a'", "'bcd'", "VARCHAR(3) NOT NULL")]
    [InlineData("CAST('a' AS VARCHAR(3))", "'bcde'", "VARCHAR(4) NOT NULL")]
    [InlineData("CAST('a' AS CHAR(3))", "CAST('b' AS CHAR(3))", "CHAR(3) NOT NULL")]
    [InlineData("X'01'", "X'0203'", "VARBINARY(2) NOT NULL")]
    [InlineData("1", "CAST(NULL AS INT)", "INT")]
    [InlineData("CAST('2024-01-01 00:00:00' AS TIMESTAMP(3))", "CAST('2024-01-01 00:00:00' AS TIMESTAMP(6))", "TIMESTAMP(6) NOT NULL")]
    [InlineData("ARRAY[1]", "ARRAY[CAST(2 AS BIGINT)]", "ARRAY<BIGINT NOT NULL> NOT NULL")]
    [InlineData("MAP['a', 1]", "MAP['bcd', 2]", "MAP<VARCHAR(3) NOT NULL, INT NOT NULL> NOT NULL")]
    [InlineData("ROW(1, 'a')", "ROW(2, 'bcd')", "ROW<`EXPR$0` INT NOT NULL, `EXPR$1` VARCHAR(3) NOT NULL> NOT NULL")]
    public void Types_unite_as_in_Flink(string first, string second, string type)
    {
        var query = QueryRun.Compiled($"SELECT {first} AS a UNION ALL SELECT {second}", QueryRun.Schema(Schema));

        Assert.Equal(("a", type), (query.Output[0].Name, query.Output[0].Type.ToString()));
    }

    [Theory]
    [InlineData("SELECT id FROM src UNION SELECT n FROM src", "1:20: UNION (without ALL), which has to remember every row that there ever was, is not supported here; `engine: flink` runs it.")]
    [InlineData("SELECT id FROM src INTERSECT SELECT n FROM src", "1:20: INTERSECT, which has to remember every row that there ever was, is not supported here; `engine: flink` runs it.")]
    [InlineData("SELECT id FROM src UNION ALL SELECT id FROM src EXCEPT SELECT n FROM src", "1:49: EXCEPT, which has to remember every row that there ever was, is not supported here; `engine: flink` runs it.")]
    [InlineData("SELECT id FROM src UNION ALL SELECT DISTINCT id FROM src", "1:37: SELECT DISTINCT, which has to remember every row that there ever was, is not supported here; `engine: flink` runs it.")]
    [InlineData("SELECT id FROM src UNION ALL SELECT id FROM src ORDER BY id", "1:49: ORDER BY is not supported here; `engine: flink` runs it.")]
    [InlineData("SELECT id FROM src UNION ALL SELECT id, n FROM src", "1:30: UNION ALL needs queries of as many columns: there are 1 above, and 2 here.")]
    [InlineData("SELECT id FROM src UNION ALL SELECT s FROM src", "1:30: UNION ALL: column 'id' is INT above and STRING here; cast them to one type.")]
    [InlineData("SELECT CAST(s AS TIMESTAMP(3)) AS t FROM src UNION ALL SELECT CAST(s AS TIMESTAMP_LTZ(3)) FROM src", "1:56: UNION ALL: column 't' is TIMESTAMP(3) above and TIMESTAMP_LTZ(3) here; cast them to one type (`engine: flink` may convert).")]
    [InlineData("SELECT id FROM src UNION ALL SELECT 1", "1:30: UNION ALL of a query over a table and one without FROM is not supported here; `engine: flink` runs it.")]
    [InlineData("SELECT id FROM src UNION ALL SELECT nn FROM src UNION ALL SELECT NOPE(1) FROM src", "1:37: There is no column 'nn' in 'src'; did you mean 'n'? ¶ 1:66: There is no function NOPE.")]
    [InlineData("SELECT NOPE(x) AS y FROM (SELECT id AS x FROM src UNION ALL SELECT n FROM src) AS t", "1:8: There is no function NOPE.")]
    [InlineData("SELECT id FROM src UNION ALL", "1:29: Expected SELECT, found the end of the statement.")]
    [InlineData("(WITH t AS (SELECT 1 AS x) SELECT x FROM t) UNION ALL SELECT 2", "1:1: WITH in parentheses before UNION ALL is not supported here; `engine: flink` runs it.")]
    [InlineData("SELECT id FROM src UNION ALL SELECT 1 / 0 FROM src", "1:39: This fails for every row: Division by zero.")]
    public void What_cannot_be_united_is_refused(string sql, string expected) =>
        Assert.Equal(expected, string.Join(" ¶ ", QueryCompiler.Compile(sql, QueryRun.Schema(Schema), QuerySettings.Default).Errors));

    [Theory]
    [InlineData("SELECT 10 / n AS x FROM src UNION ALL SELECT id FROM src", "[[2],[null],[1],[3]] of 2 !1 Division by zero.")]
    [InlineData("SELECT id AS x FROM src UNION ALL SELECT 10 / n FROM src", "[[1],[3],[2],[null]] of 2 !1 Division by zero.")]
    [InlineData("SELECT id AS x FROM src UNION ALL SELECT n FROM src WHERE 10 / n > 1", "[[1],[3],[5]] of 2 !1 Division by zero.")]
    [InlineData("SELECT id AS x FROM src WHERE 10 / n > 1 UNION ALL SELECT x FROM src CROSS JOIN UNNEST(a) AS u(x) UNION ALL SELECT id FROM src", "[[1],[10],[20],[30],[1],[3]] of 2 !1 Division by zero.")]
    public void A_record_that_one_query_rejects_gives_no_row_at_all(string sql, string expected) => Assert.Equal(expected, Run(sql, Documents));

    [Fact]
    public void Statements_that_read_a_union_read_all_of_it()
    {
        var compilation = QueryCompiler.CompileChain(
            [("first", "SELECT id, n FROM {{ input }} WHERE n IS NOT NULL"), ("all_of_it", "SELECT id AS x FROM first UNION ALL SELECT n FROM {{ input }}"), ("last", "SELECT x + 1 AS y FROM all_of_it WHERE x > 0 UNION ALL SELECT x FROM all_of_it WHERE x = 0")],
            QueryRun.Schema(Schema), QuerySettings.Default);

        Assert.Empty(compilation.Errors);
        Assert.Equal("[[2],[3],[6],[0]] of 2", Run(compilation.Query!, Documents));
    }

    [Fact]
    public void Branches_that_statements_multiply_have_a_limit()
    {
        var chain = Enumerable.Range(0, 7).Select(i => ($"s{i}", "SELECT id FROM {{ input }} UNION ALL SELECT id + 1 FROM {{ input }}")).ToArray();

        Assert.NotNull(QueryCompiler.CompileChain(chain[..6], QueryRun.Schema(Schema), QuerySettings.Default).Query);
        Assert.Equal("1:38: More than 64 queries are joined by UNION ALL, those of the statements before counted.", QueryCompiler.CompileChain(chain, QueryRun.Schema(Schema), QuerySettings.Default).Errors.Single().ToString());
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_union_is_what_its_queries_are_alone(int seed)
    {
        var random = new Random(seed);
        string[] templates = ["SELECT id, n FROM src", "SELECT id, 12 / n FROM src", "SELECT id, n FROM src WHERE n > 0", "SELECT id, 7 FROM src WHERE 12 / n > 3", "SELECT id, x FROM src CROSS JOIN UNNEST(a) AS u(x)",
            "SELECT id, 12 / x FROM src CROSS JOIN UNNEST(a) AS u(x) WHERE n > 0", "SELECT id, k FROM src LEFT JOIN UNNEST(r) AS u(k, v, w) ON TRUE", "SELECT id, CASE WHEN n > 1 THEN 12 / (n - 2) ELSE n END FROM src"];
        var queries = Enumerable.Range(0, random.Next(2, 5)).Select(_ => templates[random.Next(templates.Length)]).ToArray();
        var documents = Enumerable.Range(0, random.Next(1, 40)).Select(id =>
            $$"""{"id":{{id}},"n":{{(random.Next(5) == 0 ? "null" : random.Next(-1, 5))}},"a":[{{string.Join(',', Enumerable.Range(0, random.Next(3)).Select(_ => random.Next(0, 12)))}}],"r":[{{string.Join(',', Enumerable.Range(0, random.Next(3)).Select(k => $$"""{"k":{{k}}}"""))}}]}""").ToArray();
        var sql = $"SELECT id, y FROM ({string.Join(" UNION ALL ", queries)}) AS t (id, y)";

        var found = Run(sql, documents);

        // One record after the other, and one query after the other.
        var rows = queries.Select(_ => new List<string>()).ToArray();
        var (producing, rejected) = (0, new List<int>());
        for (var i = 0; i < documents.Length; i++)
        {
            var alone = queries.Select(query => Run($"SELECT id, y FROM ({query}) AS t (id, y)", documents[i])).ToArray();
            if (alone.Any(outcome => outcome.Contains('!', StringComparison.Ordinal)))
            {
                rejected.Add(i);
                continue;
            }
            if (alone.Any(outcome => !outcome.StartsWith("[] of", StringComparison.Ordinal))) producing++;
            for (var query = 0; query < queries.Length; query++)
                if (alone[query][1..alone[query].LastIndexOf(']')] is { Length: > 0 } row) rows[query].Add(row);
        }
        var expected = $"[{string.Join(',', rows.SelectMany(row => row))}] of {producing}{string.Concat(rejected.Select(row => $" !{row} Division by zero."))}";
        Assert.True(expected == found, $"{sql}\n{string.Join('\n', documents)}\nexpected {expected}\nfound    {found}");
    }
}
