using System.Globalization;
using System.Text;
using System.Text.Json;
using Matih.Batches;
using Matih.Decoding;

namespace Matih.Bench;

/// <summary>Nested JSON: orders with five lines each, into nested columns, against a plain pass of the framework's reader over the same fields.</summary>
public sealed class NestedStage(string folder)
{
    private const int OrderCount = 200_000;
    private const int LineCount = 5;

    private static readonly DataType Lines = new DataType.Array(new DataType.Row(new RowType(
        [new Field("sku", DataType.String), new Field("qty", new DataType.Int()), new Field("price", new DataType.Double())])));

    private static readonly DataType.Row Address = new(new RowType([new Field("city", DataType.String), new Field("zip", DataType.String)]));
    private static readonly DataType.Row Customer = new(new RowType([new Field("name", DataType.String), new Field("address", Address)]));

    private long _quantity;

    public async Task RunAsync(int rounds)
    {
        var input = Path.Combine(folder, "orders.ndjson");
        Write(input);
        using var records = new MemoryRecords(input);
        await new Comparison(
            "nested JSON decode, an order with five lines, against Utf8JsonReader",
            new Contender("matih", () => MeasureAsync(() => Decode(records))),
            new Contender("Utf8JsonReader", () => MeasureAsync(() => ReadPlainly(records))),
            OrderCount).RunAsync(rounds);
    }

    private void Write(string path)
    {
        using var file = new StreamWriter(path, append: false, new UTF8Encoding(false), 1 << 20);
        for (var i = 0; i < OrderCount; i++)
        {
            file.Write(string.Create(CultureInfo.InvariantCulture, $$"""{"order_id":"{{i:D12}}","placed_at":"2026-05-01T12:00:00Z","customer":{"name":"customer-{{i % 5000}}","address":{"street":"{{i % 400}} Main Street","city":"city-{{i % 300}}","zip":"{{i % 90000:D5}}" } },"lines":["""));
            for (var line = 0; line < LineCount; line++)
            {
                var quantity = (i + line) % 9 + 1;
                _quantity += quantity;
                file.Write(string.Create(CultureInfo.InvariantCulture, $$"""{{(line == 0 ? "" : ",")}}{"sku":"SKU-{{(i * 7 + line) % 20_000:D6}}","qty":{{quantity}},"price":{{(i + line) % 500}}.25,"note":null}"""));
            }
            file.Write("],\"currency\":\"EUR\"}\n");
        }
    }

    private async Task<double> MeasureAsync(Func<(long Quantity, long TextBytes)> pass)
    {
        var found = (Quantity: 0L, TextBytes: 0L);
        var seconds = await CpuTime.OfWorkAsync(() =>
        {
            found = pass();
            return Task.CompletedTask;
        });
        if (found.Quantity != _quantity || found.TextBytes < OrderCount * (12 + LineCount * 10))
            throw new InvalidOperationException($"{found.Quantity} pieces and {found.TextBytes} bytes of text; expected {_quantity} pieces.");
        return seconds;
    }

    private static (long Quantity, long TextBytes) Decode(MemoryRecords records)
    {
        const int BatchRecords = 10_000;
        var customer = new InputColumn.SchemaField("customer", Customer);
        InputColumn[] columns =
        [
            new InputColumn.SchemaField("order_id", DataType.String),
            new InputColumn.NestedField(new InputColumn.NestedField(customer, "address", Address), "city", DataType.String),
            new InputColumn.SchemaField("lines", Lines),
        ];
        using var decoder = new JsonRecordDecoder(columns, new JsonDecodeSettings { RequiresObject = true }, "orders", MemoryAccount.Unlimited());
        using var batch = new MemoryRecords.Batch(records);
        var errors = new RowErrors();
        long quantity = 0, text = 0;
        for (var start = 0; start < records.Count; start += BatchRecords)
        {
            var count = Math.Min(BatchRecords, records.Count - start);
            batch.Fill(start, count);
            errors.Clear(count);
            var decoded = decoder.Decode(batch, errors);
            if (errors.IsAnyLeftOut) throw new InvalidOperationException($"A record is left out: {errors.Errors[0].Reason}");
            var line = (RowColumn)((ListColumn)decoded[2]).Elements;
            foreach (var pieces in ((FixedColumn<int>)line.Fields[1]).Values) quantity += pieces;
            text += ((BytesColumn)decoded[0]).Data.Length + ((BytesColumn)decoded[1]).Data.Length + ((BytesColumn)line.Fields[0]).Data.Length;
        }
        return (quantity, text);
    }

    /// <summary>What one would write by hand: every token visited, the fields' names compared, text copied to a buffer.</summary>
    private static (long Quantity, long TextBytes) ReadPlainly(MemoryRecords records)
    {
        Span<byte> buffer = stackalloc byte[256];
        long quantity = 0, text = 0;
        var price = 0.0;
        for (var i = 0; i < records.Count; i++)
        {
            var reader = new Utf8JsonReader(records[i]);
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName) continue;
                var isText = reader.ValueTextEquals("order_id"u8) || reader.ValueTextEquals("city"u8) || reader.ValueTextEquals("sku"u8);
                var isQuantity = !isText && reader.ValueTextEquals("qty"u8);
                var isPrice = !isText && !isQuantity && reader.ValueTextEquals("price"u8);
                reader.Read();
                if (isText) text += reader.CopyString(buffer);
                else if (isQuantity) quantity += reader.GetInt32();
                else if (isPrice) price += reader.GetDouble();
            }
        }
        return price < 0 ? default : (quantity, text);
    }
}
