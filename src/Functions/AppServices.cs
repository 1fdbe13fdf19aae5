using Matih.Functions.Telemetry;
using Matih.Hosting;
using Matih.Hosting.Serverless;
using Matih.Status;
using Matih.Telemetry;

namespace Matih.Functions;

/// <summary>What the functions of this process share: the pipelines of the app's folder, each opened when it is first used.</summary>
internal sealed class AppServices : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ServedPipeline> _served = [];
    private readonly TelemetryExport _telemetry;

    public AppServices(HostSettings settings, HostLog log, TelemetryExport telemetry)
    {
        _telemetry = telemetry;
        Settings = settings;
        Log = log;
        Environment = SystemEnvironment.Create(settings);
        Messenger = new LoopMessenger(Environment.Clock, Environment.Ids, Log);
        var folder = Path.GetFullPath(settings.NonEmpty(AppSettings.Pipelines) ?? Path.Combine(AppContext.BaseDirectory, "pipelines"), settings.CurrentDirectory);
        Folder = PipelineFolder.Load(folder, settings);
        if (Folder.Pipelines.IsEmpty && Folder.Broken.IsEmpty)
        {
            Log.Warning("no-pipelines", $"The app has no pipeline: {(Directory.Exists(folder) ? $"folder {folder} holds no file whose name ends in .yaml or .yml" : $"there is no folder {folder}")}. Deploy the definitions there, or name their folder in {AppSettings.Pipelines}.");
        }
        foreach (var broken in Folder.Broken)
        {
            foreach (var finding in broken.Findings) Log.Write(finding);
            Log.Write(FailureEntry.Of(broken.Failure));
        }
        foreach (var trigger in Folder.Pipelines.SelectMany(pipeline => pipeline.Triggers).Where(trigger => !trigger.Unapplied.IsEmpty))
        {
            Log.Information("unapplied-properties",
                $"Source {trigger.Source.Name}: the Kafka trigger has no setting for {string.Join(", ", trigger.Unapplied)}; they count only where a commit reads from Kafka itself.", ("function", trigger.Function));
        }
    }

    public PipelineFolder Folder { get; }

    public HostSettings Settings { get; }

    public EngineEnvironment Environment { get; }

    public IEngineLog Log { get; }

    public LoopMessenger Messenger { get; }

    /// <summary>Null where the app has no pipeline of that name.</summary>
    public ServedPipeline? Find(string name)
    {
        if (Folder.Find(name) is not { } pipeline) return null;
        lock (_lock)
        {
            if (_served.TryGetValue(name, out var served)) return served;
            served = new ServedPipeline(pipeline, new PipelineRunner(Environment, Connectors(pipeline), Log), ProcessHints.Own, ProcessHints.IsGone, Environment.Clock);
            _telemetry.Observe([.. served.Flows.Select(flow => flow.Progress)], Environment.Clock);
            _served.Add(name, served);
            return served;
        }
    }

    /// <summary>Where a pipeline stands, from its tables and its topic.</summary>
    public Task<PipelineStatus> ReadStatusAsync(HostedPipeline pipeline, CancellationToken cancellationToken) =>
        new PipelineStatusReader(Environment, Connectors(pipeline), _ => false).ReadAsync(pipeline.Loaded.Definition.Metadata, pipeline.Loaded.Flows, isOffline: false, cancellationToken);

    public HostConnectors Connectors(HostedPipeline pipeline) => new(Settings, Environment, Log, pipeline.Loaded.Definition.Orchestration.Parallelism);

    public async ValueTask DisposeAsync()
    {
        foreach (var served in _served.Values) await served.DisposeAsync();
    }
}
