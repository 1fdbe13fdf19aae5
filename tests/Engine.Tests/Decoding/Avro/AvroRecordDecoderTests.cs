using System.Buffers.Binary;
using System.Text;
using Matih.Batches;
using Matih.Decoding.Avro;
using Matih.Registry;
using Matih.Sql;

namespace Matih.Engine.Tests.Decoding.Avro;

public sealed class AvroRecordDecoderTests
{
    private const int Id = 7;

    [Theory]
    [InlineData("""{"type":"int","logicalType":"date"}""", "DATE", "02", "1970-01-02")]
    [InlineData("""{"type":"int","logicalType":"time-millis"}""", "TIME(3)", "02", "00:00:00.0010000")]
    [InlineData("""{"type":"long","logicalType":"time-micros"}""", "TIME(6)", "D00F", "00:00:00.0010000")]
    [InlineData("""{"type":"long","logicalType":"timestamp-millis"}""", "TIMESTAMP_LTZ(3)", "02", "1970-01-01T00:00:00.001000Z")]
    [InlineData("""{"type":"long","logicalType":"timestamp-millis"}""", "TIMESTAMP(3)", "01", "1969-12-31T23:59:59.999000")]
    [InlineData("""{"type":"long","logicalType":"timestamp-micros"}""", "TIMESTAMP_LTZ(6)", "01", "1969-12-31T23:59:59.999999Z")]
    [InlineData("""{"type":"long","logicalType":"timestamp-micros"}""", "TIMESTAMP_LTZ(3)", "01", "1969-12-31T23:59:59.999000Z")]
    [InlineData("""{"type":"long","logicalType":"timestamp-nanos"}""", "TIMESTAMP_LTZ(6)", "01", "1969-12-31T23:59:59.999999Z")]
    [InlineData("""{"type":"long","logicalType":"local-timestamp-millis"}""", "TIMESTAMP(6)", "02", "1970-01-01T00:00:00.001000")]
    [InlineData("""{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}""", "DECIMAL(4, 2)", "0401C8", "4.56")]
    [InlineData("""{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}""", "DECIMAL(10, 4)", "02FF", "-0.0100")]
    [InlineData("""{"type":"fixed","name":"D","size":3,"logicalType":"decimal","precision":4,"scale":1}""", "DECIMAL(4, 1)", "FFFFFF", "-0.1")]
    [InlineData("""{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}""", "STRING", "000102030405060708090A0B0C0D0E0F", "00010203-0405-0607-0809-0a0b0c0d0e0f")]
    [InlineData("""{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}""", "BINARY(16)", "000102030405060708090A0B0C0D0E0F", "0x000102030405060708090A0B0C0D0E0F")]
    [InlineData("""{"type":"fixed","name":"P","size":12,"logicalType":"duration"}""", "ROW<months BIGINT NOT NULL, days BIGINT NOT NULL, millis BIGINT NOT NULL>", "0100000002000000FFFFFFFF", "(1, 2, 4294967295)")]
    [InlineData("""{"type":"enum","name":"E","symbols":["RED","GREEN"]}""", "STRING", "02", "GREEN")]
    [InlineData("\"int\"", "TINYINT", "FF01", "-128")]
    [InlineData("\"int\"", "BIGINT", "04", "2")]
    [InlineData("\"long\"", "DOUBLE", "04", "2")]
    [InlineData("\"float\"", "DOUBLE", "0000C03F", "1.5")]
    [InlineData("\"bytes\"", "STRING", "0461C3", "rejected: value of schema id 7: field v: invalid UTF-8, expected a string")]
    [InlineData("\"string\"", "BYTES", "0461C3", "0x61C3")]
    [InlineData("""{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}""", "ROW<next ROW<next ROW<x INT>>>", "00", "(NULL)")]
    [InlineData("""{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}""", "ROW<next ROW<next ROW<x INT>>>", "0200", "rejected: value of schema id 7: field v.next is the record L that it lies in, which has no end")]
    [InlineData("""["null","long"]""", "BIGINT", "0204", "2")]
    [InlineData("""["null","long"]""", "BIGINT", "00", "NULL")]
    [InlineData("""["null","long"]""", "BIGINT NOT NULL", "00", "rejected: value of schema id 7: field v: null, expected NOT NULL")]
    [InlineData("""["long","string"]""", "BIGINT", "0204616E", "rejected: value of schema id 7: field v: the writer's string cannot be read as BIGINT")]
    [InlineData("""{"type":"array","items":"long"}""", "ARRAY<BIGINT>", "03040204020600", "[1, 2, 3]")]
    [InlineData("""{"type":"map","values":"int"}""", "MAP<STRING, INT>", "0402610202620400", "[(a, 1), (b, 2)]")]
    [InlineData("""{"type":"map","values":"int"}""", "MAP<STRING, INT>", "0402610202610400", "rejected: value of schema id 7: field v: the key '61' (hexadecimal) comes twice")]
    [InlineData("\"int\"", "TINYINT", "8002", "rejected: value of schema id 7: field v: the int lies outside of TINYINT")]
    [InlineData("\"int\"", "INT", "8080808010", "rejected: value of schema id 7: an int has more than 32 bits")]
    [InlineData("\"long\"", "BIGINT", "FFFFFFFFFFFFFFFFFFFF01", "rejected: value of schema id 7: a number has more than 64 bits")]
    [InlineData("\"long\"", "BIGINT", "0402", "rejected: value of schema id 7: 1 byte behind the end of the value")]
    [InlineData("\"string\"", "STRING", "0661", "rejected: value of schema id 7: the value ends within a field")]
    [InlineData("\"string\"", "STRING", "01", "rejected: value of schema id 7: a length is negative")]
    [InlineData("\"boolean\"", "BOOLEAN", "02", "rejected: value of schema id 7: a boolean is neither 0 nor 1")]
    [InlineData("""{"type":"enum","name":"E","symbols":["RED"]}""", "STRING", "04", "rejected: value of schema id 7: field v: symbol 2 of an enum that has 1")]
    [InlineData("""["null","long"]""", "BIGINT", "06", "rejected: value of schema id 7: field v: branch 3 of a union that has 2")]
    [InlineData("""{"type":"array","items":"null"}""", "ARRAY<INT>", "FEFFFFFFFFFFFFFFFF01", "rejected: value of schema id 7: field v: more than 1000000 items without bytes")]
    [InlineData("""{"type":"long","logicalType":"timestamp-millis"}""", "TIMESTAMP_LTZ(3)", "FEFFFFFFFFFFFFFFFF01", "rejected: value of schema id 7: field v: the moment lies outside of the years 0000 to 9999")]
    public void A_value_is_read_as_the_column_that_the_query_has(string writer, string column, string bytes, string expected) =>
        Assert.Equal(expected, Assert.Single(Rows(Registry(Record("v", writer)), null, $"v {column}", Framed(Convert.FromHexString(bytes)))));

