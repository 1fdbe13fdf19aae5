using System.Net;
using System.Text.Json;
using Matih.Delivery;
using Matih.Hosting;
using Matih.Hosting.Serverless;
using Matih.Verification;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Microsoft.DurableTask.Client;

namespace Matih.Functions;

/// <summary>What people and their tools ask an app over HTTP. Every call needs a function key.</summary>
internal sealed class PipelinesApi(AppServices app)
{
    /// <summary>Every pipeline of the app with the state of its loop, and every file that gives none.</summary>
    [Function("pipelines")]
    public Task<HttpResponseData> ListAsync([HttpTrigger(AuthorizationLevel.Function, "get", Route = "pipelines")] HttpRequestData request, [DurableClient] DurableTaskClient client, FunctionContext context) => WithFailuresAsync(request, async () =>
    {
        var loopsByName = new Dictionary<string, PipelineLoop?>();
        foreach (var pipeline in app.Folder.Pipelines) loopsByName.Add(pipeline.Name, await new DurableLoops(client).ReadAsync(pipeline.Name, context.CancellationToken));
        return await AnswerAsync(request, HttpStatusCode.OK, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("pipelines");
            foreach (var pipeline in app.Folder.Pipelines)
            {
                json.WriteStartObject();
                json.WriteString("name", pipeline.Name);
                json.WriteString("file", pipeline.File);
                LoopJson.WriteMembers(loopsByName[pipeline.Name], json);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteStartArray("broken");
            foreach (var broken in app.Folder.Broken)
            {
                json.WriteStartObject();
                json.WriteString("file", broken.File);
                json.WriteString("message", broken.Failure.Message);
                json.WriteString("remedy", broken.Failure.Remedy);
                json.WriteStartArray("findings");
                foreach (var finding in broken.Findings) json.WriteStringValue(finding.Message);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
    });

    /// <summary>Where a pipeline stands: what <c>matih status --json</c> prints, with the state of the loop as <c>host</c>.</summary>
    [Function("status")]
    public Task<HttpResponseData> StatusAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "pipelines/{name}")] HttpRequestData request, string name, [DurableClient] DurableTaskClient client, FunctionContext context) => WithFailuresAsync(request, async () =>
    {
        if (app.Folder.Find(name) is not { } pipeline) return await UnknownAsync(request, name);
        var loop = await new DurableLoops(client).ReadAsync(name, context.CancellationToken);
        var status = await app.ReadStatusAsync(pipeline, context.CancellationToken);
        return await AnswerAsync(request, HttpStatusCode.OK, json => StatusJson.Write(status, json, host => LoopJson.WriteMembers(loop, host)));
    });

    /// <summary>Proves a pipeline's tables: what <c>matih verify --json</c> prints.</summary>
    [Function("verify")]
    public Task<HttpResponseData> VerifyAsync([HttpTrigger(AuthorizationLevel.Function, "get", Route = "pipelines/{name}/verify")] HttpRequestData request, string name, FunctionContext context) => WithFailuresAsync(request, async () =>
    {
        if (app.Folder.Find(name) is not { } pipeline) return await UnknownAsync(request, name);
        var report = await new PipelineVerifier(app.Connectors(pipeline)).VerifyAsync(pipeline.Loaded.Flows, new VerificationRequest(false, false), context.CancellationToken);
        return await AnswerAsync(request, HttpStatusCode.OK, json => VerificationJson.Write(report, app.Environment.Clock, json));
    });

    /// <summary>
    /// Tells a loop something: 202, with the loop as it is then. <c>taken_in</c> is false where the loop is busy with a commit for
    /// longer than the request waits.
    /// </summary>
    [Function("command")]
    public Task<HttpResponseData> CommandAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "pipelines/{name}/{command}")] HttpRequestData request, string name, string command, [DurableClient] DurableTaskClient client, FunctionContext context) => WithFailuresAsync(request, async () =>
    {
        var loops = new DurableLoops(client);
        // A loop outlives its definition: somebody must be able to end it.
        var isKnown = app.Folder.Find(name) is not null || command == StopCommand && await loops.IsRunningAsync(name, context.CancellationToken);
        if (!isKnown) return await UnknownAsync(request, name);
        if (!Commands.TryGetValue(command, out var known)) return await ErrorAsync(request, HttpStatusCode.NotFound, "unknown-command", $"There is no command '{command}'.", $"Use one of: {string.Join(", ", Commands.Keys)}.");
        var isTakenIn = await app.Messenger.CommandAsync(loops, name, known, context.CancellationToken);
        var loop = await loops.ReadAsync(name, context.CancellationToken);
        return await AnswerAsync(request, HttpStatusCode.Accepted, json =>
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteString("command", command);
            json.WriteBoolean("taken_in", isTakenIn);
            LoopJson.WriteMembers(loop, json);
            json.WriteEndObject();
        });
    });

    private const string StopCommand = "stop";

    private static readonly SortedDictionary<string, LoopCommand> Commands = new(StringComparer.Ordinal)
    {
        ["checkpoint"] = LoopCommand.Checkpoint,
        ["pause"] = LoopCommand.Pause,
        ["resume"] = LoopCommand.Resume,
        ["start"] = LoopCommand.Start,
        [StopCommand] = LoopCommand.Stop,
    };

    private Task<HttpResponseData> UnknownAsync(HttpRequestData request, string name) => ErrorAsync(request, HttpStatusCode.NotFound, "unknown-pipeline",
        $"The app has no pipeline '{name}'.",
        $"It has: {(app.Folder.Pipelines.IsEmpty ? "none" : string.Join(", ", app.Folder.Pipelines.Select(pipeline => pipeline.Name)))}. GET pipelines also lists the files that give none, and why.");

    private static Task<HttpResponseData> ErrorAsync(HttpRequestData request, HttpStatusCode status, string code, string message, string remedy) => AnswerAsync(request, status, json =>
    {
        json.WriteStartObject();
        json.WriteString("code", code);
        json.WriteString("message", message);
        json.WriteString("remedy", remedy);
        json.WriteEndObject();
    });

    /// <summary>503 where what the answer needs does not answer, 500 where a person has to act first: both say what failed.</summary>
    private static async Task<HttpResponseData> WithFailuresAsync(HttpRequestData request, Func<Task<HttpResponseData>> answer)
    {
        try
        {
            return await answer();
        }
        catch (PipelineException failure)
        {
            var status = failure.Retry == RetryAdvice.BackOff ? HttpStatusCode.ServiceUnavailable : HttpStatusCode.InternalServerError;
            return await ErrorAsync(request, status, FailureWord.Of(failure.Kind), failure.Message, failure.Remedy);
        }
    }

    private static async Task<HttpResponseData> AnswerAsync(HttpRequestData request, HttpStatusCode status, Action<Utf8JsonWriter> write)
    {
        var response = request.CreateResponse(status);
        response.Headers.Add("Content-Type", "application/json");
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body, HostJson.Indented)) write(json);
        await response.Body.WriteAsync(body.ToArray());
        return response;
    }
}
