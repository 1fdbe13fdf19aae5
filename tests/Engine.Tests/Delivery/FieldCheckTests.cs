using Matih.Telemetry;

namespace Matih.Engine.Tests.Delivery;

/// <summary>The run warns of a misspelt field of the schema, once, when the first records are through.</summary>
public sealed class FieldCheckTests
{
    [Fact]
    public async Task A_field_that_no_record_has_is_warned_of_at_the_end_of_a_short_run_with_the_member_that_was_meant()
    {
        using var flow = Misspelt("Note");
        flow.Produce(0, 10);

        await flow.CatchUpAsync();

        var warning = Assert.Single(flow.Entries, entry => entry.Event == "field-missing");
        Assert.Equal(LogSeverity.Warning, warning.Severity);
        Assert.Equal("Flow orders/lake: field 'Note' of source 'src' is in none of the first 10 records of topic 'shop.orders', so that it is NULL in every row. Did you mean 'note', which the records have? Names are case-sensitive. If the field is only rare, nothing is wrong.", warning.Message);
        Assert.Equal(10, (await flow.RowsAsync()).Count);
    }

    [Fact]
    public async Task Where_no_member_is_near_those_that_are_no_fields_are_named()
    {
        using var flow = Misspelt("payload");
        flow.Produce(0, 10);

        await flow.CatchUpAsync();

        Assert.Contains("Members that the records have and the schema has not: 'note'.", Assert.Single(flow.Entries, entry => entry.Event == "field-missing").Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_field_that_is_only_rare_or_null_is_not_missing()
    {
        using var flow = new FlowHarness(partitionCount: 2);
        for (var id = 0; id < 500; id++) flow.Topic.Append(0, $$"""{"id": {{id}}}""");
        flow.Topic.Append(1, """{"id": 1, "note": null}""");

        await flow.CatchUpAsync();

        Assert.DoesNotContain(flow.Entries, entry => entry.Event == "field-missing");
    }

    [Fact]
    public async Task A_running_pipeline_waits_for_a_thousand_records_and_then_warns_once()
    {
        using var flow = Misspelt("Note");
        flow.Produce(0, 10);

        await flow.RunDuringAsync(async () =>
        {
            await flow.WaitForRowsAsync(10);
            Assert.DoesNotContain(flow.Entries, entry => entry.Event == "field-missing");
            flow.Produce(10, 1000);
            await flow.WaitForLogAsync("field-missing");
            flow.Produce(1010, 1000);
            await flow.WaitForRowsAsync(2010);
        });

        Assert.Single(flow.Entries, entry => entry.Event == "field-missing");
    }

    [Fact]
    public async Task A_run_without_records_says_nothing()
    {
        using var flow = Misspelt("Note");

        await flow.CatchUpAsync();

        Assert.DoesNotContain(flow.Entries, entry => entry.Event == "field-missing");
    }

    private static FlowHarness Misspelt(string name)
    {
        var flow = new FlowHarness();
        flow.Definition = flow.Definition.Replace("note STRING", $"`{name}` STRING", StringComparison.Ordinal).Replace("SELECT id, note", $"SELECT id, `{name}` AS note", StringComparison.Ordinal);
        return flow;
    }
}
