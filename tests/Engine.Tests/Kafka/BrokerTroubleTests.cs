using Matih.Kafka.Native;

namespace Matih.Engine.Tests.Kafka;

/// <summary>What librdkafka says, and what an operator reads.</summary>
public sealed class BrokerTroubleTests
{
    [Theory]
    [InlineData("localhost:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)", "localhost:1: connection refused")]
    [InlineData("[thrd:localhost:1/bootstrap]: localhost:1/bootstrap: Connect to ipv6#[::1]:1 failed: Connection refused (after 3ms in state CONNECT, 12 identical error(s) suppressed)", "localhost:1: connection refused")]
    [InlineData("GroupCoordinator: 127.0.0.1:9092: Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT)", "127.0.0.1:9092: connection refused")]
    [InlineData("nohost:9092/bootstrap: Failed to resolve 'nohost:9092': Name or service not known (after 26ms in state CONNECT)", "nohost:9092: the name does not resolve (Name or service not known)")]
    [InlineData("10.0.0.1:9092/bootstrap: Connection setup timed out in state CONNECT (after 30012ms in state CONNECT)", "10.0.0.1:9092: the connection timed out: nothing answers there, or a firewall drops it")]
    [InlineData("k:9093/1: Disconnected while requesting ApiVersion: might be caused by incorrect security.protocol configuration (connecting to a SSL listener?) or broker version is < 0.10 (see api.version.request) (after 17ms in state APIVERSION_QUERY)", "k:9093: it closed the connection: perhaps it wants TLS or SASL (security.protocol)")]
    [InlineData("k:80/bootstrap: Receive failed: Invalid response size 1213486160 (0..100000000): increase receive.message.max.bytes (after 1ms in state APIVERSION_QUERY)", "k:80: an HTTP server answers there, not a Kafka broker")]
    [InlineData("k:9093/bootstrap: Receive failed: Invalid response size 352518912 (0..100000000): increase receive.message.max.bytes (after 1ms in state APIVERSION_QUERY)", "k:9093: it wants TLS (security.protocol)")]
    [InlineData("k:9093/bootstrap: Receive failed: Invalid response size 200000000 (0..100000000): increase receive.message.max.bytes (after 1ms in state APIVERSION_QUERY)", "k:9093: Receive failed: Invalid response size 200000000 (0..100000000): increase receive.message.max.bytes")]
    [InlineData("localhost:9093/bootstrap: Disconnected: connection closed by peer: receive 0 after POLLIN (after 4ms in state APIVERSION_QUERY)", "localhost:9093: it closed the connection: perhaps it wants TLS or SASL (security.protocol)")]
    [InlineData("localhost:9093/bootstrap: Send failed: Broken pipe (after 4ms in state APIVERSION_QUERY)", "localhost:9093: it closed the connection: perhaps it wants TLS or SASL (security.protocol)")]
    [InlineData("k:9094/bootstrap: Disconnected: verify that security.protocol is correctly configured, broker might require SASL authentication (after 59ms in state UP)", "k:9094: it closed the connection: perhaps it wants TLS or SASL (security.protocol)")]
    [InlineData("k:9092/1: Disconnected: connection closed by peer: receive 0 after POLLIN (after 59ms in state UP)", "k:9092: it closed the connection")]
    [InlineData("ssl://k:9092/bootstrap: SSL handshake failed: error:0A000126:SSL routines::unexpected eof while reading (after 153ms in state SSL_HANDSHAKE)", "k:9092: the TLS handshake failed: perhaps it speaks no TLS (security.protocol)")]
    [InlineData("ssl://k:9092/bootstrap: SSL handshake failed: Disconnected: SSL connection closed by peer: connecting to a PLAINTEXT broker listener? (after 14ms in state SSL_HANDSHAKE)", "k:9092: the TLS handshake failed: perhaps it speaks no TLS (security.protocol)")]
    [InlineData("ssl://k:9093/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed (after 13ms in state SSL_HANDSHAKE)", "k:9093: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed")]
    [InlineData("k:9092/1: ApiVersionRequest failed: Local: Timed out: probably due to broker version < 0.10 (see api.version.request configuration) (after 10002ms in state APIVERSION_QUERY)", "k:9092: it takes connections and does not answer")]
    [InlineData("k:9092/1: Timed out 4 in-flight, 0 retry-queued, 0 out-queue, 0 partially-sent requests", "k:9092: it takes connections and does not answer")]
    [InlineData("k:9092/1: 4 request(s) timed out: disconnect (after 61234ms in state UP)", "k:9092: it takes connections and does not answer")]
    [InlineData("1/1 brokers are down", "1/1 brokers are down")]
    [InlineData("", "")]
    public void The_broker_and_the_cause_are_left(string text, string expected) => Assert.Equal(expected, BrokerTrouble.Of(text).Show());

    [Fact]
    public void The_only_broker_that_is_meant_is_not_named_again() =>
        Assert.Equal("connection refused", BrokerTrouble.Of("localhost:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)").Show("localhost:1"));

    [Theory]
    [InlineData("it closed the connection", "it closed the connection: perhaps it wants TLS or SASL (security.protocol)")]
    [InlineData("k:1: connection refused", "k:1: connection refused")]
    public void A_cluster_that_never_answered_and_closes_connections_probably_speaks_another_protocol(string cause, string expected) =>
        Assert.Equal(expected, BrokerTrouble.OfFirstContact(cause));
}
