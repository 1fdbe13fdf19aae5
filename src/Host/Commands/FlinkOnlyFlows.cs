using System.Collections.Immutable;
using Matih.Definition;
using Matih.Hosting;
using Matih.Planning;

namespace Matih.Host.Commands;

/// <summary>Flows that only Flink runs: their tables say nothing of offsets, so that nothing here can look at them.</summary>
internal static class FlinkOnlyFlows
{
    /// <summary>The other flows; of those that are left out it is said what to ask instead.</summary>
    public static ImmutableArray<PlannedFlow> LeaveOut(LoadedPipeline pipeline, TextWriter errors)
    {
        var others = pipeline.Flows.Where(flow => flow.Definition.Sink.Catalog is not CatalogDefinition.Hive).ToImmutableArray();
        foreach (var flow in pipeline.Definition.Flows.Where(flow => others.All(other => other.Definition.Sink.Name != flow.Sink.Name)))
        {
            errors.WriteLine($"{flow.Pipeline}/{flow.Sink.Name}: only Flink runs this flow ({WhyOf(flow)}), and its commits to table {flow.Sink.Table} say nothing of offsets. `matih flink status {flow.Pipeline} --gateway URL` shows how its job does.");
        }
        return others;
    }

    private static string WhyOf(FlowDefinition flow) => flow switch
    {
        { FlinkSource: { } source } => $"connector {source.Connector} reads its source",
        { Sink.Catalog: CatalogDefinition.Hive hive } => $"catalog '{hive.Name}' is a Hive metastore",
        _ => "this engine does not run its statements",
    };
}
