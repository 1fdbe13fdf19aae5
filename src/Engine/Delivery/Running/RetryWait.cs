namespace Matih.Delivery.Running;

/// <summary>How long to wait before the next attempt, by the number of attempts that failed in a row.</summary>
internal static class RetryWait
{
    private const int SecondsMax = 60;

    /// <summary>Doubles from about a second to about a minute, spread by half to one and a half.</summary>
    /// <param name="jitter">0 to 1.</param>
    public static TimeSpan After(int failureCount, double jitter) => TimeSpan.FromSeconds(Math.Min(SecondsMax, Math.Pow(2, failureCount - 1)) * (0.5 + jitter));
}
