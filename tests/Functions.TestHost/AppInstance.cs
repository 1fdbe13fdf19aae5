using Matih.Fixtures;
using Matih.Functions.TestHost.Durable;
using Microsoft.AspNetCore.Http;

namespace Matih.Functions.TestHost;

/// <summary>
/// One instance of an app: its worker, and a job host with the real Durable extension on Azure Storage, each a process that can
/// be killed and started again. Instances that share settings share the task hub, as instances of one app do. Timers and Kafka
/// triggers do not fire by themselves: invoke them through <see cref="Worker"/>. Disposing kills both.
/// </summary>
/// <remarks>
/// A job host that was killed keeps its partitions for about half a minute and its messages for as long as the visibility
/// timeouts of host.json say (five minutes where they say nothing), as on Azure. App settings override host.json:
/// <c>AzureFunctionsJobHost__extensions__durableTask__storageProvider__workItemQueueVisibilityTimeout</c>.
/// </remarks>
public sealed class AppInstance : IAsyncDisposable
{
    // Nobody listens at this address.
    private const string NobodysClient = """{"rpcBaseUrl":"http://127.0.0.1:1/","taskHubName":"none"}""";

    private readonly string _folder;
    private readonly Dictionary<string, string?> _settings;
    private readonly string _name = Guid.NewGuid().ToString("N");
    private LoopbackServer? _server;
    private WorkerProcess? _worker;
    private DurableHost? _host;
    private HeldAnswers? _held;

    private AppInstance(string folder, IReadOnlyDictionary<string, string?> settings) => (_folder, _settings) = (folder, new(settings));

    /// <summary>The worker that runs.</summary>
    /// <exception cref="InvalidOperationException">It was killed and not started again.</exception>
    public WorkerProcess Worker => _worker ?? throw new InvalidOperationException("The worker does not run; start it with StartWorkerAsync.");

    /// <summary>Whether both run.</summary>
    public bool IsRunning => _worker is { Process.HasExited: false } && _host is { Process.HasExited: false };

    /// <summary>What the job host says, warnings and errors of the Durable extension among it.</summary>
    public LineLog HostLog => Host.Process.Error;

    /// <summary>The id of the job host's process.</summary>
    public int HostId => Host.Process.Id;

    private DurableHost Host => _host ?? throw new InvalidOperationException("The job host does not run; start it with StartHostAsync.");

    /// <summary>Starts worker and job host.</summary>
    /// <param name="folder">Of the built or published app, with its host.json.</param>
    /// <param name="settings">App settings; <c>AzureWebJobsStorage</c> is the storage of the task hub, and both processes get them all.</param>
    public static async Task<AppInstance> StartAsync(string folder, IReadOnlyDictionary<string, string?> settings)
    {
        var instance = new AppInstance(Path.GetFullPath(folder), settings);
        try
        {
            instance._server = await LoopbackServer.StartAsync(instance.AnswerAsync);
            await instance.StartWorkerAsync();
            await instance.StartHostAsync();
            return instance;
        }
        catch
        {
            await instance.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a worker in place of the one that was killed.</summary>
    public async Task StartWorkerAsync()
    {
        if (_worker is { Process.HasExited: false }) throw new InvalidOperationException("The worker runs already.");
        var former = _worker;
        var worker = await WorkerProcess.StartAsync(_folder, _settings);
        worker.DurableClient = _host is { Process.HasExited: false } ? _host.Client : NobodysClient;
        _worker = worker;
        if (former is not null) await former.DisposeAsync();
    }

    /// <summary>Starts a job host in place of the one that was killed or stopped. Takes its functions from the worker.</summary>
    public async Task StartHostAsync()
    {
        if (_host is { Process.HasExited: false }) throw new InvalidOperationException("The job host runs already.");
        if (_host is not null) await _host.DisposeAsync();
        var settings = new Dictionary<string, string?>(_settings) { ["FUNCTIONS_WORKER_RUNTIME"] = WorkerCommand.Runtime };
        // The extension leases its task hub for the app of this name, whose instances share it.
        settings.TryAdd("WEBSITE_SITE_NAME", "app");
        // Instances of an app are on machines of their own, whose names tell the extension who holds a partition.
        settings.TryAdd("WEBSITE_CURRENT_STAMPNAME", "tests");
        settings.TryAdd("RoleInstanceId", _name);
        // A container's name would make the extension write its telemetry to standard output, as on Azure.
        settings.TryAdd("CONTAINER_NAME", null);
        // Without it the extension has no addresses to give to its clients.
        settings.TryAdd("WEBSITE_HOSTNAME", _server!.Address.Authority);
        _host = await DurableHost.StartAsync(Path.Combine(_folder, "host.json"), _server.Address, Worker.Functions, settings);
        Worker.DurableClient = _host.Client;
    }

    /// <summary>Starts what of the two does not run.</summary>
    public async Task RestartAsync()
    {
        if (_worker is not { Process.HasExited: false }) await StartWorkerAsync();
        if (_host is not { Process.HasExited: false }) await StartHostAsync();
    }

    /// <summary>Kills the worker (SIGKILL). An activity under way fails in its orchestration (observed with version 3.19.0 of the extension).</summary>
    public Task KillWorkerAsync() => Worker.KillAsync();

    /// <summary>Kills the job host (SIGKILL), in the middle of whatever it does; the worker goes on, and its messages are lost.</summary>
    public async Task KillHostAsync()
    {
        await Host.KillAsync();
        LoseMessages();
    }

    /// <summary>From now on what functions send through their durable clients fails.</summary>
    public void LoseMessages() => Worker.DurableClient = NobodysClient;

    /// <summary>Ends <see cref="LoseMessages"/>.</summary>
    public void DeliverMessages() => Worker.DurableClient = Host.Client;

    /// <summary>From now on the job host gets the answers of a function only when the caller says so: the function has done its work, and its host waits for it.</summary>
    public HeldAnswers Hold(string function) => _held = new HeldAnswers(function);

    /// <summary>Kills both, as a machine that fails does.</summary>
    public Task KillAsync() => Task.WhenAll(Host.KillAsync(), KillWorkerAsync());

    /// <summary>Shuts down as a host does that is asked to: the job host first, and then the worker.</summary>
    public async Task StopAsync()
    {
        await Host.StopAsync();
        await Worker.TerminateAsync(TimeSpan.FromSeconds(10));
    }

    private Task AnswerAsync(HttpContext context) => DurableHost.AnswerAsync(context, _worker, _held);

    public async ValueTask DisposeAsync()
    {
        _held?.Release();
        if (_host is not null) await _host.DisposeAsync();
        if (_worker is not null) await _worker.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
    }
}
