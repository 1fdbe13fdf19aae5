using System.Globalization;
using System.Net;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Converters;
using Microsoft.Azure.Functions.Worker.Core;
using Microsoft.Azure.Functions.Worker.Http;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging;

namespace Matih.Functions.TestWorker;

/// <summary>Functions of each kind of trigger, which say what reached them.</summary>
public sealed class TriggerFunctions(ILogger<TriggerFunctions> logger)
{
    /// <summary>Returns what the batch consists of, and signals the instance that the setting names.</summary>
    [Function("batch")]
    public async Task<string> BatchAsync(
        [KafkaTrigger("%Brokers%", "topic", ConsumerGroup = "group", IsBatched = true), InputConverter(typeof(WholeRecords))] ModelBindingData[] records,
        [DurableClient] DurableTaskClient client,
        FunctionContext context)
    {
        if (Environment.GetEnvironmentVariable("SIGNALLED_INSTANCE") is { } instance)
            await client.RaiseEventAsync(instance, "staged", records.Length, context.CancellationToken);
        return string.Join(
            ' ',
            records.Select(record => $"{record.Version}/{record.Source}/{record.ContentType}/{Convert.ToHexStringLower(record.Content)}").Prepend(context.FunctionDefinition.Name));
    }

    /// <summary>Logs the tick; fails where it is past due.</summary>
    [Function("tick")]
    public void Tick([TimerTrigger("%Schedule%")] TimerInfo timer)
    {
        logger.LogInformation("ticked, next {Next}", timer.ScheduleStatus?.Next.ToString("O", CultureInfo.InvariantCulture));
        if (timer.IsPastDue) throw new InvalidOperationException("past due on purpose");
    }

    /// <summary>Ends only when it is cancelled, or with its process.</summary>
    [Function("hang")]
    public async Task HangAsync([TimerTrigger("%Schedule%")] TimerInfo timer, CancellationToken cancellationToken)
    {
        logger.LogInformation("hanging, past due {IsPastDue}", timer.IsPastDue);
        await Task.Delay(Timeout.Infinite, cancellationToken);
    }

    /// <summary>Answers with all that it got.</summary>
    [Function("echo")]
    public async Task<HttpResponseData> EchoAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", "put", Route = "echo/{name}/{part:int?}")] HttpRequestData request, string name)
    {
        var response = request.CreateResponse(HttpStatusCode.Accepted);
        response.Headers.Add("x-echo", string.Join(',', request.Headers.GetValues("x-sent")));
        await response.WriteStringAsync($"{request.Method} {request.Url.PathAndQuery} name={name} q={request.Query["q"]} body={await request.ReadAsStringAsync()}");
        return response;
    }
}

/// <summary>Hands a batch's records over as they came.</summary>
internal sealed class WholeRecords : IInputConverter
{
    public ValueTask<ConversionResult> ConvertAsync(ConverterContext context) => ValueTask.FromResult(
        context.Source is CollectionModelBindingData batch ? ConversionResult.Success(batch.ModelBindingData) : ConversionResult.Unhandled());
}
