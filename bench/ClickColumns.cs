using Matih.Batches;
using Matih.Decoding;
using Matih.Parquet;

namespace Matih.Bench;

/// <summary>The five fields of W1 that every contender projects.</summary>
internal static class ClickColumns
{
    /// <summary>Records to a batch: as the engine polls.</summary>
    public const int BatchRecords = 10_000;

    public static IReadOnlyList<InputColumn> Inputs { get; } =
    [
        new InputColumn.SchemaField("event_id", DataType.String),
        new InputColumn.SchemaField("user_id", DataType.String),
        new InputColumn.SchemaField("event_type", DataType.String),
        new InputColumn.SchemaField("page_url", DataType.String),
        new InputColumn.SchemaField("amount", new DataType.Double()),
    ];

    public static IReadOnlyList<ParquetColumn> Parquet { get; } =
        [.. Inputs.Select((input, i) => new ParquetColumn(i + 1, input.Name, input.Type is DataType.Double ? new ParquetType.Double() : new ParquetType.String(), false))];

    public static JsonRecordDecoder Decoder() => new(Inputs, new JsonDecodeSettings { RequiresObject = true }, "w1", MemoryAccount.Unlimited());

    /// <summary>Decodes all records and shows every batch; fails where a record is left out.</summary>
    public static void Decode(MemoryRecords records, IRecordDecoder decoder, Action<ColumnBatch> batchDecoded)
    {
        using var raw = new MemoryRecords.Batch(records);
        var errors = new RowErrors();
        for (var start = 0; start < records.Count; start += BatchRecords)
        {
            raw.Fill(start, Math.Min(BatchRecords, records.Count - start));
            errors.Clear(raw.Count);
            decoder.PrepareAsync(raw, errors, default).AsTask().GetAwaiter().GetResult();
            var batch = decoder.Decode(raw, errors);
            if (errors.IsAnyLeftOut) throw new InvalidOperationException($"A record was left out: {errors.Errors.FirstOrDefault()}");
            batchDecoded(batch);
        }
    }

    /// <summary>Decodes all records; the sum of the amounts, and the bytes of the four texts.</summary>
    public static (long Cents, long TextBytes) Total(MemoryRecords records, IRecordDecoder decoder)
    {
        using var owned = decoder;
        long cents = 0, text = 0;
        Decode(records, decoder, batch =>
        {
            cents += AmountCents(batch);
            for (var i = 0; i < 4; i++) text += ((BytesColumn)batch[i]).Data.Length;
        });
        return (cents, text);
    }

    /// <summary>The CPU seconds of a pass over all records, whose totals must be those of the workload.</summary>
    public static async Task<double> MeasureAsync(WorkloadFacts facts, Func<(long Cents, long TextBytes)> pass)
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

    public static long AmountCents(ColumnBatch batch)
    {
        var cents = 0L;
        foreach (var amount in ((FixedColumn<double>)batch[4]).Values) cents += (long)Math.Round(amount * 100);
        return cents;
    }
}
