using Matih.Kafka;
using Matih.Kafka.Native;

namespace Matih.Interop.Tests.Kafka;

/// <summary>The librdkafka of a test run: the one that comes with the command, or the one that <c>MATIH_LIBRDKAFKA</c> names.</summary>
internal static class ClientLibrary
{
    public static Librdkafka Loaded { get; } = Librdkafka.Load(Environment.GetEnvironmentVariable("MATIH_LIBRDKAFKA"));
}
