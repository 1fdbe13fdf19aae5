using System.Globalization;
using System.Text;
using Google.Protobuf;
using Matih.Batches;
using Matih.Hosting.Serverless;

namespace Matih.Engine.Tests.Hosting.Serverless;

/// <summary>Records as the Kafka extension hands them over, against messages that Google's protobuf library wrote.</summary>
public sealed class TriggeredRecordsTests
{
    private const string Topic = "shop.orders";

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static IReadOnlyList<TriggeredRecords> Split(params TriggerMessage[] messages) => TriggeredRecords.Split([.. messages.Select(message => message.ToMemory())], Topic);

    private static TriggeredRecords Single(TriggerMessage message) => Assert.Single(Split(message));

    private static long[] Offsets(TriggeredRecords batch) => [.. batch.Records.ToArray().Select(record => record.Offset)];

    [Fact]
    public void No_messages_are_no_batches() => Assert.Empty(Split());

    [Fact]
    public void A_record_comes_with_all_that_the_message_says()
    {
        using var batch = Single(new TriggerMessage { Partition = 7, Offset = long.MaxValue - 1, Key = Utf8("k"), Value = Utf8("vé"), Timestamp = (1_700_000_000_123, 2), HasUnknownFields = true });

        var record = batch.Records[0];
        Assert.Equal((7, 7, long.MaxValue - 1), (batch.Partition, record.Partition, record.Offset));
        Assert.Equal((1_700_000_000_123, TimestampKind.LogAppendTime), (record.TimestampMillis, record.TimestampKind));
        Assert.Equal((1, 3), (record.KeyLength, record.ValueLength));
        Assert.Equal("k", Encoding.UTF8.GetString(batch.Key(0)));
        Assert.Equal("vé", Encoding.UTF8.GetString(batch.Value(0)));
    }

    [Theory]
    [InlineData(null, null, -1, -1)]
    [InlineData("", "", 0, 0)]
    [InlineData(null, "v", -1, 1)]
    [InlineData("k", null, 1, -1)]
    [InlineData("", null, 0, -1)]
    public void A_key_or_value_that_is_null_is_told_from_one_that_is_empty(string? key, string? value, int keyLength, int valueLength)
    {
        using var batch = Single(new TriggerMessage { Key = key is null ? null : Utf8(key), Value = value is null ? null : Utf8(value) });

        Assert.Equal((keyLength, valueLength), (batch.Records[0].KeyLength, batch.Records[0].ValueLength));
        Assert.Equal(key ?? "", Encoding.UTF8.GetString(batch.Key(0)));
        Assert.Equal(value ?? "", Encoding.UTF8.GetString(batch.Value(0)));
    }

    [Fact]
    public void Fields_that_proto3_leaves_out_are_zero()
    {
        using var batch = Single(new TriggerMessage { Partition = 0, Offset = 0, Timestamp = (0, 1) });

        Assert.Equal((0, 0L, 0L, TimestampKind.CreateTime), (batch.Partition, batch.Records[0].Offset, batch.Records[0].TimestampMillis, batch.Records[0].TimestampKind));
    }

    [Theory]
    [InlineData(5L, 0)]
    [InlineData(5L, 3)]
    [InlineData(null, 0)]
    public void A_timestamp_of_no_kind_is_none(long? millis, int kind)
    {
        using var batch = Single(new TriggerMessage { Timestamp = millis is { } known ? (known, kind) : null });

        Assert.Equal((-1L, TimestampKind.None), (batch.Records[0].TimestampMillis, batch.Records[0].TimestampKind));
    }

    [Fact]
    public void A_timestamp_before_1970_stays_so()
    {
        using var batch = Single(new TriggerMessage { Timestamp = (-1, 1) });

        Assert.Equal(-1, batch.Records[0].TimestampMillis);
        Assert.Equal(TimestampKind.CreateTime, batch.Records[0].TimestampKind);
    }

