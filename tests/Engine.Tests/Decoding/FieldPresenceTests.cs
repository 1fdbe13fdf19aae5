using System.Text;
using Matih.Batches;
using Matih.Decoding;

namespace Matih.Engine.Tests.Decoding;

public sealed class FieldPresenceTests
{
    private static readonly InputColumn UserId = new InputColumn.SchemaField("userId", new DataType.BigInt());
    private static readonly InputColumn Page = new InputColumn.SchemaField("page", DataType.String);
    private static readonly InputColumn Needed = new InputColumn.SchemaField("needed", new DataType.BigInt { IsNullable = false });

    [Fact]
    public void A_field_that_no_record_has_is_missing_and_members_that_are_no_fields_are_named()
    {
        var presence = new FieldPresence();

        Decode(presence, [UserId, Page], """{"user_id": 1, "page": "a", "at": {"inner": 2}}""", """{"user_id": 2, "page": "b"}""");

        Assert.Equal(2, presence.RecordCount);
        Assert.Equal(["userId"], presence.Result().Missing);
        Assert.Equal(["at", "user_id"], presence.Result().OtherNames);
    }

    [Theory]
    [InlineData("""{"userId": 3}""")]
    [InlineData("""{"userId": null}""")]
    [InlineData("""{"userI\u0064": 3}""")]
    public void A_single_record_that_has_the_field_decides(string record)
    {
        var presence = new FieldPresence();
        var records = Enumerable.Repeat("{\"x\": 1}", 400).ToArray();
        records[300] = record;

        Decode(presence, [UserId], records);

        Assert.Empty(presence.Result().Missing);
    }

    [Fact]
    public void What_another_decoder_of_the_run_has_seen_is_not_missing()
    {
        var presence = new FieldPresence();

        Decode(presence, [UserId], """{"x": 1}""");
        Decode(presence, [UserId], """{"userId": 1}""");
        Decode(presence, [UserId], """{"x": 1}""");

        Assert.Equal(3, presence.RecordCount);
        Assert.Empty(presence.Result().Missing);
    }

    [Fact]
    public void Records_that_are_rejected_or_dropped_do_not_count_and_a_field_that_must_not_be_null_is_not_looked_for()
    {
        var presence = new FieldPresence();

        Decode(presence, [UserId, Needed], "no json", "", "[]", """{"other": 1}""");

        Assert.Equal(1, presence.RecordCount);
        Assert.Equal(["userId"], presence.Result().Missing);
    }

    [Fact]
    public void Only_the_first_records_are_looked_at()
    {
        var presence = new FieldPresence();
        var records = Enumerable.Repeat("{\"x\": 1}", FieldPresence.RecordCountMax + 1000).ToArray();
        records[^1] = """{"userId": 1}""";

        Decode(presence, [UserId], records);

        Assert.False(presence.IsLooking);
        Assert.InRange(presence.RecordCount, FieldPresence.RecordCountMax, FieldPresence.RecordCountMax + 128);
        Assert.Equal(["userId"], presence.Result().Missing);
    }

    private static void Decode(FieldPresence presence, InputColumn[] columns, params string[] values)
    {
        using var decoder = new JsonRecordDecoder(columns, new JsonDecodeSettings(), "clicks", MemoryAccount.Unlimited(), presence);
        using var batch = new ManagedRawBatch();
        foreach (var value in values) batch.Add(Encoding.UTF8.GetBytes(value));
        var errors = new RowErrors();
        errors.Clear(batch.Count);
        decoder.Decode(batch, errors);
    }
}
