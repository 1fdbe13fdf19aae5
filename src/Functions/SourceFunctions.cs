using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.Azure.Functions.Worker.Core.FunctionMetadata;

namespace Matih.Functions;

/// <summary>
/// Puts one function for each source of each pipeline into the place of the prototype <c>ingest</c>, when the host asks the
/// worker for its functions: a definition that is dropped into the folder needs no code.
/// </summary>
internal sealed class SourceFunctions(AppServices app) : IFunctionMetadataTransformer
{
    public string Name => nameof(SourceFunctions);

    public void Transform(IList<IFunctionMetadata> original)
    {
        PutDefaultSchedule(original);
        var prototype = original.FirstOrDefault(function => function.Name == IngestFunction.Prototype);
        if (prototype is null) return;
        original.Remove(prototype);
        // All but the trigger are the prototype's.
        var others = (prototype.RawBindings ?? []).Where(binding => !IsTrigger(binding)).ToImmutableArray();
        foreach (var trigger in app.Folder.Pipelines.SelectMany(pipeline => pipeline.Triggers))
        {
            original.Add(new DefaultFunctionMetadata
            {
                Name = trigger.Function,
                EntryPoint = prototype.EntryPoint,
                ScriptFile = prototype.ScriptFile,
                Language = prototype.Language,
                RawBindings = [trigger.Binding, .. others],
            });
        }
    }

    /// <summary>The host refuses a reference to a setting that is not there.</summary>
    private void PutDefaultSchedule(IList<IFunctionMetadata> functions)
    {
        if (app.Settings.NonEmpty(AppSettings.WatchSchedule) is not null) return;
        foreach (var function in functions)
            for (var i = 0; i < function.RawBindings?.Count; i++)
                function.RawBindings[i] = function.RawBindings[i].Replace($"%{AppSettings.WatchSchedule}%", AppSettings.DefaultWatchSchedule, StringComparison.Ordinal);
    }

    private static bool IsTrigger(string binding)
    {
        using var json = JsonDocument.Parse(binding);
        return json.RootElement.TryGetProperty("type", out var type) && type.GetString() == "kafkaTrigger";
    }
}
