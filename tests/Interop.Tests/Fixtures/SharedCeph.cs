[assembly: AssemblyFixture(typeof(Matih.Fixtures.SharedCeph))]

namespace Matih.Fixtures;

/// <summary>
/// The one Ceph RADOS Gateway of a test run: a real S3 store. It starts on first use (2 seconds) and ends with the run. Take it
/// as a constructor parameter of the test class, use a fresh folder per test, and never stop it.
/// </summary>
public sealed class SharedCeph : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private Task<CephGateway>? _gateway;

    /// <summary>The running gateway. Skips the test where the shared tools are declined.</summary>
    public Task<CephGateway> GatewayAsync()
    {
        if (SharedTools.IsDeclined) Assert.Skip("needs a Ceph gateway, declined with the shared tools");
        lock (_lock) return _gateway ??= CephGateway.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_gateway is { IsCompletedSuccessfully: true }) await _gateway.Result.DisposeAsync();
    }
}
