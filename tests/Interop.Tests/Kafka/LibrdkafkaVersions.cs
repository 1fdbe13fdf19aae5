using Matih.Fixtures;
using Matih.Kafka;

namespace Matih.Interop.Tests.Kafka;

/// <summary>The two librdkafkas of a test run, loaded side by side: the system's (Debian's is 2.0.2) and the newer one of the shared tools.</summary>
public static class LibrdkafkaVersions
{
    public const string System = "system", Newer = "newer";

    private static readonly Lazy<Librdkafka> SystemLibrary = new(() => Librdkafka.Load(
        // By path: the loader would give a bare name's answer from whichever is loaded already.
        new[] { "/usr/lib/x86_64-linux-gnu/librdkafka.so.1", "/usr/lib/aarch64-linux-gnu/librdkafka.so.1", "/usr/lib64/librdkafka.so.1", "/usr/lib/librdkafka.so.1" }
            .FirstOrDefault(File.Exists)));

    private static readonly Lazy<Task<Librdkafka>> NewerLibrary = new(async () =>
        Librdkafka.Load((await ExternalProcess.RunAsync(SharedTools.Find("kafka/kafka"), ["librdkafka"])).Expect().StandardOutput.Trim()));

    public static TheoryData<string> All => [System, Newer];

    public static async Task<Librdkafka> LoadAsync(string which) => which == System ? SystemLibrary.Value : await NewerLibrary.Value;
}
