using System.Text;
using Matih.Batches;
using Matih.Decoding;

namespace Matih.Engine.Tests.Decoding;

public sealed class JsonRecordDecoderTests
{
    private static readonly JsonDecodeSettings Defaults = new();
    private static readonly InputColumn UserId = new InputColumn.SchemaField("user_id", new DataType.BigInt());
    private static readonly InputColumn Amount = new InputColumn.SchemaField("amount", new DataType.Double());
    private static readonly InputColumn Page = new InputColumn.JsonScalar("$.page");
    private static readonly InputColumn Offset = new InputColumn.Metadata(RecordMetadata.Offset, new DataType.BigInt());
    private static readonly InputColumn Value = new InputColumn.Metadata(RecordMetadata.Value, DataType.String);
    private static readonly InputColumn Key = new InputColumn.Metadata(RecordMetadata.Key, DataType.String);
    private static readonly InputColumn Timestamp = new InputColumn.Metadata(RecordMetadata.Timestamp, new DataType.TimestampLtz(3));
    private static readonly InputColumn EventTimestamp = new InputColumn.Metadata(RecordMetadata.EventTimestamp, new DataType.Timestamp(3));
    private static readonly InputColumn TimestampType = new InputColumn.Metadata(RecordMetadata.TimestampType, DataType.String);

    [Fact]
    public void Fields_paths_and_metadata_are_filled_in_the_order_asked()
    {
        InputColumn[] columns =
        [
            Page, Offset, UserId, new InputColumn.Metadata(RecordMetadata.Topic, DataType.String), Amount,
            new InputColumn.Metadata(RecordMetadata.Partition, new DataType.Int()), Key, Value, Timestamp, EventTimestamp, TimestampType,
            new InputColumn.Header("trace"),
        ];
        using var decoder = new JsonRecordDecoder(columns, Defaults, "clicks", MemoryAccount.Unlimited());
        using var batch = new ManagedRawBatch();
        batch.Add("""{"user_id":7,"page":"/a","amount":1.5}"""u8.ToArray(), "k"u8.ToArray(), offset: 41, partition: 3, 1_700_000_000_123, TimestampKind.CreateTime,
            [new("trace", [1]), new("other", [9]), new("trace", [2, 3])]);
        batch.Add("{}"u8.ToArray(), offset: 42, timestampMillis: -1, timestampKind: TimestampKind.LogAppendTime, headers: [new("trace", null)]);

        var rows = Decoded.Rows(decoder, batch);

        Assert.Equal(
            """/a | 41 | 7 | clicks | 1.5 | 3 | k | {"user_id":7,"page":"/a","amount":1.5} | 2023-11-14T22:13:20.123000Z | 2023-11-14T22:13:20.123000 | CreateTime | 0x0203""",
            rows[0]);
        Assert.Equal("NULL | 42 | NULL | clicks | NULL | 0 | NULL | {} | 1969-12-31T23:59:59.999000Z | 1969-12-31T23:59:59.999000 | LogAppendTime | NULL", rows[1]);
        Assert.Equal("ROW<`JSON_VALUE(value, '$.page')` STRING, `Offset` BIGINT, `user_id` BIGINT", decoder.Type.ToString().Split(", `Topic`")[0]);
    }

    [Fact]
    public void Tombstones_and_empty_values_give_no_row()
    {
        using var decoder = new JsonRecordDecoder([UserId, Offset], Defaults, "clicks", MemoryAccount.Unlimited());
        using var batch = new ManagedRawBatch();
        batch.Add(null, offset: 1);
        batch.Add([], offset: 2);
        batch.Add("""{"user_id":3}"""u8.ToArray(), offset: 3);
        batch.Add("  "u8.ToArray(), offset: 4);

        var rows = Decoded.Rows(decoder, batch);

        Assert.Equal(["dropped", "dropped", "3 | 3", "rejected: value: the text is empty, expected one JSON document"], rows);
    }

    [Fact]
    public void A_missing_timestamp_is_null()
    {
        using var decoder = new JsonRecordDecoder([Timestamp, EventTimestamp, TimestampType], Defaults, "clicks", MemoryAccount.Unlimited());
        using var batch = new ManagedRawBatch();
        batch.Add("{}"u8.ToArray());

        Assert.Equal(["NULL | NULL | NoTimestampType"], Decoded.Rows(decoder, batch));
    }

