[assembly: AssemblyFixture(typeof(Matih.Fixtures.SharedRestCatalog))]

namespace Matih.Fixtures;

/// <summary>
/// The one REST catalog of a test run. It starts on first use (2 seconds) and ends with the run. Take it as a constructor parameter
/// of the test class, and a table name of its own for each test. A class whose tests ask for faults takes it as its class fixture:
/// that is a server of its own.
/// </summary>
public sealed class SharedRestCatalog : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private string? _warehouse;
    private Task<RestCatalog>? _server;

    /// <summary>The running server. Skips the test where the shared tools are declined.</summary>
    public Task<RestCatalog> ServerAsync()
    {
        if (SharedTools.IsDeclined) Assert.Skip("needs a REST catalog, declined with the shared tools");
        lock (_lock) return _server ??= RestCatalog.StartAsync(_warehouse = TemporaryDirectory.NewUnowned());
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is { IsCompletedSuccessfully: true }) await _server.Result.DisposeAsync();
        if (_warehouse is not null) TemporaryDirectory.Delete(_warehouse);
    }
}
