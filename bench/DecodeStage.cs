using System.Text.Json;
using Matih.Batches;

namespace Matih.Bench;

/// <summary>JSON decoding alone: into columns, validating every byte, against a plain pass of the framework's reader.</summary>
public sealed class DecodeStage(string input, WorkloadFacts facts)
{
    public async Task RunAsync(int rounds)
    {
        using var records = new MemoryRecords(input);
        await new Comparison(
            "JSON decode of 5 fields against Utf8JsonReader",
            new Contender("matih", () => MeasureAsync(() => Decode(records))),
            new Contender("Utf8JsonReader", () => MeasureAsync(() => ReadPlainly(records))),
            facts.Records).RunAsync(rounds);
    }

    private async Task<double> MeasureAsync(Func<(long Cents, long TextBytes)> pass)
    {
        var found = (Cents: 0L, TextBytes: 0L);
        var seconds = await CpuTime.OfWorkAsync(() =>
        {
            found = pass();
            return Task.CompletedTask;
        });
        // 36 bytes of id and 8 of user in every record: the rest of the text varies.
        if (found.Cents != facts.AmountCents || found.TextBytes < facts.Records * 44)
            throw new InvalidOperationException($"{found.Cents} cents and {found.TextBytes} bytes of text; expected {facts}.");
        return seconds;
    }

    private static (long Cents, long TextBytes) Decode(MemoryRecords records)
    {
        using var decoder = ClickColumns.Decoder();
        long cents = 0, text = 0;
        ClickColumns.Decode(records, decoder, batch =>
        {
            cents += ClickColumns.AmountCents(batch);
            for (var i = 0; i < 4; i++) text += ((BytesColumn)batch[i]).Data.Length;
        });
        return (cents, text);
    }

    /// <summary>What one would write by hand: every token visited, the fields' names compared, text copied to a buffer.</summary>
    private static (long Cents, long TextBytes) ReadPlainly(MemoryRecords records)
    {
        Span<byte> buffer = stackalloc byte[256];
        long cents = 0, text = 0;
        for (var i = 0; i < records.Count; i++)
        {
            var reader = new Utf8JsonReader(records[i]);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isText = reader.ValueTextEquals("event_id"u8) || reader.ValueTextEquals("user_id"u8)
                    || reader.ValueTextEquals("event_type"u8) || reader.ValueTextEquals("page_url"u8);
                var isAmount = !isText && reader.ValueTextEquals("amount"u8);
                reader.Read();
                if (isText) text += reader.CopyString(buffer);
                else if (isAmount) cents += (long)Math.Round(reader.GetDouble() * 100);
            }
            // To the end, so that this pass validates the document too.
            while (reader.Read()) { }
        }
        return (cents, text);
    }
}
