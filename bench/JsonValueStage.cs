using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Matih.Batches;
using Matih.Decoding;
using Matih.Sql;

namespace Matih.Bench;

/// <summary>
/// JSON in a text column, as outboxes and audit topics have it: six paths of it by JSON_VALUE, decoding of the record included,
/// against the framework's document and its reader over the same bytes.
/// </summary>
public sealed class JsonValueStage(string folder)
{
    private const int OrderCount = 200_000;
    private const int LineCount = 3;

    private const string Statement = """
        SELECT id,
          JSON_VALUE(payload, '$.order.number') AS number,
          JSON_VALUE(payload, '$.order.customer.name') AS name,
          JSON_VALUE(payload, '$.order.customer.address.city') AS city,
          JSON_VALUE(payload, '$.order.total') AS total,
          JSON_VALUE(payload, '$.order.lines[0].sku') AS sku,
          CAST(JSON_VALUE(payload, '$.order.lines[2].qty') AS INT) AS qty
        FROM orders
        """;

    private readonly Facts _expected = new();

    public async Task RunAsync(int rounds)
    {
        var input = Path.Combine(folder, "outbox.ndjson");
        Write(input);
        using var records = new MemoryRecords(input);
        var ours = new Contender("matih", () => MeasureAsync(() => Query(records)));
        await new Comparison("six JSON_VALUE of a text column against JsonDocument", ours, new Contender("JsonDocument", () => MeasureAsync(() => ReadDocuments(records))), OrderCount).RunAsync(rounds);
        await new Comparison("six JSON_VALUE of a text column against Utf8JsonReader", ours, new Contender("Utf8JsonReader", () => MeasureAsync(() => ReadTokens(records))), OrderCount).RunAsync(rounds);
    }

    /// <summary>What every pass has to find.</summary>
    private sealed record Facts
    {
        public long Quantity { get; set; }
        public long TextBytes { get; set; }
    }

