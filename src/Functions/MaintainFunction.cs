using Matih.Telemetry;
using Microsoft.Azure.Functions.Worker;

namespace Matih.Functions;

/// <summary>Keeps the tables of all pipelines fast, once an hour: see <c>maintenance:</c> of a sink.</summary>
internal sealed class MaintainFunction(AppServices app)
{
    /// <summary>Seven minutes past each hour, when fewer other timers fire.</summary>
    private const string Schedule = "0 7 * * * *";

    /// <summary>The hour of the day, UTC, in which orphan files are looked for.</summary>
    private const int OrphansHour = 3;

    /// <summary>A host ends invocations after five minutes where nobody has set its limit. What is not done waits for the next hour.</summary>
    private static readonly TimeSpan PatienceMax = TimeSpan.FromMinutes(4);

    [Function("maintain")]
    public async Task RunAsync([TimerTrigger(Schedule)] TimerInfo timer, FunctionContext context)
    {
        _ = timer;
        using var patience = new CancellationTokenSource(PatienceMax, app.Environment.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, context.CancellationToken);
        try
        {
            foreach (var pipeline in app.Folder.Pipelines)
                if (app.Find(pipeline.Name) is { } served) await served.MaintainAsync(app.Environment.Clock.GetUtcNow().Hour == OrphansHour, either.Token);
        }
        catch (OperationCanceledException)
        {
            app.Log.Information("maintenance-unfinished", "The time for maintenance is over; the next hour continues.");
        }
    }
}
