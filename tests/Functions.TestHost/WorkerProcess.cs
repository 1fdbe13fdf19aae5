using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Matih.Fixtures;
using Matih.Functions.TestHost.Protocol;

namespace Matih.Functions.TestHost;

/// <summary>
/// A built isolated worker that runs as a host runs it, and that this process drives in the host's place: its functions are
/// loaded, and invoked by name. Its HTTP functions are served at <see cref="HttpAddress"/>. Thread-safe. Disposing kills it.
/// </summary>
public sealed class WorkerProcess : IAsyncDisposable
{
    private readonly WorkerStream _stream;
    private readonly WorkerServer _server;
    private readonly ExternalProcess _process;
    private readonly HttpFunctions _http;
    private Dictionary<string, WorkerFunction> _functions = new(StringComparer.OrdinalIgnoreCase);

    private WorkerProcess(WorkerStream stream, WorkerServer server, ExternalProcess process, HttpFunctions http) =>
        (_stream, _server, _process, _http) = (stream, server, process, http);

    /// <summary>The functions that the worker itself says it has, after its metadata transformers.</summary>
    public IReadOnlyCollection<WorkerFunction> Functions => _functions.Values;

    /// <summary>What the worker logs to its host, a line an entry; <c>Error Category: message</c> and the exception.</summary>
    public LineLog Log => _stream.Log;

    /// <summary>What the worker writes to its standard output and error.</summary>
    public ExternalProcess Process => _process;

    /// <summary>The base address of the HTTP functions; their routes are below <c>api/</c>. Keys are not asked for.</summary>
    public Uri HttpAddress => _server.Http;

    /// <summary>Completes when the worker is gone, whatever ended it.</summary>
    public Task Ended => _stream.Ended;

    /// <summary>
    /// What functions with a durable client get as its data (JSON with rpcBaseUrl and taskHubName); null while there is none.
    /// </summary>
    public string? DurableClient { get; set; }

