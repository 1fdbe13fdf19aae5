using System.Text.Json;

namespace Matih.Bench;

/// <summary>JSON decoding alone: into columns, validating every byte, against a plain pass of the framework's reader.</summary>
public sealed class DecodeStage(string input, WorkloadFacts facts)
{
    public async Task RunAsync(int rounds)
    {
        using var records = new MemoryRecords(input);
        await new Comparison(
            "JSON decode of 5 fields against Utf8JsonReader",
            new Contender("matih", () => ClickColumns.MeasureAsync(facts, () => ClickColumns.Total(records, ClickColumns.Decoder()))),
            new Contender("Utf8JsonReader", () => ClickColumns.MeasureAsync(facts, () => ReadPlainly(records))),
            facts.Records).RunAsync(rounds);
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
