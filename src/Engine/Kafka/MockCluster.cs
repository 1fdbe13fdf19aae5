using Matih.Kafka.Native;

namespace Matih.Kafka;

/// <summary>
/// librdkafka's in-process cluster: real TCP on the loopback interface, for demonstrations and tests. It keeps about 5 MiB
/// per partition (the oldest record batches go first), knows no times and no transactions. Gone when disposed.
/// </summary>
public sealed unsafe class MockCluster : IDisposable
{
    private readonly LibrdkafkaNative _native;
    private readonly ClientConnection _connection;
    private nint _cluster;

    private MockCluster(LibrdkafkaNative native, ClientConnection connection, nint cluster)
    {
        _native = native;
        _connection = connection;
        _cluster = cluster;
        BootstrapServers = LibrdkafkaNative.Text(native.MockBootstraps(cluster));
    }

    /// <summary>Addresses of its brokers, for <see cref="KafkaSettings.BootstrapServers"/>; set <see cref="KafkaSettings.IsMockCluster"/> too.</summary>
    public string BootstrapServers { get; }

    public static MockCluster Start(Librdkafka library, int brokerCount = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(brokerCount, 1);
        // Only emergencies are logged: every client that leaves would be a line.
        var properties = new Dictionary<string, string> { ["client.id"] = "mock", ["log_level"] = "0", ["log.queue"] = "true" };
        var connection = new ClientConnection(
            library, LibrdkafkaNative.ProducerType, properties, LibrdkafkaNative.EventLog | LibrdkafkaNative.EventError, refreshesTokens: false, log: null);
        var cluster = library.Native.MockNew(connection.Handle, brokerCount);
        if (cluster != 0) return new MockCluster(library.Native, connection, cluster);
        connection.Dispose();
        throw new SourceException(SourceErrorKind.Configuration, $"librdkafka {library.Version} could not start a mock cluster of {brokerCount} brokers.");
    }

    /// <summary>Creates a topic. One that does not exist when a producer first names it is created with 4 partitions.</summary>
    public void CreateTopic(string topic, int partitionCount)
    {
        using var name = new NativeText(topic);
        var error = _native.MockTopicCreate(_cluster, name.Pointer, partitionCount, 1);
        if (error != NativeErrors.None)
            throw new SourceException(NativeErrors.KindOf(error), $"Could not create topic {topic} with {Quantity.Of(partitionCount, "partition")} on the mock cluster: {_connection.Describe(error)}.");
    }

    /// <summary>Cuts a broker (1 is the first) off, or lets clients reach it again.</summary>
    internal void SetReachable(int broker, bool isReachable)
    {
        var error = isReachable ? _native.MockBrokerUp(_cluster, broker) : _native.MockBrokerDown(_cluster, broker);
        if (error != NativeErrors.None) throw new ArgumentException($"The mock cluster has no broker {broker}.", nameof(broker));
    }

    /// <summary>Answers the next requests of a kind with these error codes, one each.</summary>
    /// <param name="apiKey">The request's number in the Kafka protocol, e.g. 1 for Fetch.</param>
    /// <param name="errors">Codes of the Kafka protocol.</param>
    internal void FailNext(int apiKey, params ReadOnlySpan<int> errors)
    {
        fixed (int* codes = errors) _native.MockPushErrors(_cluster, (short)apiKey, (nuint)errors.Length, codes);
    }

    public void Dispose()
    {
        if (_cluster == 0) return;
        _native.MockDestroy(_cluster);
        _cluster = 0;
        _connection.Dispose();
    }
}
