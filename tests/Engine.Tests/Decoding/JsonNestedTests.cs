using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Matih.Batches;
using Matih.Decoding;
using Matih.Engine.Tests.Batches;
using Matih.Sql;

namespace Matih.Engine.Tests.Decoding;

public class JsonNestedTests
{
    private static readonly JsonDecodeSettings Defaults = new() { RequiresObject = true };

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 60)];

    private static InputColumn Column(string name, string type) =>
        DataTypeSyntax.TryParse(type, out var parsed, out var error) ? new InputColumn.SchemaField(name, parsed) : throw new ArgumentException(error.Message);

    private static InputColumn Nested(string name, string type, params string[] path)
    {
        var column = Column(name, type);
        foreach (var part in path)
        {
            var field = ((DataType.Row)column.Type).Type.Fields.Single(field => field.Name == part);
            column = new InputColumn.NestedField(column, part, column.Type.IsNullable ? field.Type.OrNull() : field.Type);
        }
        return column;
    }

    [Theory]
    [InlineData("ROW<a INT, b ROW<c STRING>>", """{"v":{"b":{"c":"x"},"z":[1],"a":1}}""", "(1, (x))")]
    [InlineData("ROW<a INT, b ROW<c STRING>>", """{"v":{"b":null}}""", "(NULL, NULL)")]
    [InlineData("ROW<a INT>", """{"v":null}""", "NULL")]
    [InlineData("ROW<a INT>", """{}""", "NULL")]
    [InlineData("ROW<a INT>", """{"v":{"a":1},"v":{}}""", "(NULL)")]
    [InlineData("ROW<a INT>", """{"v":"text"}""", "rejected: field v: expected ROW<`a` INT>, found the string \"text\"")]
    [InlineData("ROW<a INT NOT NULL>", """{"v":{}}""", "rejected: field v.a: expected INT NOT NULL, found no such member")]
    [InlineData("ROW<a INT NOT NULL>", """{"v":null}""", "NULL")]
    [InlineData("ROW<a INT> NOT NULL", """{"v":null}""", "rejected: field v: expected ROW<`a` INT> NOT NULL, found null")]
    [InlineData("ARRAY<INT>", """{"v": [ 1 , null,3 ]}""", "[1, NULL, 3]")]
    [InlineData("ARRAY<INT>", """{"v":[ ]}""", "[]")]
    [InlineData("ARRAY<INT>", """{"v":[1,"x"]}""", "rejected: field v[*]: expected INT, found the string \"x\"")]
    [InlineData("ARRAY<INT>", """{"v":{"a":1}}""", "rejected: field v: expected ARRAY<INT>, found an object")]
    [InlineData("ARRAY<INT NOT NULL>", """{"v":[1,null]}""", "rejected: field v[*]: expected INT NOT NULL, found null")]
    [InlineData("ARRAY<ARRAY<STRING>>", """{"v":[["a\"]"],[],null,[null,"é"]]}""", "[[a\"]], [], NULL, [NULL, é]]")]
    [InlineData("ARRAY<ROW<sku STRING, qty INT>>", """{"v":[{"sku":"a","qty":2},{"qty":1},null]}""", "[(a, 2), (NULL, 1), NULL]")]
    [InlineData("ARRAY<ROW<sku STRING, qty INT>>", """{"v":[{"sku":"a","qty":"many"}]}""", "rejected: field v[*].qty: expected INT, found the string \"many\"")]
    [InlineData("MAP<STRING, INT>", """{"v":{"a":1,"b" : null , "\u0063":3}}""", "[(a, 1), (b, NULL), (c, 3)]")]
    [InlineData("MAP<STRING, INT>", """{"v":{}}""", "[]")]
    [InlineData("MAP<STRING, INT>", """{"v":{"a":1,"b":2,"\u0061":3}}""", "[(a, 3), (b, 2)]")]
    [InlineData("MAP<STRING, MAP<STRING, ARRAY<INT>>>", """{"v":{"a":{"x":[1]},"b":{"y":[2],"y":[3,4],"z":[]},"a":{"x":[5],"x":[6]}}}""", "[(a, [(x, [6])]), (b, [(y, [3, 4]), (z, [])])]")]
    [InlineData("MAP<STRING, ARRAY<ROW<x DOUBLE>>>", """{"v":{"k,}":[{"x":1.5},{}],"":[]}}""", "[(k,}, [(1.5), (NULL)]), (, [])]")]
    [InlineData("MAP<STRING, INT>", """{"v":{"a":"x","b":[],"a":3,"b":4}}""", "[(a, 3), (b, 4)]")]
    [InlineData("MAP<STRING, INT>", """{"v":{"a":1,"a":"x"}}""", "rejected: field v[*]: expected INT, found the string \"x\"")]
    [InlineData("MAP<STRING, INT NOT NULL>", """{"v":{"a":null,"a":1}}""", "[(a, 1)]")]
    [InlineData("ARRAY<MAP<STRING, MAP<STRING, INT>>>", """{"v":[{"a":{"x":"y"},"a":{"x":"z","x":1}},{"b":{"x":{},"x":2}}]}""", "[[(a, [(x, 1)])], [(b, [(x, 2)])]]")]
    [InlineData("ARRAY<MAP<STRING, INT>>", """{"v":[{"a":"bad"},{"a":"x","a":1}]}""", "rejected: field v[*][*]: expected INT, found the string \"bad\"")]
    [InlineData("MAP<STRING, INT>", """{"v":[1]}""", "rejected: field v: expected MAP<STRING, INT>, found an array")]
    public void Values_become_nested_columns(string type, string document, string expected) =>
        Assert.Equal([expected], Decoded.Json([Column("v", type)], Defaults, document));

    [Theory]
    [InlineData("""{"v":{"a":{"b":7}}}""", "7")]
    [InlineData("""{"v":{"a":null}}""", "NULL")]
    [InlineData("""{"v":{}}""", "NULL")]
    [InlineData("""{}""", "NULL")]
    [InlineData("""{"v":{"a":[1]}}""", "rejected: field v.a: expected ROW<`b` INT, `c` STRING>, found an array")]
    [InlineData("""{"v":1}""", "rejected: field v: expected ROW<`a` ROW<`b` INT, `c` STRING>>, found the number 1")]
    [InlineData("""{"v":{"a":{"b":true}}}""", "rejected: field v.a.b: expected INT, found the boolean true")]
    public void A_field_of_a_row_is_read_alone(string document, string expected) =>
        Assert.Equal([expected], Decoded.Json([Nested("v", "ROW<a ROW<b INT, c STRING>>", "a", "b")], Defaults, document));

    [Fact]
    public void Of_an_array_read_beside_a_row_only_the_bad_record_is_rejected()
    {
        var rows = Decoded.Json([Column("a", "ARRAY<INT>"), Column("r", "ROW<m MAP<STRING, INT>>")], Defaults,
            """{"a":[1,2],"r":{"m":{"x":1}}}""", """{"a":[1,{}],"r":{"m":{"x":1}}}""", """{"a":[],"r":{"m":{"y":2}}}""");

        Assert.Equal(["[1, 2] | ([(x, 1)])", "rejected: field a[*]: expected INT, found an object", "[] | ([(y, 2)])"], rows);
    }

    [Fact]
    public void With_ignored_errors_the_innermost_part_that_does_not_fit_is_NULL()
    {
        var rows = Decoded.Json([Column("v", "ARRAY<ROW<a INT, b ARRAY<INT>>>")], Defaults with { IgnoreParseErrors = true },
            """{"v":[{"a":"x","b":[1,"y"]},7,{"a":1,"b":{}}]}""", """{"v":"no array"}""");

        Assert.Equal(["[(NULL, [1, NULL]), NULL, (1, NULL)]", "NULL"], rows);
    }

    [Fact]
    public void A_missing_member_fails_at_any_depth_where_that_is_asked_for()
    {
        var settings = Defaults with { FailOnMissingField = true };

        Assert.Equal(["rejected: field v[*].b: missing, and fail_on_missing_field is set", "[NULL]", "[(1, NULL)]"],
            Decoded.Json([Column("v", "ARRAY<ROW<a INT, b INT>>")], settings, """{"v":[{"a":1}]}""", """{"v":[null]}""", """{"v":[{"a":1,"b":null}]}"""));
    }

    [Fact]
    public void Arrays_and_maps_longer_than_a_chunk_are_whole()
    {
        var numbers = Enumerable.Range(0, 1000).ToArray();
        var members = string.Join(',', numbers.Select(n => $"\"k{n}\":{n}"));
        var document = "{\"a\":[" + string.Join(',', numbers) + "],\"m\":{" + members + "}}";

        var rows = Decoded.Json([Column("a", "ARRAY<INT>"), Column("m", "MAP<STRING, INT>")], Defaults, document, document);

        var expected = $"[{string.Join(", ", numbers)}] | [{string.Join(", ", numbers.Select(n => $"(k{n}, {n})"))}]";
        Assert.Equal([expected, expected], rows);
    }

    [Theory]
    [InlineData("\"k7\":7,", "")]
    [InlineData("", ",\"k7\":7")]
    public void Of_a_map_longer_than_a_chunk_only_the_last_value_of_a_name_has_to_fit(string before, string after)
    {
        var members = string.Join(',', Enumerable.Range(0, 1000).Select(n => $"\"k{n}\":{(n == 7 ? "\"bad\"" : n)}"));

        var rows = Decoded.Json([Column("m", "MAP<STRING, INT>")], Defaults, "{\"m\":{\"a\":1}}", $"{{\"m\":{{{before}{members}{after}}}}}", "{\"m\":{\"b\":2}}");

        var expected = $"[{string.Join(", ", Enumerable.Range(0, 1000).Select(n => $"(k{n}, {n})"))}]";
        Assert.Equal(["[(a, 1)]", after.Length == 0 ? "rejected: field m[*]: expected INT, found the string \"bad\"" : expected, "[(b, 2)]"], rows);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Random_documents_give_the_values_that_they_were_made_of(int seed)
    {
        var random = new Random(seed);
        var types = Enumerable.Range(0, 3).Select(_ => NestedValues.RandomType(random, 3)).ToImmutableArray();
        var rows = Enumerable.Range(0, 300).Select(_ => types.Select(type => NestedValues.RandomValue(type, random)).ToArray()).ToArray();
        using var batch = new ManagedRawBatch();
        foreach (var row in rows) batch.Add(Document(types, row, random));
        using var decoder = new JsonRecordDecoder(
            [.. types.Select((type, i) => new InputColumn.SchemaField($"c{i}", type))], Defaults, "t", MemoryAccount.Unlimited());
        var errors = new RowErrors();
        errors.Clear(batch.Count);

        var columns = decoder.Decode(batch, errors);

        Assert.Empty(errors.Errors);
        for (var i = 0; i < types.Length; i++) Assert.Equal(rows.Select(row => NestedValues.Text(row[i])), NestedValues.Rows(columns[i]));
    }

    private static byte[] Document(ImmutableArray<DataType> types, object?[] row, Random random)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = random.Next(3) == 0 }))
        {
            writer.WriteStartObject();
            foreach (var i in Shuffled(types.Length, random))
            {
                if (random.Next(4) == 0) writer.WriteNumber("other" + random.Next(5).ToString(CultureInfo.InvariantCulture), 1);
                if (row[i] is null && random.Next(2) == 0) continue;
                writer.WritePropertyName($"c{i}");
                Write(writer, types[i], row[i], random);
            }
            writer.WriteEndObject();
        }
        return bytes.ToArray();
    }

    private static int[] Shuffled(int count, Random random)
    {
        var order = Enumerable.Range(0, count).ToArray();
        if (random.Next(3) == 0) random.Shuffle(order);
        return order;
    }

    private static void Write(Utf8JsonWriter writer, DataType type, object? value, Random random)
    {
        switch (type, value)
        {
            case (_, null): writer.WriteNullValue(); break;
            case (_, int number): writer.WriteNumberValue(number); break;
            case (_, long number): writer.WriteNumberValue(number); break;
            case (_, double number): writer.WriteNumberValue(number); break;
            case (_, string text): writer.WriteStringValue(text); break;
            case (DataType.Array array, object?[] elements):
                writer.WriteStartArray();
                foreach (var element in elements) Write(writer, array.Element, element, random);
                writer.WriteEndArray();
                break;
            case (DataType.Map map, object?[] entries):
                writer.WriteStartObject();
                foreach (var entry in entries.Cast<object?[]>())
                {
                    writer.WritePropertyName((string)entry[0]!);
                    Write(writer, map.Value, entry[1], random);
                }
                writer.WriteEndObject();
                break;
            case (DataType.Row row, object?[] fields):
                writer.WriteStartObject();
                foreach (var i in Shuffled(fields.Length, random))
                {
                    if (random.Next(6) == 0) writer.WriteString("unknown", "x");
                    if (fields[i] is null && random.Next(2) == 0) continue;
                    writer.WritePropertyName(row.Type[i].Name);
                    Write(writer, row.Type[i].Type, fields[i], random);
                }
                writer.WriteEndObject();
                break;
        }
    }
}
