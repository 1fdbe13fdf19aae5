using System.Globalization;
using System.Text.Json;
using Matih.Host.Runtime;
using Matih.Hosting;
using Matih.Hosting.Flink;

namespace Matih.Host.Output;

/// <summary>How a Flink job does, for people and for programs. What is not known is left out for the ones, and null for the others.</summary>
internal static class FlinkJobText
{
    private const int NameCharsMax = 60;

    /// <summary>Jobs of others are often named by their whole statement, and one of them would push every other row of a list apart.</summary>
    public static string NameInList(string name)
    {
        var line = string.Concat(name.Select(letter => char.IsControl(letter) ? ' ' : letter));
        return line.Length <= NameCharsMax ? line : $"{line[..(NameCharsMax - 1)]}…";
    }

    public static void Write(JobReport report, bool hasTrace, TextWriter output)
    {
        var metrics = report.Metrics;
        output.WriteLine($"{report.Name} ({report.Id}): {report.State}{(report.State == "RUNNING" && !report.IsRunning ? ", but not all of its tasks run" : "")}");
        output.WriteLine($"  tasks        {string.Join(", ", report.Tasks.Select(task => $"{task.Value} {task.Key}"))}");
        if (metrics.Restarts is { } restarts) output.WriteLine($"  restarts     {Quantity.Count(restarts)}");
        output.WriteLine($"  checkpoints  {Quantity.Count(report.CheckpointsCompleted)} completed, {Quantity.Count(report.CheckpointsFailed)} failed{(report.LastCheckpointFailure is { } why ? $" (the last: {why})" : "")}");
        if (report.LastCheckpointAt is { } at)
            output.WriteLine($"  last         {HostJson.TextOf(at)}{(report.LastCheckpointDuration is { } took ? $", took {DurationText.Show(took)}" : "")}{(report.LastCheckpointPath is { } path ? $", {path}" : "")}");
        if (metrics.Records is { } records)
            output.WriteLine($"  records      {Quantity.Count(records)} read{(metrics.RecordsPerSecond is { } rate ? string.Create(CultureInfo.InvariantCulture, $", {rate:N1} a second in the last minute") : "")}");
        if (Lag(metrics) is { Length: > 0 } lag) output.WriteLine($"  lag          {lag}");
        if (report.Failure is { } failure) output.WriteLine($"  last failure {failure}");
        if (hasTrace && report.FailureTrace is { } trace) output.WriteLine(trace);
    }

    private static string Lag(JobMetrics metrics) => string.Join(", ", new[]
    {
        metrics.RecordsBehind is { } behind ? $"{Quantity.Of(behind, "record")} to read" : null,
        metrics.EventTimeLag is { } lag ? $"the newest was {DurationText.Show(lag)} old when it was read" : null,
    }.OfType<string>());

    /// <summary>Durations are in milliseconds.</summary>
    public static void WriteJson(JobReport report, Utf8JsonWriter json)
    {
        var metrics = report.Metrics;
        json.WriteStartObject();
        json.WriteString("job", report.Id);
        json.WriteString("name", report.Name);
        json.WriteString("state", report.State);
        json.WriteBoolean("running", report.IsRunning);
        json.WriteStartObject("tasks");
        foreach (var (state, count) in report.Tasks) json.WriteNumber(state, count);
        json.WriteEndObject();
        json.WriteNumberOrNull("restarts", metrics.Restarts);
        json.WriteStartObject("checkpoints");
        json.WriteNumber("completed", report.CheckpointsCompleted);
        json.WriteNumber("failed", report.CheckpointsFailed);
        json.WriteString("last_failure", report.LastCheckpointFailure);
        json.WriteInstant("last_at", report.LastCheckpointAt);
        json.WriteNumberOrNull("last_duration_ms", (long?)report.LastCheckpointDuration?.TotalMilliseconds);
        json.WriteString("last_path", report.LastCheckpointPath);
        json.WriteEndObject();
        json.WriteNumberOrNull("records", metrics.Records);
        if (metrics.RecordsPerSecond is { } rate) json.WriteNumber("records_per_second", Math.Round(rate, 3));
        else json.WriteNull("records_per_second");
        json.WriteNumberOrNull("records_behind", metrics.RecordsBehind);
        json.WriteNumberOrNull("event_time_lag_ms", (long?)metrics.EventTimeLag?.TotalMilliseconds);
        json.WriteString("failure", report.Failure);
        json.WriteEndObject();
    }
}
