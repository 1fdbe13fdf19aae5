using System.Text.Json;
using Matih.Functions.TestHost.Protocol;

namespace Matih.Functions.TestHost;

/// <summary>What a timer trigger sends.</summary>
public static class TimerTick
{
    /// <param name="isPastDue">Whether the tick is late, as after a start.</param>
    public static TypedData At(DateTimeOffset last, DateTimeOffset next, bool isPastDue = false) => new()
    {
        Json = JsonSerializer.Serialize(new
        {
            Schedule = new { AdjustForDST = true },
            ScheduleStatus = new { Last = last, Next = next, LastUpdated = last },
            IsPastDue = isPastDue,
        }),
    };
}
