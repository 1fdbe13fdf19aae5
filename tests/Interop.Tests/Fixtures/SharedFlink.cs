[assembly: AssemblyFixture(typeof(Matih.Fixtures.SharedFlink))]

namespace Matih.Fixtures;

/// <summary>The one Flink cluster of a test run. It starts on first use, and is never stopped by a test: one that needs that starts its own.</summary>
public sealed class SharedFlink : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private Task<FlinkSession>? _session;

    /// <summary>The running cluster. Skips the test where the shared tools are declined.</summary>
    public Task<FlinkSession> SessionAsync()
    {
        SharedTools.Find("flink/flink");
        lock (_lock) return _session ??= FlinkSession.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_session is { IsCompletedSuccessfully: true }) await _session.Result.DisposeAsync();
    }
}