    private void Write(string path)
    {
        using var file = new StreamWriter(path, append: false, new UTF8Encoding(false), 1 << 20);
        for (var i = 0; i < OrderCount; i++)
        {
            string[] texts = [$"O-{i:D10}", $"customer-{i % 5000}", $"city-{i % 300}", string.Create(CultureInfo.InvariantCulture, $"{i % 900}.25"), $"SKU-{i * 7 % 20_000:D6}"];
            var lines = Enumerable.Range(0, LineCount).Select(line => $$"""{"sku":"{{(line == 0 ? texts[4] : $"SKU-{line:D6}")}}","qty":{{(i + line) % 9 + 1}},"price":{{(i + line) % 500}}.25,"note":null}""");
            var payload = $$"""{"version":3,"order":{"number":"{{texts[0]}}","placed_at":"2026-05-01T12:00:00Z","customer":{"name":"{{texts[1]}}","address":{"street":"{{i % 400}} Main Street","city":"{{texts[2]}}","zip":"{{i % 90000:D5}}" } },"lines":[{{string.Join(',', lines)}}],"total":{{texts[3]}},"currency":"EUR" } }""";
            file.Write($"{{\"id\":{i},\"payload\":\"{payload.Replace("\"", "\\\"", StringComparison.Ordinal)}\"}}\n");
            _expected.Quantity += (i + 2) % 9 + 1;
            _expected.TextBytes += texts.Sum(text => text.Length);
        }
    }

    private async Task<double> MeasureAsync(Func<Facts> pass)
    {
        var found = new Facts();
        var seconds = await CpuTime.OfWorkAsync(() =>
        {
            found = pass();
            return Task.CompletedTask;
        });
        return found == _expected ? seconds : throw new InvalidOperationException($"Found {found}, expected {_expected}.");
    }

    private static Facts Query(MemoryRecords records)
    {
        const int BatchRecords = 10_000;
        var schema = new RowType([new Field("id", new DataType.BigInt()), new Field("payload", DataType.String)]);
        var query = QueryCompiler.Compile(Statement, new QueryInput("orders", schema, HasRecordMetadata: true, InputFormat.Json), QuerySettings.Default).Query
            ?? throw new InvalidOperationException("The statement does not compile.");
        using var decoder = new JsonRecordDecoder(query.Inputs, new JsonDecodeSettings { RequiresObject = true }, "orders", MemoryAccount.Unlimited());
        using var executor = query.CreateExecutor(TimeProvider.System, MemoryAccount.Unlimited());
        using var batch = new MemoryRecords.Batch(records);
        var errors = new RowErrors();
        var facts = new Facts();
        for (var start = 0; start < records.Count; start += BatchRecords)
        {
            var count = Math.Min(BatchRecords, records.Count - start);
            batch.Fill(start, count);
            errors.Clear(count);
            var rows = executor.Execute(decoder.Decode(batch, errors), errors);
            if (errors.IsAnyLeftOut) throw new InvalidOperationException($"A record is left out: {errors.Errors[0].Reason}");
            for (var column = 1; column <= 5; column++) facts.TextBytes += ((BytesColumn)rows[column]).Data.Length;
            foreach (var pieces in ((FixedColumn<int>)rows[6]).Values) facts.Quantity += pieces;
        }
        return facts;
    }

    /// <summary>The text of a record's payload, without its escapes.</summary>
    private static int CopyPayload(ReadOnlySpan<byte> record, Span<byte> payload)
    {
        var reader = new Utf8JsonReader(record);
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName) continue;
            var isPayload = reader.ValueTextEquals("payload"u8);
            reader.Read();
            if (isPayload) return reader.CopyString(payload);
        }
        throw new InvalidOperationException("A record has no payload.");
    }

    private static Facts ReadDocuments(MemoryRecords records)
    {
        var buffer = new byte[4096];
        var copy = new byte[256];
        var facts = new Facts();
        for (var i = 0; i < records.Count; i++)
        {
            using var document = JsonDocument.Parse(buffer.AsMemory(0, CopyPayload(records[i], buffer)));
            var order = document.RootElement.GetProperty("order"u8);
            var (customer, lines) = (order.GetProperty("customer"u8), order.GetProperty("lines"u8));
            facts.TextBytes += Copy(order.GetProperty("number"u8), copy) + Copy(customer.GetProperty("name"u8), copy) + Copy(customer.GetProperty("address"u8).GetProperty("city"u8), copy)
                + Copy(order.GetProperty("total"u8), copy) + Copy(lines[0].GetProperty("sku"u8), copy);
            facts.Quantity += lines[2].GetProperty("qty"u8).GetInt32();
        }
        return facts;
    }

    /// <summary>The quickest way of a document to bytes: no text of these has an escape.</summary>
    private static int Copy(JsonElement value, Span<byte> target)
    {
        var text = JsonMarshal.GetRawUtf8Value(value);
        if (value.ValueKind == JsonValueKind.String) text = text[1..^1];
        text.CopyTo(target);
        return text.Length;
    }

    /// <summary>What one would write by hand for this very document: every token visited, names compared, lines counted.</summary>
    private static Facts ReadTokens(MemoryRecords records)
    {
        var buffer = new byte[4096];
        Span<byte> copy = stackalloc byte[256];
        var facts = new Facts();
        for (var i = 0; i < records.Count; i++)
        {
            var reader = new Utf8JsonReader(buffer.AsSpan(0, CopyPayload(records[i], buffer)));
            var line = -1;
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName) continue;
                var isText = reader.ValueTextEquals("number"u8) || reader.ValueTextEquals("name"u8) || reader.ValueTextEquals("city"u8);
                var isTotal = !isText && reader.ValueTextEquals("total"u8);
                var isSku = !isText && !isTotal && reader.ValueTextEquals("sku"u8);
                var isQuantity = !isText && !isTotal && !isSku && reader.ValueTextEquals("qty"u8);
                reader.Read();
                if (isSku) line++;
                if (isText || (isSku && line == 0)) facts.TextBytes += reader.CopyString(copy);
                else if (isQuantity && line == 2) facts.Quantity += reader.GetInt32();
                else if (isTotal)
                {
                    reader.ValueSpan.CopyTo(copy);
                    facts.TextBytes += reader.ValueSpan.Length;
                }
            }
        }
        return facts;
    }
}
