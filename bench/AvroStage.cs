using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Matih.Batches;
using Matih.Decoding;
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
            new Contender("avro", () => MeasureAsync(() => Decode(avro, new AvroRecordDecoder(ClickColumns.Inputs, null, new OneSchema(), "w4", MemoryAccount.Unlimited())))),
            new Contender("json", () => MeasureAsync(() => Decode(json, ClickColumns.Decoder()))),
            facts.Records).RunAsync(rounds);
    }

    private static byte[] Encode(ReadOnlySpan<byte> line)
    {
        using var document = JsonDocument.Parse(line.ToArray());
        var root = document.RootElement;
        using var target = new MemoryStream();
        target.Write([0, 0, 0, 0, 1]);
        foreach (var name in (string[])["event_id", "user_id", "event_type"]) WriteText(target, root.GetProperty(name).GetString()!);
        WriteLong(target, 1);
        WriteText(target, root.GetProperty("page_url").GetString()!);
        WriteLong(target, 1);
        Span<byte> amount = stackalloc byte[sizeof(double)];
        BinaryPrimitives.WriteDoubleLittleEndian(amount, root.GetProperty("amount").GetDouble());
        target.Write(amount);
        WriteLong(target, root.GetProperty("event_time").GetDateTimeOffset().ToUnixTimeMilliseconds());
        return target.ToArray();
    }

    private static void WriteText(MemoryStream target, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        WriteLong(target, bytes.Length);
        target.Write(bytes);
    }

    private static void WriteLong(MemoryStream target, long value)
    {
        var rest = (ulong)((value << 1) ^ (value >> 63));
        for (; rest >= 0x80; rest >>= 7) target.WriteByte((byte)(rest | 0x80));
        target.WriteByte((byte)rest);
    }

    private async Task<double> MeasureAsync(Func<(long Cents, long TextBytes)> pass)
    {
        var found = (Cents: 0L, TextBytes: 0L);
        var seconds = await CpuTime.OfWorkAsync(() =>
        {
            found = pass();
            return Task.CompletedTask;
        });
        if (found.Cents != facts.AmountCents || found.TextBytes < facts.Records * 44)
            throw new InvalidOperationException($"{found.Cents} cents and {found.TextBytes} bytes of text; expected {facts}.");
        return seconds;
    }

    private static (long Cents, long TextBytes) Decode(MemoryRecords records, IRecordDecoder decoder)
    {
        using var owned = decoder;
        long cents = 0, text = 0;
        ClickColumns.Decode(records, decoder, batch =>
        {
            cents += ClickColumns.AmountCents(batch);
            for (var i = 0; i < 4; i++) text += ((BytesColumn)batch[i]).Data.Length;
        });
        return (cents, text);
    }

    private sealed class OneSchema : ISchemaRegistry
    {
        public ValueTask<RegisteredSchema?> FindAsync(SchemaKey key, CancellationToken cancellationToken) => new(new RegisteredSchema(SchemaLanguage.Avro, Schema, []));

        public Task<RegisteredSchema?> FindLatestAsync(string subject, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
