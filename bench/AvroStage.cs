using System.Buffers;
using System.Text.Json;
using Matih.Avro;
using Matih.Batches;
using Matih.Decoding.Avro;
using Matih.Registry;

namespace Matih.Bench;

/// <summary>W4: the click events as Avro with a schema registry's frame, against our own decoding of the same events as JSON.</summary>
public sealed class AvroStage(string input, WorkloadFacts facts)
{
    private const string Schema = """
        {"type":"record","name":"Click","fields":[{"name":"event_id","type":"string"},{"name":"user_id","type":"string"},{"name":"event_type","type":"string"},
        {"name":"page_url","type":["null","string"]},{"name":"amount","type":["null","double"]},{"name":"event_time","type":{"type":"long","logicalType":"timestamp-millis"}}]}
        """;

    public async Task RunAsync(int rounds)
    {
        using var json = new MemoryRecords(input);
        using var avro = new MemoryRecords(json, Encode);
        await new Comparison(
            "Avro decode of 5 fields against our JSON decode",
            new Contender("avro", () => ClickColumns.MeasureAsync(facts, () => ClickColumns.Total(avro, new AvroRecordDecoder(ClickColumns.Inputs, null, new OneSchema(), "w4", MemoryAccount.Unlimited())))),
            new Contender("json", () => ClickColumns.MeasureAsync(facts, () => ClickColumns.Total(json, ClickColumns.Decoder()))),
            facts.Records).RunAsync(rounds);
    }

    private static byte[] Encode(ReadOnlySpan<byte> line)
    {
        using var document = JsonDocument.Parse(line.ToArray());
        var root = document.RootElement;
        var target = new ArrayBufferWriter<byte>();
        var encoder = new AvroEncoder(target);
        encoder.WriteFixed([0, 0, 0, 0, 1]);
        foreach (var name in (string[])["event_id", "user_id", "event_type"]) encoder.WriteString(root.GetProperty(name).GetString()!);
        encoder.WritePresent();
        encoder.WriteString(root.GetProperty("page_url").GetString()!);
        encoder.WritePresent();
        encoder.WriteDoubleBits(BitConverter.DoubleToInt64Bits(root.GetProperty("amount").GetDouble()));
        encoder.WriteLong(root.GetProperty("event_time").GetDateTimeOffset().ToUnixTimeMilliseconds());
        return target.WrittenSpan.ToArray();
    }

    private sealed class OneSchema : ISchemaRegistry
    {
        public ValueTask<RegisteredSchema?> FindAsync(SchemaKey key, CancellationToken cancellationToken) => new(new RegisteredSchema(SchemaLanguage.Avro, Schema, []));

        public Task<RegisteredSchema?> FindLatestAsync(string subject, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
