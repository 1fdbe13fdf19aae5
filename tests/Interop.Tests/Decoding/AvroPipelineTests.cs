using System.Buffers.Binary;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Avro;
using Avro.Generic;
using Avro.IO;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Decoding;

/// <summary>A whole run from a topic of Avro with a real schema registry into a table, which others read.</summary>
public sealed class AvroPipelineTests(SharedKafka kafka, SharedRegistry registry)
{
    private const string First = """
        {"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},{"name":"placed","type":{"type":"long","logicalType":"timestamp-micros"}},
        {"name":"lines","type":{"type":"array","items":{"type":"record","name":"Line","fields":[{"name":"sku","type":"string"},{"name":"qty","type":"int"}]}}}]}
        """;

    private const string Second = """
        {"type":"record","name":"Order","namespace":"shop","fields":[{"name":"note","type":["null","string"],"default":null},{"name":"id","type":"long"},{"name":"placed","type":{"type":"long","logicalType":"timestamp-micros"}},
        {"name":"lines","type":{"type":"array","items":{"type":"record","name":"Line","fields":[{"name":"qty","type":"int"},{"name":"sku","type":"string"}]}}}]}
        """;

    [Fact]
    public async Task Records_of_two_versions_of_a_schema_are_rows_of_the_latest_one()
    {
        var (client, address) = (await kafka.ClientAsync(), await registry.UriAsync());
        var topic = KafkaBroker.NewName("avro");
        await client.CreateTopicAsync(topic);
        var (first, second) = (await RegisterAsync(address, topic, First), await RegisterAsync(address, topic, Second));
        await client.ProduceAsync(topic, Enumerable.Range(0, 100).Select(id => new KafkaRecord(null, Encode(id, id % 2 == 0 ? (first, First) : (second, Second)))));
        var folder = TemporaryDirectory.New();
        await File.WriteAllTextAsync(Path.Combine(folder, "p.yaml"), $$$"""
            metadata: { name: orders }
            sources:
              orders: { type: kafka, connection: "{{{(await kafka.BrokerAsync()).Bootstrap}}}", topic: {{{topic}}}, consumer_group: {{{topic}}}, format: avro, schema_registry: "{{{address}}}", schema: latest }
            sinks:
              lake: { type: iceberg, table: shop.orders }
            """);

        (await MatihProcess.RunAsync(["run", "p.yaml", "--warehouse", "warehouse", "--until-caught-up"], folder, new Dictionary<string, string?>())).Expect();

        var table = Path.Combine(folder, "warehouse", "shop", "orders");
        var rows = await DuckDb.QueryAsync($"select id, note, epoch_us(placed) as placed, lines[1].sku as sku, lines[1].qty as qty from iceberg_scan('{table}') order by id");
        Assert.Equal(100, rows.Count);
        for (var id = 0; id < 100; id++)
        {
            Assert.Equal($"{{\"id\":{id},\"note\":{(id % 2 == 0 ? "null" : $"\"note {id}\"")},\"placed\":{1_777_000_000_000_000 + id},\"sku\":\"s{id}\",\"qty\":{id}}}", JsonSerializer.Serialize(new
            {
                id = long.Parse(rows[id].GetProperty("id").ToString(), System.Globalization.CultureInfo.InvariantCulture),
                note = rows[id].GetProperty("note").GetString(),
                placed = long.Parse(rows[id].GetProperty("placed").ToString(), System.Globalization.CultureInfo.InvariantCulture),
                sku = rows[id].GetProperty("sku").GetString(),
                qty = int.Parse(rows[id].GetProperty("qty").ToString(), System.Globalization.CultureInfo.InvariantCulture),
            }));
        }
        await IcebergReference.CheckAsync(table);
    }

    private static byte[] Encode(int id, (int Id, string Text) schema)
    {
        var type = (RecordSchema)Schema.Parse(schema.Text);
        var line = new GenericRecord((RecordSchema)((ArraySchema)type["lines"].Schema).ItemSchema);
        line.Add("sku", $"s{id}");
        line.Add("qty", id);
        var order = new GenericRecord(type);
        order.Add("id", (long)id);
        order.Add("placed", DateTime.UnixEpoch.AddTicks((1_777_000_000_000_000 + id) * 10));
        order.Add("lines", new object[] { line });
        if (type.Fields.Any(field => field.Name == "note")) order.Add("note", $"note {id}");
        using var target = new MemoryStream();
        Span<byte> frame = stackalloc byte[5];
        BinaryPrimitives.WriteInt32BigEndian(frame[1..], schema.Id);
        target.Write(frame);
        new GenericDatumWriter<GenericRecord>(type).Write(order, new BinaryEncoder(target));
        return target.ToArray();
    }

    private static async Task<int> RegisterAsync(Uri address, string topic, string schema)
    {
        using var http = new HttpClient();
        using var content = new StringContent(JsonSerializer.Serialize(new { schema }), new MediaTypeHeaderValue("application/vnd.schemaregistry.v1+json"));
        using var answer = await http.PostAsync(new Uri($"{address}/subjects/{topic}-value/versions"), content);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        using var document = JsonDocument.Parse(text);
        return document.RootElement.GetProperty("id").GetInt32();
    }
}
