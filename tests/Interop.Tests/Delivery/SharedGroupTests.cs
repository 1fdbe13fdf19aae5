using Matih.Fixtures;

namespace Matih.Interop.Tests.Delivery;

/// <summary>Two sinks of one source on a real broker, which keeps one text beside the offsets of their group.</summary>
public sealed class SharedGroupTests(SharedKafka kafka)
{
    [Theory]
    [InlineData("orders")]
    [InlineData("copies")]
    public async Task A_dropped_table_is_refused_whichever_sink_it_belongs_to_and_nothing_is_written(string dropped)
    {
        var client = await kafka.ClientAsync();
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), (await kafka.BrokerAsync()).Bootstrap, KafkaBroker.NewName("shared-group"));
        pipeline.ReplaceInDefinition("  lake: {", "  copy: { type: iceberg, input: typed, table: shop.copies, mode: append }\n  lake: {", "lake: { type: iceberg,", "lake: { type: iceberg, input: typed,");
        await client.CreateTopicAsync(pipeline.Topic);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 50));
        await pipeline.CatchUpAsync();
        Directory.Delete(Path.Combine(pipeline.Folder, "warehouse", "shop", dropped), recursive: true);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(50, 50));

        var refused = await pipeline.RunAsync("--until-caught-up", "--set", "sources.src.start_offset=latest");
        var verified = await pipeline.VerifyAsync();

        Assert.Equal(5, refused.ExitCode);
        Assert.Contains($"but table shop.{dropped} does not exist", refused.StandardError, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(pipeline.Folder, "warehouse", "shop", dropped)));
        Assert.Equal(5, verified.ExitCode);
        var other = Path.Combine(pipeline.Folder, "warehouse", "shop", dropped == "orders" ? "copies" : "orders");
        Assert.Equal(50, await IcebergReference.CountAsync(other));
    }
}