    [Fact]
    public void Metadata_that_must_not_be_null_rejects_the_record()
    {
        InputColumn[] columns =
        [
            new InputColumn.Metadata(RecordMetadata.Key, DataType.String.NotNull()),
            new InputColumn.Metadata(RecordMetadata.EventTimestamp, new DataType.Timestamp(3).NotNull()),
        ];
        using var decoder = new JsonRecordDecoder(columns, Defaults, "clicks", MemoryAccount.Unlimited());
        using var batch = new ManagedRawBatch();
        batch.Add("{}"u8.ToArray(), timestampMillis: 0, timestampKind: TimestampKind.CreateTime);
        batch.Add("{}"u8.ToArray(), key: []);
        batch.Add("{}"u8.ToArray(), [], 0, 0, 0, TimestampKind.CreateTime);

        Assert.Equal(
            ["rejected: key: the record has none, expected NOT NULL", "rejected: timestamp: the record has none, expected NOT NULL", " | 1970-01-01T00:00:00"],
            Decoded.Rows(decoder, batch));
    }

    [Fact]
    public void A_key_is_text_or_bytes()
    {
        using var text = new JsonRecordDecoder([Key], Defaults, "clicks", MemoryAccount.Unlimited());
        using var bytes = new JsonRecordDecoder([new InputColumn.Metadata(RecordMetadata.Key, DataType.Bytes)], Defaults, "clicks", MemoryAccount.Unlimited());
        using var batch = new ManagedRawBatch();
        batch.Add("{}"u8.ToArray(), [0xFF]);
        batch.Add("{}"u8.ToArray(), "é"u8.ToArray());
        batch.Add("{}"u8.ToArray(), []);
        batch.Add("{}"u8.ToArray(), null);

        Assert.Equal(["rejected: key: invalid UTF-8, expected STRING; read the key as BYTES", "é", "", "NULL"], Decoded.Rows(text, batch));
        Assert.Equal(["0xFF", "0xC3A9", "0x", "NULL"], Decoded.Rows(bytes, batch));
    }

    [Fact]
    public void The_document_is_validated_even_where_no_field_is_read()
    {
        using var decoder = new JsonRecordDecoder([Offset], Defaults, "clicks", MemoryAccount.Unlimited());
        using var batch = new ManagedRawBatch();
        batch.Add("[1,]"u8.ToArray(), offset: 1);
        batch.Add("[1]"u8.ToArray(), offset: 2);

        Assert.Equal(["rejected: value: expected a JSON value, found ']' at offset 3", "2"], Decoded.Rows(decoder, batch));
        Assert.Equal(["rejected: value: expected a JSON object, found a JSON array"], Decoded.Json([Offset], new JsonDecodeSettings { RequiresObject = true }, "[1]"));
    }

    [Theory]
    [InlineData("0000000011060A", "rejected: value: expected a JSON value, found 0x00 at offset 0. This looks like a schema registry message: 0x00, the schema id 17, then Avro, which format avro reads, or Protobuf, which is not read in this version")]
    [InlineData("000000012C7B7D", "rejected: value: expected a JSON value, found 0x00 at offset 0. This looks like a schema registry message: 0x00, the schema id 300, then JSON, which is not read behind it in this version: let the producer write plain JSON")]
    [InlineData("00000000", "rejected: value: expected a JSON value, found 0x00 at offset 0")]
    [InlineData("0100000011060A", "rejected: value: expected a JSON value, found 0x01 at offset 0")]
    public void What_a_registry_s_serializer_wrote_is_recognized(string value, string expected)
    {
        using var decoder = new JsonRecordDecoder([UserId], Defaults, "clicks", MemoryAccount.Unlimited());
        using var batch = new ManagedRawBatch();
        batch.Add(Convert.FromHexString(value));

        Assert.Equal([expected], Decoded.Rows(decoder, batch));
    }

    [Fact]
    public void A_record_that_fails_at_its_last_field_leaves_nothing_behind()
    {
        InputColumn[] columns = [new InputColumn.SchemaField("s", DataType.String), UserId, Page, Amount];

        var rows = Decoded.Json(columns, Defaults,
            """{"s":"one","user_id":1,"page":"/1","amount":1}""",
            """{"s":"two","user_id":null,"page":"/2","amount":"bad"}""",
            """{"s":"three","user_id":3,"page":"/3","amount":3}""");

        Assert.Equal(["one | 1 | /1 | 1", "rejected: field amount: expected DOUBLE, found the string \"bad\"", "three | 3 | /3 | 3"], rows);
    }

