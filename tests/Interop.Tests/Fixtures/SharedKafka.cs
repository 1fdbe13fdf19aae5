[assembly: AssemblyFixture(typeof(Matih.Fixtures.SharedKafka))]

namespace Matih.Fixtures;

/// <summary>
/// The one broker of a test run, with every listener. It starts on first use (3 to 5 seconds) and ends with the run. Take
/// it as a constructor parameter of the test class, use a fresh topic and group per test
/// (<see cref="KafkaBroker.NewName"/>), and never stop it: a test that needs that starts a broker of its own.
/// </summary>
public sealed class SharedKafka : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private Task<KafkaBroker>? _broker;

    /// <summary>The running broker. Skips the test where the shared tools are declined.</summary>
    public Task<KafkaBroker> BrokerAsync()
    {
        SharedTools.Find("kafka/kafka");
        lock (_lock) return _broker ??= KafkaBroker.StartAsync(secure: true);
    }

    /// <summary>The running broker's client.</summary>
    public async Task<KafkaClient> ClientAsync() => await (await BrokerAsync()).ClientAsync();

    public async ValueTask DisposeAsync()
    {
        if (_broker is { IsCompletedSuccessfully: true }) await _broker.Result.DisposeAsync();
    }
}
