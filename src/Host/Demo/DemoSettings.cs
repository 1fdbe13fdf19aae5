namespace Matih.Host.Demo;

/// <summary>What a demonstration is asked for.</summary>
/// <param name="Duration">How long events are produced.</param>
/// <param name="RatePerSecond">The most events a second; fewer where the table does not keep up.</param>
/// <param name="Directory">A new or empty folder for the warehouse, the definition and the worker's log.</param>
internal sealed record DemoSettings(TimeSpan Duration, int RatePerSecond, string Directory, int PartitionCount)
{
    public const string Topic = "matih.web.clickstream";
    public const string DefinitionResource = "realtime-clickstream.yaml";

    public string Warehouse => Path.Combine(Directory, "warehouse");
    public string DefinitionFile => Path.Combine(Directory, DefinitionResource);
    public string WorkerLog => Path.Combine(Directory, "worker.log");
}
