using Matih.Engine.Tests.Delivery;
using Matih.Hosting;
using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Hosting;

public sealed class ClientLogTests : IEngineLog
{
    private readonly HurriedClock _clock = new();
    private readonly List<LogEntry> _entries = [];
    private readonly ClientLog _log;

    public ClientLogTests() => _log = new ClientLog(this, _clock, isMock: true);

    [Fact]
    public void The_same_trouble_on_several_connections_is_one_warning()
    {
        Write(3, "FAIL", "[thrd:localhost:1/bootstrap]: localhost:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)");
        Write(4, "ERROR", "localhost:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)");
        Write(4, "ERROR", "localhost:1/bootstrap: Connect to ipv6#[::1]:1 failed: Connection refused (after 0ms in state CONNECT, 1 identical error(s) suppressed)");

        Assert.Equal(["Kafka client: localhost:1: connection refused"], Warnings);
        Assert.Equal(3, _entries.Count);
    }

    [Fact]
    public void It_is_said_again_after_ten_minutes_with_how_often_it_came()
    {
        for (var i = 0; i < 4; i++) Write(3, "FAIL", "k:1/1: Receive failed: broken");
        _clock.Elapsed += TimeSpan.FromMinutes(11);

        Write(3, "FAIL", "k:1/1: Receive failed: broken");

        Assert.Equal(["Kafka client: k:1: Receive failed: broken", "Kafka client: k:1: Receive failed: broken (3 times more since this was last reported)"], Warnings);
    }

    [Fact]
    public void Other_troubles_are_other_warnings_and_lines_without_trouble_are_for_debugging()
    {
        Write(4, "FAIL", "a:1/1: Receive failed: broken");
        Write(4, "FAIL", "b:1/1: Receive failed: broken");
        Write(6, "CONNECT", "connected");
        Write(4, "AUTOCREATE", "unknown to the mock");

        Assert.Equal(["Kafka client: a:1: Receive failed: broken", "Kafka client: b:1: Receive failed: broken"], Warnings);
        Assert.Contains(_entries, entry => entry is { Severity: LogSeverity.Debug, Message: "Kafka client: CONNECT: connected" });
    }

    [Fact]
    public void Texts_that_differ_each_time_are_all_said()
    {
        for (var i = 0; i < 5000; i++) Write(4, "FAIL", $"strange {i}");

        Assert.Equal(5000, Warnings.Count);
    }

    void IEngineLog.Write(LogEntry entry) => _entries.Add(entry);

    private List<string> Warnings => [.. _entries.Where(entry => entry.Severity == LogSeverity.Warning).Select(entry => entry.Message)];

    private void Write(int level, string facility, string text) => _log.Write(new KafkaLogLine(level, facility, text));
}