    [Fact]
    public void Each_partition_is_a_batch_in_the_order_of_its_offsets_with_every_offset_once()
    {
        (int Partition, long Offset, string Value)[] handed = [(2, 5, "a"), (0, 9, "b"), (2, 3, "c"), (0, 8, "d"), (2, 5, "again"), (1, 0, "e"), (0, 9, "again"), (2, 4, "f"), (2, 3, "again")];

        var batches = Split([.. handed.Select(record => new TriggerMessage { Partition = record.Partition, Offset = record.Offset, Value = Utf8(record.Value) })]);

        Assert.Equal([0, 1, 2], batches.Select(batch => batch.Partition));
        Assert.Equal([8, 9], Offsets(batches[0]));
        Assert.Equal([0], Offsets(batches[1]));
        Assert.Equal([3, 4, 5], Offsets(batches[2]));
        Assert.Equal(["c", "f", "a"], Enumerable.Range(0, 3).Select(row => Encoding.UTF8.GetString(batches[2].Value(row))));
        foreach (var batch in batches) batch.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_order_and_repetition_records_come_in_none_is_lost_doubled_or_mixed_up(int seed)
    {
        var random = new Random(seed);
        List<TriggerMessage> distinct = [];
        for (var partition = 0; partition < 5; partition++)
        {
            for (var offset = 0; offset < random.Next(60); offset++)
            {
                distinct.Add(new TriggerMessage
                {
                    Partition = partition, Offset = offset, HasUnknownFields = random.Next(2) == 0,
                    Key = random.Next(3) == 0 ? null : Utf8($"k{partition}/{offset}"),
                    Value = random.Next(3) == 0 ? null : Utf8($"v{partition}/{offset}"),
                    Headers = [("h", Utf8($"h{partition}/{offset}"))],
                });
            }
        }
        TriggerMessage[] handed = [.. distinct, .. distinct.Where(_ => random.Next(3) == 0)];
        random.Shuffle(handed);

        var batches = Split(handed);

        var seen = batches.SelectMany(batch => Enumerable.Range(0, batch.Count).Select(row => (batch.Partition, batch.Records[row].Offset))).ToList();
        Assert.True(seen.SequenceEqual(distinct.Select(message => (message.Partition, message.Offset))), $"Seed {seed}: {string.Join(' ', seen)}");
        foreach (var batch in batches)
        {
            for (var row = 0; row < batch.Count; row++)
            {
                var message = distinct.Single(one => one.Partition == batch.Partition && one.Offset == batch.Records[row].Offset);
                Assert.True(batch.Value(row).SequenceEqual(message.Value ?? []) && batch.Key(row).SequenceEqual(message.Key ?? []), $"Seed {seed}: partition {batch.Partition}, offset {message.Offset}.");
                Assert.True(batch.TryGetHeader(row, "h"u8, out var header, out _) && header.SequenceEqual(message.Headers[0].Value), $"Seed {seed}: header of partition {batch.Partition}, offset {message.Offset}.");
            }
            batch.Dispose();
        }
    }

    [Fact]
    public void The_last_header_of_a_name_counts_and_may_be_null()
    {
        using var batch = Single(new TriggerMessage
        {
            HasUnknownFields = true,
            Headers = [("a", Utf8("1")), ("b", Utf8("x")), ("a", Utf8("2")), ("b", null), ("", Utf8("nameless")), ("empty", [])],
        });

        Assert.Equal((true, "2", false), Header(batch, "a"));
        Assert.Equal((true, "", true), Header(batch, "b"));
        Assert.Equal((true, "nameless", false), Header(batch, ""));
        Assert.Equal((true, "", false), Header(batch, "empty"));
        Assert.Equal((false, "", true), Header(batch, "A"));
    }

    [Fact]
    public void Large_values_come_through_whole()
    {
        var random = new Random(1);
        byte[][] values = [.. Enumerable.Range(0, 4).Select(_ => new byte[5_000_000])];
        foreach (var value in values) random.NextBytes(value);

        var batch = Assert.Single(Split([.. values.Select((value, offset) => new TriggerMessage { Offset = offset, Value = value })]));

        for (var row = 0; row < values.Length; row++) Assert.True(batch.Value(row).SequenceEqual(values[row]), $"row {row}");
        Assert.Equal(values.Sum(value => (long)value.Length), batch.PayloadBytes);
        batch.Dispose();
    }

    [Theory]
    [InlineData("shop.Orders")]
    [InlineData("shop.orders2")]
    [InlineData("")]
    public void A_record_of_another_topic_is_refused(string topic)
    {
        var refusal = Assert.Throws<FormatException>(() => Split(new TriggerMessage(), new TriggerMessage { Topic = topic, Offset = 1 }));

        Assert.Contains(Topic, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(topic, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, -1L)]
    [InlineData(2, 1L << 31)]
    [InlineData(2, (1L << 32) + 1)]
    [InlineData(3, -1L)]
    public void A_partition_or_offset_that_no_record_has_is_refused(int field, long value)
    {
        var message = TriggerMessage.Write(output =>
        {
            TriggerMessage.WriteText(output, 1, Topic);
            TriggerMessage.WriteVarint(output, field, value);
        });

        Assert.Throws<FormatException>(() => TriggeredRecords.Split([message], Topic));
    }

    [Fact]
    public void A_field_of_another_wire_type_than_the_record_s_is_refused()
    {
        foreach (var field in (int[])[1, 4, 5, 6, 7])
        {
            var message = TriggerMessage.Write(output =>
            {
                TriggerMessage.WriteText(output, 1, Topic);
                TriggerMessage.WriteVarint(output, field, 0);
            });

            Assert.Throws<FormatException>(() => TriggeredRecords.Split([message], Topic));
        }
    }

    [Fact]
    public void A_field_number_that_protobuf_does_not_have_is_refused_and_not_taken_for_another()
    {
        // Tag of field 2^29 + 3, whose upper bits a careless reader cuts off; and field 0.
        foreach (var tag in (ulong[])[((1UL << 32) + 3) << 3, 0])
        {
            byte[] message = [.. new TriggerMessage { Offset = 5 }.ToBytes(), .. Varint(tag), 9];

            Assert.Throws<FormatException>(() => TriggeredRecords.Split([message], Topic));
        }
    }

    [Fact]
    public void Damaged_headers_are_refused_when_the_batch_is_read_and_not_later()
    {
        byte[] message = [.. new TriggerMessage().ToBytes(), (7 << 3) | 2, 2, (1 << 3) | 2, 100];

        Assert.Throws<FormatException>(() => TriggeredRecords.Split([message], Topic));
    }

    [Fact]
    public void Every_truncation_is_read_or_refused()
    {
        var whole = new TriggerMessage { Partition = 3, Offset = 1L << 40, Key = Utf8("key"), Value = Utf8("value"), Headers = [("h", Utf8("x")), ("n", null)], HasUnknownFields = true }.ToBytes();

        for (var length = 0; length < whole.Length; length++) ReadOrRefuse(whole.AsMemory(0, length), $"the first {length} bytes of {Convert.ToHexString(whole)}");
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void Damage_of_any_kind_is_read_or_refused_and_never_crashes(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 5000; i++)
        {
            byte[] bytes;
            if (i % 4 == 0) random.NextBytes(bytes = new byte[random.Next(40)]);
            else
            {
                bytes = new TriggerMessage { Partition = random.Next(4), Offset = random.NextInt64(), Key = Utf8("k"), Value = Utf8("value"), Headers = [("h", Utf8("x")), ("h", null)], HasUnknownFields = i % 3 == 0 }.ToBytes();
                for (var damage = random.Next(1, 4); damage > 0; damage--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }
            ReadOrRefuse(bytes, string.Create(CultureInfo.InvariantCulture, $"seed {seed}, message {i}: {Convert.ToHexString(bytes)}"));
        }
    }

    /// <summary>What is read has parts that lie within the message, and headers that can be asked for.</summary>
    private static void ReadOrRefuse(ReadOnlyMemory<byte> message, string what)
    {
        try
        {
            using var batch = Assert.Single(TriggeredRecords.Split([message], Topic));
            var record = batch.Records[0];
            Assert.True(record.Partition >= 0 && record.Offset >= 0 && batch.PayloadBytes <= message.Length, what);
            batch.TryGetHeader(0, "h"u8, out _, out _);
        }
        catch (FormatException)
        {
            return;
        }
        catch (Exception crash) when (crash is not Xunit.Sdk.XunitException)
        {
            Assert.Fail($"{what}: {crash}");
        }
    }

    private static byte[] Varint(ulong value) => TriggerMessage.Write(output => output.WriteUInt64(value));

    private static (bool IsFound, string Value, bool IsNull) Header(TriggeredRecords batch, string name) =>
        (batch.TryGetHeader(0, Encoding.UTF8.GetBytes(name), out var value, out var isNull), Encoding.UTF8.GetString(value), isNull);
}