    [Theory]
    [InlineData("\"string\"", "INT", "field v: the writer's string cannot be read as INT")]
    [InlineData("\"double\"", "FLOAT", "field v: the writer's double cannot be read as FLOAT")]
    [InlineData("\"long\"", "TIMESTAMP_LTZ(3)", "field v: the writer's long cannot be read as TIMESTAMP_LTZ(3)")]
    [InlineData("""{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}""", "DECIMAL(4, 1)", "field v: the writer's bytes (decimal 4, 2) cannot be read as DECIMAL(4, 1)")]
    [InlineData("""{"type":"array","items":"string"}""", "ARRAY<INT>", "field v[*]: the writer's string cannot be read as INT")]
    public void A_schema_that_does_not_fit_rejects_its_records_and_shows_both(string writer, string column, string fault)
    {
        var text = Record("v", writer);

        Assert.Equal($"rejected: value: the schema of id 7 does not fit the source's columns: {fault}. It is {text}", Assert.Single(Rows(Registry(text), null, $"v {column}", Framed([2]))));
    }

    [Fact]
    public void Fields_are_found_by_name_and_by_alias_and_what_is_missing_has_its_default_or_is_NULL()
    {
        const string Writer = """{"type":"record","name":"R","fields":[{"name":"old","type":"int"},{"name":"b","type":"string"}]}""";
        const string Reader = """
            {"type":"record","name":"R","fields":[{"name":"b","type":"string"},{"name":"fresh","aliases":["old"],"type":"long"},{"name":"d","type":"double","default":1.5},
            {"name":"r","type":{"type":"record","name":"S","fields":[{"name":"x","type":"int"},{"name":"y","type":["null","int"],"default":null}]},"default":{"x":3}},
            {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]},"default":"B"},{"name":"u","type":["null","string"],"default":null}]}
            """;

        var rows = Rows(Registry(Writer), Reader, null, Framed([0x0E, 0x02, (byte)'x']));

        Assert.Equal(["x | 7 | 1.5 | (3, NULL) | B | NULL"], rows);
        Assert.Equal(["7 | NULL"], Rows(Registry(Writer), null, "old INT, lost STRING", Framed([0x0E, 0x02, (byte)'x'])));
    }

