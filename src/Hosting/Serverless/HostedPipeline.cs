using System.Collections.Immutable;
using Matih.Definition;
using Matih.Delivery;
using Matih.Telemetry;

namespace Matih.Hosting.Serverless;

/// <summary>A pipeline that a host serves, with the triggers of its sources.</summary>
/// <param name="File">The definition's file, without its folder.</param>
public sealed record HostedPipeline(string File, LoadedPipeline Loaded, ImmutableArray<SourceTrigger> Triggers)
{
    public string Name => Loaded.Definition.Metadata.Name;
}

/// <summary>A file that gives no pipeline, and why.</summary>
/// <param name="Findings">Every error with its place.</param>
public sealed record BrokenPipeline(string File, PipelineException Failure, ImmutableArray<LogEntry> Findings);

/// <summary>What a folder of definitions gives. One bad file is one error: the pipelines of the others are served.</summary>
public sealed record PipelineFolder(ImmutableArray<HostedPipeline> Pipelines, ImmutableArray<BrokenPipeline> Broken)
{
    private static readonly string[] Endings = [".yaml", ".yml"];

    public HostedPipeline? Find(string name) => Pipelines.FirstOrDefault(pipeline => pipeline.Name == name);

    /// <summary>The pipeline and source behind a function.</summary>
    public (HostedPipeline Pipeline, SourceDefinition Source)? FindFunction(string function)
    {
        foreach (var pipeline in Pipelines)
            if (pipeline.Triggers.FirstOrDefault(trigger => trigger.Function == function) is { } trigger) return (pipeline, trigger.Source);
        return null;
    }

    /// <summary>Loads every definition of a folder, in the order of the files' names. A folder that is not there has none.</summary>
    public static PipelineFolder Load(string folder, HostSettings settings)
    {
        var (loaded, broken) = (new List<HostedPipeline>(), new List<BrokenPipeline>());
        var functions = new FunctionNames();
        if (Directory.Exists(folder))
        {
            foreach (var path in Directory.EnumerateFiles(folder).Where(path => Endings.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase)).Order(StringComparer.Ordinal))
            {
                var file = Path.GetFileName(path);
                var load = PipelineLoading.Load(new PipelineRequest(path, [], null), settings);
                if (load.Pipeline is not { } pipeline)
                {
                    broken.Add(new BrokenPipeline(file, load.Failure!, load.Findings));
                    continue;
                }
                try
                {
                    loaded.Add(new HostedPipeline(file, pipeline, SourceTrigger.Map(pipeline, file, settings, functions)));
                }
                catch (PipelineException refusal)
                {
                    broken.Add(new BrokenPipeline(file, refusal, load.Findings));
                }
            }
        }
        // Two files of one name would share one ledger: neither is served, because nobody knows which one is meant.
        foreach (var namesakes in loaded.GroupBy(pipeline => pipeline.Name, StringComparer.OrdinalIgnoreCase).Where(group => group.Count() > 1).ToList())
        {
            foreach (var pipeline in namesakes)
            {
                Refuse(pipeline, new PipelineException(FailureKind.BadDefinition,
                    $"{string.Join(" and ", namesakes.Select(other => other.File))} define pipelines of one name, '{pipeline.Name}'.",
                    "Give each pipeline a name of its own (metadata.name); names that differ only in case count as one."));
            }
        }
        foreach (var (pipeline, refusal) in TriggerGroups.FindShared(loaded)) Refuse(pipeline, refusal);
        return new PipelineFolder([.. loaded], [.. broken]);

        void Refuse(HostedPipeline pipeline, PipelineException refusal)
        {
            loaded.Remove(pipeline);
            broken.Add(new BrokenPipeline(pipeline.File, refusal, []));
        }
    }
}
