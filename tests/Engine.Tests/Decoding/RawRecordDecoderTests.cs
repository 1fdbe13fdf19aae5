using Matih.Batches;
using Matih.Decoding;

namespace Matih.Engine.Tests.Decoding;

public sealed class RawRecordDecoderTests
{
    private static readonly InputColumn Text = new InputColumn.Metadata(RecordMetadata.Value, DataType.String);
    private static readonly InputColumn Bytes = new InputColumn.Metadata(RecordMetadata.Value, DataType.Bytes);
    private static readonly InputColumn Scalar = new InputColumn.JsonScalar("$.a");
    private static readonly InputColumn Offset = new InputColumn.Metadata(RecordMetadata.Offset, new DataType.BigInt());

    [Fact]
    public void Values_are_handed_on_as_they_are()
    {
        using var text = new RawRecordDecoder([Text, Offset], "log", MemoryAccount.Unlimited());
        using var bytes = new RawRecordDecoder([Bytes, Offset], "log", MemoryAccount.Unlimited());
        using var batch = Batch("any text"u8.ToArray(), null, [], [0xFF]);

        Assert.Equal(["any text | 0", "NULL | 1", " | 2", "rejected: value: invalid UTF-8, expected STRING; read the value as BYTES"], Decoded.Rows(text, batch));
        Assert.Equal(["0x616E792074657874 | 0", "NULL | 1", "0x | 2", "0xFF | 3"], Decoded.Rows(bytes, batch));
    }

    [Fact]
    public void Json_value_reads_any_text_and_passes_over_what_follows()
    {
        using var decoder = new RawRecordDecoder([Scalar], "log", MemoryAccount.Unlimited());
        using var batch = Batch("""{"a":1.50}"""u8.ToArray(), """{"a":2} trailing"""u8.ToArray(), "not json"u8.ToArray(), """{"a":1"""u8.ToArray(), null, []);

        Assert.Equal(["1.5", "2", "NULL", "NULL", "NULL", "NULL"], Decoded.Rows(decoder, batch));
    }

    [Fact]
    public void A_schema_field_is_the_whole_value()
    {
        using var decoder = new RawRecordDecoder(
            [new InputColumn.SchemaField("line", DataType.String.NotNull()), new InputColumn.SchemaField("bytes", DataType.Bytes)], "log", MemoryAccount.Unlimited());
        using var batch = Batch("x"u8.ToArray(), null);

        Assert.Equal(["x | 0x78", "rejected: value: a tombstone, expected NOT NULL"], Decoded.Rows(decoder, batch));
        Assert.Throws<NotSupportedException>(() => new RawRecordDecoder([new InputColumn.SchemaField("n", new DataType.Int())], "log", MemoryAccount.Unlimited()));
    }

    [Fact]
    public void Excluded_rows_are_not_looked_at()
    {
        using var decoder = new RawRecordDecoder([Text, Scalar], "log", MemoryAccount.Unlimited());
        using var batch = Batch([0xFF], """{"a":1}"""u8.ToArray());

        Assert.Equal(["excluded", """{"a":1} | 1"""], Decoded.Rows(decoder, batch, errors => errors.Exclude(0)));
    }

    private static ManagedRawBatch Batch(params byte[]?[] values)
    {
        var batch = new ManagedRawBatch();
        for (var i = 0; i < values.Length; i++) batch.Add(values[i], offset: i);
        return batch;
    }
}