    [Fact]
    public void A_symbol_that_the_reader_does_not_know_is_its_default_and_without_one_a_fault()
    {
        var writer = Record("v", """{"type":"enum","name":"E","symbols":["A","B","C"]}""");

        Assert.Equal(["A"], Rows(Registry(writer), Record("v", """{"type":"enum","name":"E","symbols":["A","B"],"default":"A"}"""), null, Framed([4])));
        Assert.Equal(
            ["rejected: value of schema id 7: field v: the symbol 'C' is not one of the reader's enum, which has no default"],
            Rows(Registry(writer), Record("v", """{"type":"enum","name":"E","symbols":["A","B"]}"""), null, Framed([4])));
    }

    [Fact]
    public void Of_a_union_of_several_types_the_row_has_the_value_in_the_field_of_its_branch()
    {
        var union = Record("v", """["null","string",{"type":"record","name":"P","fields":[{"name":"x","type":"int"}]},"long"]""");

        Assert.Equal(["NULL", "(a, NULL, NULL)", "(NULL, (1), NULL)", "(NULL, NULL, 2)"], Rows(Registry(union), union, null, Framed([0]), Framed([2, 2, (byte)'a']), Framed([4, 2]), Framed([6, 4])));
        // A writer that has no union: its value is of the branch that fits.
        Assert.Equal(["(NULL, NULL, 2)"], Rows(Registry(Record("v", "\"int\"")), union, null, Framed([4])));
    }

    [Fact]
    public void Only_the_fields_that_are_asked_for_are_read_and_a_recursive_one_is_passed_over()
    {
        const string Writer = """
            {"type":"record","name":"R","fields":[{"name":"skipped","type":{"type":"map","values":["null","string"]}},
            {"name":"list","type":{"type":"record","name":"L","fields":[{"name":"n","type":"int"},{"name":"next","type":["null","L"]}]}},
            {"name":"c","type":["null",{"type":"record","name":"C","fields":[{"name":"city","type":"string"},{"name":"zip","type":"string"}]}]},{"name":"id","type":"long"}]}
            """;
        byte[] skipped = [2, 2, (byte)'k', 2, 2, (byte)'v', 0, 2, 2, 4, 0];
        var (customer, id) = (new InputColumn.SchemaField("c", Type("ROW<city STRING, zip STRING>")), new InputColumn.SchemaField("id", new DataType.BigInt()));

        var rows = RowsOf(Registry(Writer), null, [id, new InputColumn.NestedField(customer, "zip", DataType.String), customer],
            Framed([.. skipped, 2, 2, (byte)'X', 2, (byte)'9', 10]), Framed([.. skipped, 0, 12]));

        Assert.Equal(["5 | 9 | (X, 9)", "6 | NULL | NULL"], rows);
    }

    [Fact]
    public void A_record_that_is_its_own_list_a_million_deep_ends_as_a_fault()
    {
        const string Writer = """{"type":"record","name":"L","fields":[{"name":"n","type":"int"},{"name":"next","type":["null","L"]}]}""";
        var deep = Enumerable.Repeat(new byte[] { 2, 2 }, 1_000_000).SelectMany(link => link).ToArray();

        Assert.Equal(["rejected: value of schema id 7: field next: values lie more than 1000 levels deep"], Rows(Registry(Writer), null, "n INT", Framed(deep)));
    }

