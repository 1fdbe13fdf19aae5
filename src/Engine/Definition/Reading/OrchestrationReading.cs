using System.Collections.Immutable;
using Matih.Definition.Format;
using Matih.Definition.Shapes;

namespace Matih.Definition.Reading;

/// <summary>Turns <c>orchestration:</c> into an <see cref="OrchestrationDefinition"/>.</summary>
internal static class OrchestrationReading
{
    /// <summary>Options that are no matter of a definition, with the reason, the end of a sentence.</summary>
    private static readonly (string Start, string Reason)[] ReservedFlinkOptions =
    [
        ("pipeline.name", "the job is found again by the pipeline's name"),
        ("execution.runtime-mode", "a pipeline is a stream"),
        ("execution.state-recovery.", "what a job continues from is given to `matih deploy` with --replace or --from; leaving state out loses or doubles records"),
        ("execution.savepoint.", "what a job continues from is given to `matih deploy` with --replace or --from; leaving state out loses or doubles records"),
        ("execution.checkpointing.mode", "only EXACTLY_ONCE keeps the promise"),
        ("table.dml-sync", "`matih deploy` waits until the job runs, not until it ends"),
        ("table.local-time-zone", "orchestration.time_zone says it"),
    ];

    public static OrchestrationDefinition Read(BoundMapping? given, ReadState state)
    {
        var orchestration = given ?? new BoundMapping(default, "orchestration");
        return new OrchestrationDefinition
        {
            Engine = orchestration.Get(OrchestrationKeys.Engine),
            CheckpointInterval = orchestration.Get(OrchestrationKeys.CheckpointInterval),
            Parallelism = (int)orchestration.Get(OrchestrationKeys.Parallelism),
            MaxRecords = orchestration.Get(OrchestrationKeys.MaxRecords),
            IdleTimeout = orchestration.Get(OrchestrationKeys.IdleTimeout),
            MaxRetries = (int)orchestration.Get(OrchestrationKeys.MaxRetries),
            CommitFailureLimit = orchestration.Get(OrchestrationKeys.CommitFailureLimit),
            MemoryBytesMax = orchestration.Get(OrchestrationKeys.Memory),
            TimeZone = orchestration.Get(OrchestrationKeys.TimeZone),
            Flink = ReadFlink(orchestration, state),
        };
    }

    private static ImmutableSortedDictionary<string, string> ReadFlink(BoundMapping orchestration, ReadState state)
    {
        var options = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var option in orchestration.Get(OrchestrationKeys.Flink))
        {
            if (Array.Find(ReservedFlinkOptions, reserved => option.Key.StartsWith(reserved.Start, StringComparison.Ordinal)) is { Reason: { } reason })
                state.Report(option.Position, option.Path, $"cannot be set: {reason}");
            else options[option.Key] = option.Value;
        }
        return options.ToImmutable();
    }
}
