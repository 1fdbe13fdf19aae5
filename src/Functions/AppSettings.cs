namespace Matih.Functions;

/// <summary>Settings of the app that this program reads itself, beside those of <see cref="Matih.Hosting.HostSettings"/>.</summary>
internal static class AppSettings
{
    /// <summary>The folder of the definitions; left out, <c>pipelines</c> beside the program.</summary>
    public const string Pipelines = "MATIH_PIPELINES";

    /// <summary>When the timer looks at the pipelines, in the form of NCRONTAB.</summary>
    public const string WatchSchedule = "MATIH_WATCH_SCHEDULE";

    /// <summary>Every five minutes.</summary>
    public const string DefaultWatchSchedule = "0 */5 * * * *";
}