    [Fact]
    public void Records_of_several_schemas_are_read_by_their_own_and_each_is_asked_for_once()
    {
        var registry = Registry(Record("v", "\"int\"")).With(8, Record("v", "\"string\"")).With(SchemaKey.Of(new Guid("00010203-0405-0607-0809-0a0b0c0d0e0f")), new RegisteredSchema(SchemaLanguage.Avro, Record("v", "\"long\""), []));
        using var decoder = new AvroRecordDecoder([new InputColumn.SchemaField("v", DataType.String)], null, registry.With(9, Record("v", "\"bytes\"")), "t", MemoryAccount.Unlimited());
        byte[] text = [4, (byte)'h', (byte)'i'];
        for (var round = 0; round < 2; round++)
        {
            using var batch = Batch(Framed(text, 8), Framed(text, 9), Framed(text, 8), Framed([2], 7), Framed(text, 99), [1, 2, 3, 4, 5], [0, 0], null!);

            var rows = Decode(decoder, batch);

            Assert.Equal(
                [
                    "hi", "hi", "hi", $"rejected: value: the schema of id 7 does not fit the source's columns: field v: the writer's int cannot be read as STRING. It is {Record("v", "\"int\"")}",
                    "rejected: value: the schema registry has no schema of id 99", "rejected: value: it begins with the byte 1, expected the magic byte 0 of a schema registry's serializers",
                    "rejected: value: 2 bytes, expected the magic byte 0, a schema id of 4 bytes, and the value", "dropped",
                ],
                rows);
        }

        // The one that is unknown is asked for again.
        Assert.Equal(5, registry.QuestionCount);
    }

    [Fact]
    public void Invalid_text_is_found_wherever_it_begins_and_only_its_record_is_left_out()
    {
        var writer = Record("v", """{"type":"array","items":"string"}""");

        // Together the bytes of the second and the third record are an é.
        var rows = Rows(Registry(writer), null, "v ARRAY<STRING>", Framed([2, 2, (byte)'a', 0]), Framed([2, 2, 0xC3, 0]), Framed([2, 2, 0xA9, 0]), Framed([2, 4, 0xC3, 0xA9, 0]));

        Assert.Equal(["[a]", "rejected: value of schema id 7: field v[*]: invalid UTF-8, expected a string", "rejected: value of schema id 7: field v[*]: invalid UTF-8, expected a string", "[é]"], rows);
    }

    [Fact]
    public void References_are_read_before_the_schema_that_names_them()
    {
        var address = new RegisteredSchema(SchemaLanguage.Avro, """{"type":"record","name":"Address","namespace":"shop","fields":[{"name":"zip","type":"string"}]}""", []);
        var registry = new FakeRegistry().With(Id, """{"type":"record","name":"R","namespace":"shop","fields":[{"name":"v","type":"Address"}]}""", new SchemaReference("shop.Address", address));

        Assert.Equal(["(9)"], Rows(registry, null, "v ROW<zip STRING>", Framed([2, (byte)'9'])));
    }

    [Fact]
    public void Whatever_the_bytes_are_a_record_is_read_or_rejected()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        const string Writer = """
            {"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":{"type":"record","name":"S","fields":[{"name":"t","type":["null","string"]},{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}}]}}},
            {"name":"m","type":{"type":"map","values":"double"}},{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},{"name":"n","type":["null","long","string"]}]}
            """;
        byte[] valid = [4, 2, 2, (byte)'t', 4, 1, 2, 0, 2, 9, 0, 2, 2, (byte)'k', 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0, 2, 2, 8];
        Assert.Equal("([(t, 2.58), (NULL, -0.05)] | [(k, 1)] | B | (4, NULL)", "(" + Assert.Single(Rows(Registry(Writer), Writer, null, Framed(Fix(valid)))));
        for (var round = 0; round < 200; round++)
        {
            var broken = Enumerable.Range(0, 50).Select(_ =>
            {
                var bytes = Fix(valid);
                for (var i = random.Next(1, 4); i > 0; i--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                return Framed(random.Next(3) == 0 ? bytes[..random.Next(bytes.Length)] : bytes);
            }).ToArray();

            Assert.Equal(broken.Length, Rows(Registry(Writer), Writer, null, broken).Length);
        }

        // The second decimal is one byte long, -5.
        static byte[] Fix(byte[] bytes) => [.. bytes[..8], 2, 0xFB, .. bytes[10..]];
    }

    private static FakeRegistry Registry(string text) => new FakeRegistry().With(Id, text);

    private static string Record(string field, string type) => $$"""{"type":"record","name":"R","fields":[{"name":"{{field}}","type":{{type}}}]}""";

    private static DataType Type(string text) => DataTypeSyntax.TryParse(text, out var type, out var error) ? type : throw new ArgumentException(error.Message);

    private static byte[] Framed(byte[] value, int id = Id)
    {
        var framed = new byte[5 + value.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), id);
        value.CopyTo(framed, 5);
        return framed;
    }

    private static ManagedRawBatch Batch(params byte[][] values)
    {
        var batch = new ManagedRawBatch();
        foreach (var value in values) batch.Add(value);
        return batch;
    }

    /// <param name="reader">The reader's schema, whose columns are all asked for; or null.</param>
    /// <param name="columns">The columns, where there is no reader's schema.</param>
    private static string[] Rows(ISchemaRegistry registry, string? reader, string? columns, params byte[][] values)
    {
        RowType row;
        if (reader is not null) row = AvroTypes.RowOf(AvroSchemaParser.Parse(reader));
        else Assert.True(DataTypeSyntax.TryParseColumns(columns!, out row!, out _));
        return RowsOf(registry, reader, [.. row.Fields.Select(field => new InputColumn.SchemaField(field.Name, field.Type))], values);
    }

    private static string[] RowsOf(ISchemaRegistry registry, string? reader, InputColumn[] columns, params byte[][] values)
    {
        using var decoder = new AvroRecordDecoder(columns, reader is null ? null : new RegisteredSchema(SchemaLanguage.Avro, reader, []), registry, "t", MemoryAccount.Unlimited());
        using var batch = Batch(values);
        return Decode(decoder, batch);
    }

    private static string[] Decode(AvroRecordDecoder decoder, ManagedRawBatch batch)
    {
        var errors = new RowErrors();
        errors.Clear(batch.Count);
        decoder.PrepareAsync(batch, errors, default).AsTask().GetAwaiter().GetResult();
        return Decoded.Rows(decoder, batch);
    }
}
