using System.Text.Json;
using Matih.Host.Demo;

namespace Matih.Engine.Tests.Host;

public sealed class DemoTests
{
    [Fact]
    public void Every_event_is_a_json_document_of_about_190_bytes()
    {
        var events = new ClickEvents(new Random(7));
        var bytes = 0;

        for (var i = 0; i < 1000; i++)
        {
            events.Next(DateTimeOffset.UnixEpoch, out var key, out var value);
            bytes += value.Length;
            var json = JsonDocument.Parse(value.ToArray()).RootElement;
            Assert.Equal(json.GetProperty("user_id").GetString(), System.Text.Encoding.UTF8.GetString(key));
            Assert.True(Guid.TryParse(json.GetProperty("event_id").GetString(), out _));
            Assert.Equal("1970-01-01T00:00:00.000Z", json.GetProperty("event_time").GetString());
            Assert.True(json.GetProperty("amount").GetDecimal() >= 0);
        }

        Assert.InRange(bytes / 1000, 170, 210);
    }

    [Fact]
    public void Production_waits_while_one_partition_runs_too_far_ahead_of_the_table()
    {
        var production = new Production(2);
        for (var i = 0; i < 3000; i++) production.NoteProduced(1, 1000);
        Assert.True(production.HasRoom);

        for (var i = 0; i < 200; i++) production.NoteProduced(1, 1000);
        Assert.False(production.HasRoom);

        production.NoteCommitted(1, 1000);
        Assert.True(production.HasRoom);
        Assert.Equal(2200, production.UncommittedCount);
        Assert.False(production.IsAllCommitted);

        production.NoteCommitted(1, 3200);
        Assert.True(production.IsAllCommitted);
    }
}