    /// <summary>Starts the app and loads its functions.</summary>
    /// <param name="folder">Of the built or published app, which holds its worker.config.json.</param>
    /// <param name="environment">App settings, as the host hands them to its worker; a null value removes an inherited variable.</param>
    /// <exception cref="WorkerEndedException">The worker ended before it was ready; the message holds what it said.</exception>
    public static async Task<WorkerProcess> StartAsync(string folder, IReadOnlyDictionary<string, string?>? environment = null)
    {
        folder = Path.GetFullPath(folder);
        var stream = new WorkerStream();
        var http = new HttpFunctions();
        var server = await WorkerServer.StartAsync(stream, http.ServeAsync);
        ExternalProcess process;
        try
        {
            process = WorkerCommand.Start(folder, server, environment);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
        var worker = new WorkerProcess(stream, server, process, http);
        try
        {
            await worker.LoadAsync(folder);
            return worker;
        }
        catch
        {
            await worker.DisposeAsync();
            throw;
        }
    }

    /// <summary>Invokes a function with data for its trigger.</summary>
    /// <inheritdoc cref="InvokeAsync(string, Invocation, CancellationToken)"/>
    public Task<FunctionResult> InvokeAsync(string function, TypedData trigger, CancellationToken cancellationToken = default) =>
        InvokeAsync(function, new Invocation { Trigger = trigger }, cancellationToken);

    /// <summary>Invokes a function and waits for its end.</summary>
    /// <param name="cancellationToken">Cancelling asks the function to end, as a host does; its answer is awaited all the same.</param>
    /// <exception cref="WorkerEndedException">The worker ended first.</exception>
    public async Task<FunctionResult> InvokeAsync(string function, Invocation invocation, CancellationToken cancellationToken = default)
    {
        if (!_functions.TryGetValue(function, out var target))
            throw new ArgumentException($"The app has no function {function}; it has {string.Join(", ", _functions.Keys)}.", nameof(function));
        var request = invocation.Request(target, DurableClient);
        using var cancelling = cancellationToken.Register(() => _stream.Send(new() { InvocationCancel = new() { InvocationId = request.InvocationId } }));
        var response = (await _stream.InvokeAsync(request)).InvocationResponse;
        var failure = response.Result.Status == StatusResult.Types.Status.Success ? null : response.Result.Exception ?? new RpcException { Message = response.Result.Status.ToString() };
        return new(target.Name, request.InvocationId, response.ReturnValue, response.OutputData.ToDictionary(output => output.Name, output => output.Data), failure);
    }

    /// <summary>Asks the worker to end, as a host does that shuts down, and waits until it has.</summary>
    public async Task TerminateAsync(TimeSpan gracePeriod)
    {
        _stream.Send(new() { WorkerTerminate = new() { GracePeriod = Duration.FromTimeSpan(gracePeriod) } });
        await _process.WaitForExitAsync();
        _stream.End();
    }

    /// <summary>Kills the process at once (SIGKILL) and waits until it is gone. Invocations under way fail.</summary>
    public async Task KillAsync()
    {
        _process.Send(ProcessSignal.Kill);
        await _process.WaitForExitAsync();
        _stream.End();
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _stream.End();
        await _server.DisposeAsync();
    }

    private async Task LoadAsync(string folder)
    {
        await UntilReadyAsync(_stream.StartedAsync());
        var initialized = await UntilReadyAsync(_stream.CallAsync(
            new() { WorkerInitRequest = new() { HostVersion = WorkerCommand.HostVersion, WorkerDirectory = folder, FunctionAppDirectory = folder } },
            StreamingMessage.ContentOneofCase.WorkerInitResponse));
        Expect(initialized.WorkerInitResponse.Result, "start");
        var listed = await UntilReadyAsync(_stream.CallAsync(
            new() { FunctionsMetadataRequest = new() { FunctionAppDirectory = folder } }, StreamingMessage.ContentOneofCase.FunctionMetadataResponse));
        var metadata = listed.FunctionMetadataResponse;
        Expect(metadata.Result, "list its functions");
        if (metadata.UseDefaultMetadataIndexing)
            throw new InvalidOperationException($"The worker in {folder} leaves its functions to the host to find, which this one does not do: build it with the generated metadata provider.");
        _functions = metadata.FunctionMetadataResults.Select(result => new WorkerFunction(result)).ToDictionary(function => function.Name, StringComparer.OrdinalIgnoreCase);
        var loaded = await Task.WhenAll(_functions.Values.Select(function => UntilReadyAsync(_stream.LoadAsync(function.LoadRequest()))));
        foreach (var answer in loaded) Expect(answer.FunctionLoadResponse.Result, $"load the function with the id {answer.FunctionLoadResponse.FunctionId}");
        _http.Open(this);
    }

    private static void Expect(StatusResult result, string what)
    {
        if (result.Status != StatusResult.Types.Status.Success) throw new InvalidOperationException($"The worker could not {what}: {result.Exception?.Message ?? result.Result}\n{result.Exception?.StackTrace}");
    }

    /// <summary>Waits for an answer of a worker that starts; where it ends instead, the failure says what it said.</summary>
    private async Task<StreamingMessage> UntilReadyAsync(Task<StreamingMessage> answer)
    {
        var exited = _process.WaitForExitAsync();
        if (await Task.WhenAny(answer, exited) == answer && answer.IsCompletedSuccessfully) return await answer;
        try
        {
            var output = await exited;
            throw new WorkerEndedException($"The worker ended with exit code {output.ExitCode} before it was ready: {output.CommandLine}\n{output.StandardOutput}{output.StandardError}{Log.Text}");
        }
        catch (TimeoutException timeout)
        {
            throw new TimeoutException($"The worker was not ready in time: {timeout.Message}\n{Log.Text}", timeout);
        }
    }
}
