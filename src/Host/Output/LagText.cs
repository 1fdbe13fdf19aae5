using System.Globalization;
using Matih.Hosting;
using Matih.Telemetry;

namespace Matih.Host.Output;

/// <summary>A flow's lag for people, and since when it is no longer known.</summary>
internal static class LagText
{
    public static string Show(FlowProgress flow, TimeProvider clock) => flow.Lag is { } lag
        ? $"{Quantity.Count(lag.Unread)} unread, {Quantity.Count(lag.Uncommitted)} uncommitted as of {Moment.Of(lag.AsOf, clock)!.Value.TimeOfDay}"
        : "unknown";

    /// <summary>"" while the brokers answer.</summary>
    public static string Silence(FlowProgress flow, TimeProvider clock) => SilenceOf(flow, clock) is { } silence
        ? string.Create(CultureInfo.InvariantCulture, $", no answer from Kafka for {silence.TotalSeconds:0} s")
        : "";

    /// <summary>How long the brokers have not answered, where that is too long; otherwise null.</summary>
    public static TimeSpan? SilenceOf(FlowProgress flow, TimeProvider clock) =>
        Moment.Of(flow.LastContact, clock) is { Age: var age } && age > HealthLimits.DefaultContactAgeMax ? age : null;
}
