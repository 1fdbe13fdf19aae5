using System.Text;
using Matih.Fixtures;
using Matih.Functions.TestHost.Protocol;
using Microsoft.AspNetCore.Http;

namespace Matih.Functions.TestHost.Durable;

/// <summary>
/// The Durable part of a Functions host in a process of its own, so that it can be killed as a host is: the real extension on
/// real storage, with the functions of a worker that this process runs. Disposing kills it.
/// </summary>
internal sealed class DurableHost : IAsyncDisposable
{
    /// <summary>Where orchestrators and activities are invoked: the path, and the function's name behind it.</summary>
    public const string InvokePath = "/invoke/";

    /// <summary>Marks an answer that is JSON, not a text.</summary>
    public const string JsonType = "application/json";

    private DurableHost(ExternalProcess process, string client) => (Process, Client) = (process, client);

    public ExternalProcess Process { get; }

    /// <summary>The data of durable clients of this host.</summary>
    public string Client { get; }

    /// <param name="functions">Those of the worker.</param>
    /// <param name="worker">A server that answers with <see cref="AnswerAsync"/>.</param>
    public static async Task<DurableHost> StartAsync(string hostJson, Uri worker, IEnumerable<WorkerFunction> functions, IReadOnlyDictionary<string, string?> settings)
    {
        var process = ExternalProcess.Start(Path.Combine(AppContext.BaseDirectory, "Matih.Functions.TestHost"), [], Path.GetDirectoryName(hostJson), settings, keepInputOpen: true);
        try
        {
            string[] Of(string trigger) => [.. functions.Where(function => function.IsTriggeredBy(trigger)).Select(function => function.Name)];
            await process.Input.WriteLineAsync(new JobHostSettings(hostJson, worker, Of("orchestrationTrigger"), Of("activityTrigger")).ToLine());
            await process.Input.FlushAsync();
            var ready = await process.Output.WaitForAsync(line => line.StartsWith(JobHostSettings.Ready, StringComparison.Ordinal));
            return new(process, ready[JobHostSettings.Ready.Length..]);
        }
        catch (Exception exception)
        {
            await process.DisposeAsync();
            throw new InvalidOperationException($"The job host did not start: {exception.Message}\n{process.Error.Text}", exception);
        }
    }

    /// <summary>Lets what runs end, and waits for that.</summary>
    public async Task StopAsync()
    {
        Process.Input.Close();
        await Process.WaitForExitAsync();
    }

    public async Task KillAsync()
    {
        Process.Send(ProcessSignal.Kill);
        await Process.WaitForExitAsync();
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    /// <summary>Answers a request of the job host: invokes the function of the worker.</summary>
    public static async Task AnswerAsync(HttpContext context, WorkerProcess? worker, HeldAnswers? held)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        var data = await reader.ReadToEndAsync(context.RequestAborted);
        var function = context.Request.Path.Value![InvokePath.Length..];
        try
        {
            if (worker is null) throw new WorkerEndedException("No worker runs.");
            var result = await worker.InvokeAsync(function, new TypedData { String = data }, context.RequestAborted);
            if (held?.Function == function) await held.PassAsync();
            await WriteAsync(context.Response, result.Expect().ReturnValue);
        }
        catch (WorkerEndedException exception)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            await context.Response.WriteAsync(exception.Message);
        }
        catch (FunctionFailedException exception)
        {
            context.Response.StatusCode = StatusCodes.Status422UnprocessableEntity;
            await context.Response.WriteAsync(exception.Message);
        }
    }

    private static Task WriteAsync(HttpResponse response, TypedData? value)
    {
        switch (value?.DataCase)
        {
            case TypedData.DataOneofCase.String:
                response.ContentType = "text/plain";
                return response.WriteAsync(value.String);
            case TypedData.DataOneofCase.Json:
                response.ContentType = JsonType;
                return response.WriteAsync(value.Json);
            case null or TypedData.DataOneofCase.None:
                response.StatusCode = StatusCodes.Status204NoContent;
                return Task.CompletedTask;
            default:
                throw new NotSupportedException($"A function returned {value.DataCase}, which the Durable extension is not handed here.");
        }
    }
}
