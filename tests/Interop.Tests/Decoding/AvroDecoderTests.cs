using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Avro;
using Avro.Generic;
using Avro.IO;
using Matih.Batches;
using Matih.Decoding;
using Matih.Decoding.Avro;
using Matih.Engine.Tests.Decoding.Avro;
using Matih.Fixtures;
using Matih.Registry;

namespace Matih.Interop.Tests.Decoding;

/// <summary>What Apache Avro's library writes, read by ours; what its reader makes of another schema is the judge.</summary>
public sealed class AvroDecoderTests(ITestOutputHelper output)
{
    private const int RecordsOfSchema = 20;

    [Fact]
    public void Random_values_are_read_as_apache_avro_reads_them()
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        for (var i = 0; i < (Soak.IsOn ? 20_000 : 300); i++) Check(new Random(seed + i), seed + i);
    }

    private static void Check(Random random, int seed)
    {
        var generator = new RandomAvro(random);
        var writer = generator.Record(3);
        var reader = random.Next(3) == 0 ? writer : generator.Evolve(writer);
        var (writerSchema, readerSchema) = (Schema.Parse(writer.ToJsonString()), Schema.Parse(reader.ToJsonString()));
        var apache = new GenericDatumReader<GenericRecord>(writerSchema, readerSchema);
        using var batch = new ManagedRawBatch();
        var expected = new List<string>();
        for (var i = 0; i < RecordsOfSchema; i++)
        {
            var bytes = Encode(writerSchema, generator.Value(writerSchema)!);
            batch.Add([0, 0, 0, 0, 7, .. bytes]);
            expected.Add(RandomAvro.Print(readerSchema, apache.Read(null!, new BinaryDecoder(new MemoryStream(bytes)))));
        }

        Assert.True(expected.SequenceEqual(Read(writer, reader, batch)), $"seed {seed}\nwriter {writer.ToJsonString()}\nreader {reader.ToJsonString()}\n{string.Join('\n', expected.Zip(Read(writer, reader, batch)).Where(pair => pair.First != pair.Second).Take(3))}");
    }

    private static byte[] Encode(Schema schema, object value)
    {
        using var target = new MemoryStream();
        new GenericDatumWriter<object>(schema).Write(value, new BinaryEncoder(target));
        return target.ToArray();
    }

    private static List<string> Read(JsonObject writer, JsonObject reader, RawBatch batch)
    {
        var schema = new RegisteredSchema(SchemaLanguage.Avro, reader.ToJsonString(), []);
        var row = AvroTypes.RowOf(AvroSchemaParser.Parse(schema));
        using var decoder = new AvroRecordDecoder([.. row.Fields.Select(field => new InputColumn.SchemaField(field.Name, field.Type))], schema, new FakeRegistry().With(7, writer.ToJsonString()), "t", MemoryAccount.Unlimited());
        var errors = new RowErrors();
        errors.Clear(batch.Count);
        decoder.PrepareAsync(batch, errors, default).AsTask().GetAwaiter().GetResult();
        var rows = decoder.Decode(batch, errors);
        if (errors.Errors.Count > 0) return [errors.Errors[0].Reason];
        return [.. Enumerable.Range(0, rows.Count).Select(i => "(" + string.Join(", ", rows.Columns.ToArray().Select(column => Cell(column, i))) + ")")];
    }

    /// <summary>Times as numbers; of a union's row the field that has a value; a map by its keys.</summary>
    private static string Cell(Column column, int row)
    {
        if (column.IsNull(row)) return "NULL";
        return column switch
        {
            FixedColumn<byte> truths => truths.Values[row] == 0 ? "false" : "true",
            FixedColumn<int> ints => ints.Values[row].ToString(CultureInfo.InvariantCulture),
            FixedColumn<long> longs => longs.Values[row].ToString(CultureInfo.InvariantCulture),
            FixedColumn<float> floats => floats.Values[row].ToString(CultureInfo.InvariantCulture),
            FixedColumn<double> doubles => doubles.Values[row].ToString(CultureInfo.InvariantCulture),
            FixedColumn<Int128> decimals => decimals.Values[row].ToString(CultureInfo.InvariantCulture),
            BytesColumn { Type: DataType.Binary or DataType.Varbinary } bytes => "0x" + Convert.ToHexString(bytes[row]),
            BytesColumn texts => Encoding.UTF8.GetString(texts[row]),
            RowColumn { RowType: var type } union when type[0].Name == "member0" => Cell(union.Fields.ToArray().Single(member => !member.IsNull(row)), row),
            RowColumn record => "(" + string.Join(", ", record.Fields.ToArray().Select(member => Cell(member, row))) + ")",
            ListColumn { Type: DataType.Map } map => "[" + string.Join(", ", Elements(map, row).Order(StringComparer.Ordinal)) + "]",
            ListColumn list => "[" + string.Join(", ", Elements(list, row)) + "]",
            _ => throw new NotSupportedException(column.Type.ToString()),
        };
    }

    private static IEnumerable<string> Elements(ListColumn list, int row) => Enumerable.Range(list.StartOf(row), list.LengthOf(row)).Select(i => Cell(list.Elements, i));
}
