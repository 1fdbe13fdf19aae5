using System.Net;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Matih.Functions.TestWorker;

/// <param name="Rounds">How many rounds are still to come.</param>
/// <param name="Sum">Of what the rounds so far were signalled.</param>
/// <param name="Timer">How long a round waits for a signal.</param>
public sealed record LoopInput(int Rounds, int Sum, TimeSpan Timer);

public sealed record Added(int Sum, string By);

/// <summary>A loop over rounds, each of which waits for an event or a timer, calls an activity and continues as new.</summary>
public static class DurableFunctions
{
    [Function("loop")]
    public static async Task<Added> LoopAsync([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        var input = context.GetInput<LoopInput>()!;
        using var ended = new CancellationTokenSource();
        var signal = context.WaitForExternalEvent<int>("staged", ended.Token);
        var timer = context.CreateTimer(input.Timer, ended.Token);
        var signalled = await Task.WhenAny(signal, timer) == signal ? await signal : 0;
        // CancelAsync would hang an orchestrator for ever.
#pragma warning disable CA1849
        ended.Cancel();
#pragma warning restore CA1849
        var added = await context.CallActivityAsync<Added>("add", input with { Sum = input.Sum + signalled });
        if (input.Rounds <= 1) return added;
        context.ContinueAsNew(input with { Rounds = input.Rounds - 1, Sum = added.Sum });
        return added;
    }

    /// <summary>Fails for a negative sum, and hangs for a sum of 13 while the file that HANGING_FILE names exists.</summary>
    [Function("add")]
    public static async Task<Added> AddAsync([ActivityTrigger] LoopInput input, FunctionContext context)
    {
        if (input.Sum < 0) throw new InvalidOperationException($"The sum {input.Sum} is negative.");
        if (input.Sum == 13 && File.Exists(Environment.GetEnvironmentVariable("HANGING_FILE")))
        {
            Console.WriteLine("add hangs");
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
        }
        return new(input.Sum + 1, context.FunctionDefinition.Name);
    }

    [Function("start")]
    public static async Task<HttpResponseData> StartAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "loops/{id}")] HttpRequestData request, string id, [DurableClient] DurableTaskClient client)
    {
        var input = await request.ReadFromJsonAsync<LoopInput>();
        await client.ScheduleNewOrchestrationInstanceAsync("loop", input, new StartOrchestrationOptions(id));
        return request.CreateResponse(HttpStatusCode.Created);
    }

    [Function("signal")]
    public static async Task<HttpResponseData> SignalAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "loops/{id}/signals/{value}")] HttpRequestData request, string id, int value,
        [DurableClient] DurableTaskClient client)
    {
        await client.RaiseEventAsync(id, "staged", value);
        return request.CreateResponse(HttpStatusCode.OK);
    }

    /// <summary>Waits for the instance's end and answers with its status and output.</summary>
    [Function("end")]
    public static async Task<HttpResponseData> EndAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "loops/{id}")] HttpRequestData request, string id, [DurableClient] DurableTaskClient client,
        CancellationToken cancellationToken)
    {
        var instance = await client.WaitForInstanceCompletionAsync(id, getInputsAndOutputs: true, cancellationToken);
        var response = request.CreateResponse(HttpStatusCode.OK);
        await response.WriteStringAsync($"{instance.RuntimeStatus} {instance.SerializedOutput}{instance.FailureDetails?.ErrorMessage}", cancellationToken);
        return response;
    }
}
