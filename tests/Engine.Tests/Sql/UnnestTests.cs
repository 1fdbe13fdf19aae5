using System.Globalization;
using System.Text;
using Matih.Batches;
using Matih.Decoding;
using Matih.Sql;

namespace Matih.Engine.Tests.Sql;

public sealed class UnnestTests
{
    private const string Schema = "id INT, a ARRAY<INT>, r ARRAY<ROW<n INT, s STRING>>, m MAP<STRING, INT>, d ARRAY<ARRAY<INT>>, c ROW<x INT, y ROW<z STRING>>";

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 40)];

    /// <summary>The rows as JSON, then the counts and what was rejected.</summary>
    private static string Run(string sql, params string[] documents)
    {
        var query = QueryRun.Compiled(sql, QueryRun.Schema(Schema));
        using var executor = query.CreateExecutor(TimeProvider.System, MemoryAccount.Unlimited());
        using var decoder = new JsonRecordDecoder(query.Inputs, new JsonDecodeSettings { RequiresObject = true }, "src", MemoryAccount.Unlimited());
        using var batch = new ManagedRawBatch();
        foreach (var document in documents) batch.Add(Encoding.UTF8.GetBytes(document));
        var errors = new RowErrors();
        errors.Clear(batch.Count);
        var rows = executor.Execute(decoder.Decode(batch, errors), errors);
        Assert.Equal(batch.Count, executor.ProducingCount + executor.FilteredCount + errors.Errors.Count);
        var rejected = string.Concat(errors.Errors.Select(error => $" !{error.Row} {error.Reason}"));
        return $"{QueryRun.Json(rows)} of {executor.ProducingCount}{rejected}";
    }

    [Theory]
    [InlineData("SELECT id, x FROM src CROSS JOIN UNNEST(a) AS u(x)", """[[1,10],[1,null],[1,20],[4,5]] of 2""")]
    [InlineData("SELECT id, x FROM src, UNNEST(a) AS u(x)", """[[1,10],[1,null],[1,20],[4,5]] of 2""")]
    [InlineData("SELECT id, x FROM src CROSS JOIN UNNEST(a) AS x", """[[1,10],[1,null],[1,20],[4,5]] of 2""")]
    [InlineData("SELECT id, u.x FROM src AS t LEFT JOIN UNNEST(t.a) AS u(x) ON TRUE", """[[1,10],[1,null],[1,20],[2,null],[3,null],[4,5]] of 4""")]
    [InlineData("SELECT id, n, s FROM src CROSS JOIN UNNEST(r) AS u", """[[1,1,"p"],[1,2,null]] of 1""")]
    [InlineData("SELECT id, k, v FROM src CROSS JOIN UNNEST(r) AS u(k, v) WHERE k > 1", """[[1,2,null]] of 1""")]
    [InlineData("SELECT id, k FROM src LEFT JOIN UNNEST(r) AS u(k, v) ON TRUE", """[[1,1],[1,2],[2,null],[3,null],[4,null]] of 4""")]
    [InlineData("SELECT id, k, v FROM src CROSS JOIN UNNEST(m) AS u(k, v)", """[[1,"x",7],[2,"y",null]] of 2""")]
    [InlineData("SELECT id, y FROM src CROSS JOIN UNNEST(d) AS u(x) CROSS JOIN UNNEST(x) AS w(y)", """[[1,1],[1,2],[1,3]] of 1""")]
    [InlineData("SELECT id, x FROM src JOIN UNNEST(a) AS u(x) ON x > 5", """[[1,10],[1,20]] of 1""")]
    [InlineData("SELECT id, x FROM src CROSS JOIN UNNEST(ARRAY[id, 100]) AS u(x) WHERE id < 3", """[[1,1],[1,100],[2,2],[2,100]] of 2""")]
    [InlineData("SELECT id, x FROM src CROSS JOIN UNNEST(ARRAY[1, 2]) AS u(x) WHERE id = 1 AND x = id", """[[1,1]] of 1""")]
    [InlineData("SELECT u.*, id FROM src CROSS JOIN UNNEST(r) AS u", """[[1,"p",1],[2,null,1]] of 1""")]
    [InlineData("SELECT CASE WHEN x IS NULL THEN -id ELSE x / id END AS q FROM src CROSS JOIN UNNEST(a) AS u(x)", """[[10],[-1],[20],[1]] of 2""")]
    [InlineData("SELECT id, c.y.z AS z, x FROM src CROSS JOIN UNNEST(a) AS u(x) WHERE c.x = 3", """[[1,"w",10],[1,"w",null],[1,"w",20]] of 1""")]
    public void Elements_become_rows(string sql, string expected) =>
        Assert.Equal(expected, Run(sql,
            """{"id":1,"a":[10,null,20],"r":[{"n":1,"s":"p"},null,{"n":2}],"m":{"x":7},"d":[[1,2],[],null,[3]],"c":{"x":3,"y":{"z":"w"}}}""",
            """{"id":2,"a":[],"r":[],"m":{"y":null},"d":[]}""",
            """{"id":3}""",
            """{"id":4,"a":[5],"r":[null]}"""));

    [Fact]
    public void A_record_with_a_bad_element_gives_no_row_at_all()
    {
        var found = Run("SELECT id, 10 / x AS q FROM src CROSS JOIN UNNEST(a) AS u(x)", """{"id":1,"a":[1,2]}""", """{"id":2,"a":[5,0,1]}""", """{"id":3,"a":[10]}""");

        Assert.Equal("[[1,10],[1,5],[3,1]] of 2 !1 Division by zero.", found);
    }

    [Fact]
    public void A_record_whose_array_cannot_be_computed_is_rejected_once()
    {
        var found = Run("SELECT id, x FROM src CROSS JOIN UNNEST(ARRAY[1 / id, 2]) AS u(x)", """{"id":1}""", """{"id":0}""");

        Assert.Equal("[[1,1],[1,2]] of 1 !1 Division by zero.", found);
    }

    [Theory]
    [InlineData("SELECT id FROM src CROSS JOIN UNNEST(id) AS u(x)", "1:38: UNNEST takes an ARRAY or a MAP, found INT.")]
    [InlineData("SELECT id FROM src CROSS JOIN UNNEST(r) AS u(x)", "1:20: UNNEST gives 2 columns, found 1 name for them.")]
    [InlineData("SELECT id FROM src CROSS JOIN UNNEST(a)", "1:20: UNNEST without a name for its column (write UNNEST(…) AS u(x)) is not supported here; `engine: flink` runs it.")]
    [InlineData("SELECT id FROM src AS t CROSS JOIN UNNEST(r) AS u(id, s)", "1:8: The column 'id' is in several tables; put the table's name before it: t.id or u.id.")]
    [InlineData("SELECT id FROM src CROSS JOIN UNNEST(a) WITH ORDINALITY AS u(x, o)", "1:41: WITH ORDINALITY is not supported here; `engine: flink` runs it.")]
    [InlineData("SELECT id FROM src LEFT JOIN UNNEST(a) AS u(x) ON x > 1", "1:53: LEFT JOIN UNNEST with another condition than ON TRUE is not supported here; `engine: flink` runs it.")]
    [InlineData("SELECT id FROM src CROSS JOIN UNNEST(b) AS u(x)", "1:38: There is no column 'b' in 'src'; did you mean 'a'?")]
    public void What_cannot_be_unnested_is_refused(string sql, string expected) =>
        Assert.Equal(expected, string.Join('\n', QueryCompiler.Compile(sql, QueryRun.Schema(Schema), QuerySettings.Default).Errors));

    [Fact]
    public void Only_the_fields_that_are_used_are_read()
    {
        var query = QueryRun.Compiled("SELECT c.y.z AS z, c.x AS x FROM src", QueryRun.Schema(Schema));

        Assert.Equal(["c.y.z", "c.x"], query.Inputs.Select(input => input.Name));
    }

    [Theory]
    [InlineData("SELECT id, s FROM src CROSS JOIN UNNEST(r) AS u", "ARRAY<ROW<`s` STRING>>", """[[1,"p"],[1,null]] of 1""")]
    [InlineData("SELECT id, u.n AS n, n + 1 AS o FROM src LEFT JOIN UNNEST(r) AS u ON TRUE", "ARRAY<ROW<`n` INT>>", """[[1,1,2],[1,2,3]] of 1""")]
    [InlineData("SELECT id, s FROM src CROSS JOIN UNNEST(r) AS u WHERE s IS NOT NULL", "ARRAY<ROW<`s` STRING>>", """[[1,"p"]] of 1""")]
    [InlineData("SELECT id, s FROM src CROSS JOIN UNNEST(r) AS u CROSS JOIN UNNEST(ARRAY[1, 2]) AS w(x) WHERE x > 1", "ARRAY<ROW<`s` STRING>>", """[[1,"p"],[1,null]] of 1""")]
    [InlineData("SELECT id, s, CARDINALITY(r) AS c FROM src CROSS JOIN UNNEST(r) AS u", "ARRAY<ROW<`n` INT, `s` STRING>>", """[[1,"p",2],[1,null,2]] of 1""")]
    [InlineData("SELECT id, u.*  FROM src CROSS JOIN UNNEST(r) AS u", "ARRAY<ROW<`n` INT, `s` STRING>>", """[[1,1,"p"],[1,2,null]] of 1""")]
    public void Of_an_array_that_is_unnested_only_the_fields_that_are_used_are_read(string sql, string type, string expected)
    {
        var array = QueryRun.Compiled(sql, QueryRun.Schema(Schema)).Inputs.Single(input => input.Name == "r");

        Assert.Equal(type, array.Type.ToString());
        Assert.Equal(expected, Run(sql, """{"id":1,"r":[{"n":1,"s":"p"},{"n":2}]}"""));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Random_documents_are_unnested_as_by_a_loop(int seed)
    {
        var random = new Random(seed);
        var arrays = Enumerable.Range(0, random.Next(1, 300)).Select(_ => random.Next(5) == 0 ? null
            : Enumerable.Range(0, random.Next(random.Next(4) == 0 ? 200 : 4)).Select(_ => random.Next(6) == 0 ? (int?)null : random.Next(-2, 6)).ToArray()).ToArray();
        var keepsEmpty = random.Next(2) == 0;
        var documents = arrays.Select((array, id) => array is null ? $$"""{"id":{{id}}}""" : $$"""{"id":{{id}},"a":[{{string.Join(',', array.Select(Text))}}]}""").ToArray();

        var found = Run($"SELECT id, x, 6 / x AS q FROM src {(keepsEmpty ? "LEFT JOIN UNNEST(a) AS u(x) ON TRUE" : "CROSS JOIN UNNEST(a) AS u(x)")} WHERE x IS NULL OR x >= 0", documents);

        var bad = Enumerable.Range(0, arrays.Length).Where(id => arrays[id]?.Contains(0) == true).ToList();
        var rows = arrays.SelectMany((array, id) => bad.Contains(id) ? [] : (array is null or [] ? keepsEmpty ? [null] : (int?[])[] : array)
            .Where(x => x is null or >= 0).Select(x => (Id: id, Row: $"[{id},{Text(x)},{Text(x is null ? null : 6 / x)}]"))).ToList();
        var rejected = string.Concat(bad.Select(id => $" !{id} Division by zero."));
        Assert.Equal($"[{string.Join(',', rows.Select(row => row.Row))}] of {rows.Select(row => row.Id).Distinct().Count()}{rejected}", found);
    }

    private static string Text(int? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "null";
}