    [Fact]
    public void Bad_records_anywhere_in_a_large_batch_leave_the_others_as_they_are()
    {
        var random = new Random(4711);
        InputColumn[] columns = [new InputColumn.SchemaField("s", DataType.String), UserId, Page, Amount, new InputColumn.SchemaField("b", DataType.Bytes), Offset];
        using var decoder = new JsonRecordDecoder(columns, Defaults, "clicks", MemoryAccount.Unlimited());
        using var batch = new ManagedRawBatch();
        var expected = new List<string>();
        for (var i = 0; i < 1000; i++)
        {
            var kind = i / 128 % 2 == 0 ? random.Next(12) : random.Next(400);
            var value = kind switch
            {
                0 => """{"s":"x","user_id":1,"page":"/x","amount":"bad","b":"YWJj"}""",
                1 => """{"s":"x","user_id":"bad","page":"/x","amount":"bad"}""",
                2 => "{",
                3 => "",
                4 => """{"s":null,"b":null}""",
                _ => $$"""{"s":"text {{i}}\n","user_id":{{i}},"page":"/{{i}}","amount":{{i}}.5,"b":"YWJj"}""",
            };
            batch.Add(Encoding.UTF8.GetBytes(value), offset: i);
            expected.Add(kind switch
            {
                0 => "rejected: field amount: expected DOUBLE, found the string \"bad\"",
                1 => "rejected: field user_id: expected BIGINT, found the string \"bad\"",
                2 => "rejected: value: the text ends inside the JSON document, at offset 1",
                3 => "dropped",
                4 => $"NULL | NULL | NULL | NULL | NULL | {i}",
                _ => $"text {i}\n | {i} | /{i} | {i}.5 | 0x616263 | {i}",
            });
        }

        Assert.Equal(expected, Decoded.Rows(decoder, batch));
    }

    [Fact]
    public void Excluded_rows_are_not_looked_at()
    {
        using var decoder = new JsonRecordDecoder([UserId, Value, Offset], Defaults, "clicks", MemoryAccount.Unlimited());
        using var batch = new ManagedRawBatch();
        batch.Add("not json"u8.ToArray(), offset: 1);
        batch.Add("""{"user_id":2}"""u8.ToArray(), offset: 2);

        var rows = Decoded.Rows(decoder, batch, errors => errors.Exclude(0));

        Assert.Equal(["excluded", """2 | {"user_id":2} | 2"""], rows);
    }

    [Fact]
    public void Columns_are_reused_from_batch_to_batch()
    {
        var account = MemoryAccount.Unlimited();
        var decoder = new JsonRecordDecoder([UserId, Page], Defaults, "clicks", account);
        using var batch = new ManagedRawBatch();
        for (var i = 0; i < 1000; i++) batch.Add(Encoding.UTF8.GetBytes($$"""{"user_id":{{i}},"page":"/{{i}}"}"""));
        Decoded.Rows(decoder, batch);
        var used = account.UsedBytes;

        var rows = Decoded.Rows(decoder, batch);

        Assert.Equal("999 | /999", rows[^1]);
        Assert.Equal(used, account.UsedBytes);
        decoder.Dispose();
        Assert.Equal(0, account.UsedBytes);
    }

    [Fact]
    public void Values_of_megabytes_are_decoded()
    {
        var text = new string('x', 3 << 20);

        var rows = Decoded.Json([new InputColumn.SchemaField("a", DataType.String), UserId], Defaults, $$"""{"a":"{{text}}\n{{text}}","user_id":5}""");

        Assert.Equal([text + "\n" + text + " | 5"], rows);
    }

    [Fact]
    public void Nesting_bombs_are_rejected()
    {
        var rows = Decoded.Json([UserId], Defaults, """{"user_id":1,"b":""" + new string('[', 500_000), """{"user_id":1,"b":""" + new string('[', 999) + new string(']', 999) + "}");

        Assert.Equal(["rejected: value: nesting deeper than 1000 at offset 1016", "1"], rows);
    }

    [Theory]
    [InlineData("map")]
    [InlineData("path")]
    [InlineData("wildcard")]
    [InlineData("both")]
    [InlineData("metadata")]
    public void What_cannot_be_filled_is_refused_when_the_decoder_is_made(string what)
    {
        (InputColumn column, var settings, var message) = what switch
        {
            "map" => (new InputColumn.SchemaField("r", new DataType.Array(new DataType.Map(new DataType.Int(), DataType.String))), Defaults,
                "Field r[*]: the members of a JSON object have strings as names, so that a MAP of format json has STRING keys, not INT."),
            "path" => (new InputColumn.JsonScalar("$."), Defaults, "JSON path '$.', offset 1: the path ends with '.'; a member name must follow it."),
            "wildcard" => (new InputColumn.JsonScalar("$.a[*]"), Defaults, "The path '$.a[*]' has a wildcard (*), and leads to more than one value. (Parameter 'paths')"),
            "both" => (UserId, new JsonDecodeSettings { FailOnMissingField = true, IgnoreParseErrors = true },
                "fail-on-missing-field and ignore-parse-errors cannot both be true. (Parameter 'settings')"),
            _ => ((InputColumn)new InputColumn.Metadata(RecordMetadata.Offset, new DataType.Int()), Defaults, "The record's Offset is BIGINT, not INT."),
        };

        var error = Assert.ThrowsAny<Exception>(() => new JsonRecordDecoder([column], settings, "clicks", MemoryAccount.Unlimited()));

        Assert.True(error is NotSupportedException or ArgumentException);
        Assert.Equal(message, error.Message);
    }
}
