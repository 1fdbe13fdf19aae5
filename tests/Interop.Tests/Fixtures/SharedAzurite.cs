[assembly: AssemblyFixture(typeof(Matih.Fixtures.SharedAzurite))]

namespace Matih.Fixtures;

/// <summary>
/// The one Azurite of a test run: Microsoft's own stand-in for Azure Blob Storage. It starts on first use and ends with the
/// run. Take a fresh container per test.
/// </summary>
public sealed class SharedAzurite : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private Task<Azurite>? _azurite;

    /// <summary>The running server. Skips the test where the test tools are declined.</summary>
    public Task<Azurite> StartedAsync()
    {
        if (SharedTools.IsDeclined) Assert.Skip("needs Azurite, which npm installs; test tools are declined by MATIH_SHARED=none");
        lock (_lock) return _azurite ??= Azurite.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_azurite is { IsCompletedSuccessfully: true }) await _azurite.Result.DisposeAsync();
    }
}
