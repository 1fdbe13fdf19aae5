using Matih.Fixtures;

[assembly: AssemblyFixture(typeof(Matih.Functions.Tests.SharedStorage))]

namespace Matih.Functions.Tests;

/// <summary>
/// The one Azurite of a test run, with blobs, queues and tables. It starts on first use and ends with the run. Take a task hub
/// of your own per test.
/// </summary>
public sealed class SharedStorage : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private Task<Azurite>? _azurite;

    /// <summary>The running server. Skips the test where the test tools are declined.</summary>
    public Task<Azurite> StartedAsync()
    {
        if (SharedTools.IsDeclined) Assert.Skip("needs Azurite, which npm installs; test tools are declined by MATIH_SHARED=none");
        lock (_lock) return _azurite ??= Azurite.StartAsync(AzuriteServices.BlobQueueTable);
    }

    public async ValueTask DisposeAsync()
    {
        if (_azurite is { IsCompletedSuccessfully: true }) await _azurite.Result.DisposeAsync();
    }
}
