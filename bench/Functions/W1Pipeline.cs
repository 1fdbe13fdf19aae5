using Matih.Fixtures;
using Matih.Functions.TestHost.Apps;

namespace Matih.Bench.Functions;

/// <summary>Workload W1 as a pipeline of the Functions app.</summary>
internal static class W1Pipeline
{
    public const string Name = "w1";

    public const string Source = "clicks";

    public const int PartitionCount = 4;

    /// <summary>W1 into a table on an Azurite, from an embedded Kafka.</summary>
    /// <param name="server">Where the app reaches the blobs of the table.</param>
    /// <param name="hubStorage">Opens the storage of the task hub.</param>
    public static async Task<PipelineSetup> SetupAsync(Azurite azurite, Uri server, string hubStorage, string hub, string checkpointInterval)
    {
        var (catalog, _) = await PipelineSetup.CatalogOnAsync(azurite, server);
        return Setup(hubStorage, hub, Definition(catalog, "bench-functions", checkpointInterval));
    }

    /// <summary>W1 with a definition.</summary>
    public static PipelineSetup Setup(string hubStorage, string hub, string definition)
    {
        var records = new W1Records();
        return new PipelineSetup(hubStorage, hub) { Definition = definition, Pipeline = Name, Source = Source, Topic = ClickPipeline.Topic, PartitionCount = PartitionCount, Value = records.At };
    }

    /// <param name="catalog">The catalog's entry in YAML.</param>
    public static string Definition(string catalog, string group, string checkpointInterval) =>
        $"catalogs:\n  main: {catalog}\n" + ClickPipeline.Definition("${KAFKA_CONNECTION}", PartitionCount, group, checkpointInterval);
}
