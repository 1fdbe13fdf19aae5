namespace Matih.Hosting.Flink;

/// <summary>What a job's metrics say. Flink's JobManager fetches them every ten seconds, so that they are that much behind.</summary>
/// <param name="Restarts">How often the job has been restarted.</param>
/// <param name="Records">Records that the sources have given since the job's tasks started.</param>
/// <param name="RecordsPerSecond">The same in the last minute, a second.</param>
/// <param name="RecordsBehind">Records that wait in the sources, where their connectors can tell, as Kafka's can.</param>
/// <param name="EventTimeLag">How far the newest record's event time was behind the clock when it was read, the largest of all sources.</param>
public sealed record JobMetrics(long? Restarts, long? Records, double? RecordsPerSecond, long? RecordsBehind, TimeSpan? EventTimeLag)
{
    /// <summary>Metrics of source operators have their name in front (FLIP-33): <c>Source__clicks_topic[1].pendingRecords</c>.</summary>
    private const string SourcePrefix = "Source__";

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>The first question makes the JobManager fetch metrics, and finds none.</summary>
    private static readonly TimeSpan FirstMax = TimeSpan.FromSeconds(3);

    internal static async Task<JobMetrics> ReadAsync(JobsEndpoint jobs, FlinkJobState job, TimeProvider clock, CancellationToken cancellationToken)
    {
        var restarts = await jobs.MetricsAsync($"/jobs/{job.Id}/metrics", ["numRestarts"], null, cancellationToken);
        double? records = null, rate = null, behind = null, lag = null;
        foreach (var vertex in job.Sources)
        {
            var path = $"/jobs/{job.Id}/vertices/{vertex}/subtasks/metrics";
            var names = await NamesAsync(jobs, path, job.IsRunning, clock, cancellationToken);
            var sums = await jobs.MetricsAsync(path, [.. names.Where(name => !IsLag(name))], "sum", cancellationToken);
            records = Sum(records, sums, ".numRecordsOut");
            rate = Sum(rate, sums, ".numRecordsOutPerSecond");
            behind = Sum(behind, sums, ".pendingRecords");
            foreach (var value in (await jobs.MetricsAsync(path, [.. names.Where(IsLag)], "max", cancellationToken)).Values) lag = Math.Max(lag ?? 0, value);
        }
        return new JobMetrics(restarts.TryGetValue("numRestarts", out var count) ? (long)count : null, (long?)records, rate, (long?)behind, lag is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : null);
    }

    private static async Task<IReadOnlyCollection<string>> NamesAsync(JobsEndpoint jobs, string path, bool waits, TimeProvider clock, CancellationToken cancellationToken)
    {
        var start = clock.GetTimestamp();
        while (true)
        {
            string[] names = [.. (await jobs.MetricNamesAsync(path, cancellationToken)).Where(IsOfSource)];
            if (names.Length != 0 || !waits || clock.GetElapsedTime(start) >= FirstMax) return names;
            await Task.Delay(PollInterval, clock, cancellationToken);
        }
    }

    private static bool IsOfSource(string name) =>
        name.StartsWith(SourcePrefix, StringComparison.Ordinal)
        && (IsLag(name) || name.EndsWith(".numRecordsOut", StringComparison.Ordinal) || name.EndsWith(".numRecordsOutPerSecond", StringComparison.Ordinal) || name.EndsWith(".pendingRecords", StringComparison.Ordinal));

    private static bool IsLag(string name) => name.EndsWith(".currentEmitEventTimeLag", StringComparison.Ordinal);

    private static double? Sum(double? before, IReadOnlyDictionary<string, double> values, string end)
    {
        var found = values.Where(value => value.Key.EndsWith(end, StringComparison.Ordinal)).ToList();
        return found.Count == 0 ? before : (before ?? 0) + found.Sum(value => value.Value);
    }
}
