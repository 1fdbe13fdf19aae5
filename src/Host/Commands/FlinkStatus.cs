using System.CommandLine;
using Matih.Delivery;
using Matih.Host.Output;
using Matih.Host.Runtime;
using Matih.Hosting;
using Matih.Hosting.Flink;

namespace Matih.Host.Commands;

/// <summary><c>matih flink status</c>: how a job does, once or again and again.</summary>
internal sealed class FlinkStatus
{
    private static readonly TimeSpan IntervalDefault = TimeSpan.FromSeconds(5);

    private readonly HostSettings _settings;
    private readonly FlinkPlace _place = new();
    private readonly Argument<string> _job = new("JOB") { Description = "The job's id, or the pipeline's name." };
    private readonly Option<bool> _trace = new("--trace") { Description = "Print the whole stack trace of the last failure." };
    private readonly Option<bool> _json = new("--json") { Description = "Print JSON: one object, or with --watch one on each line." };
    private readonly Option<bool> _watch = new("--watch") { Description = "Look again and again, until the job ends or Ctrl-C." };
    private readonly Option<TimeSpan?> _interval = Verb.DurationOption("--interval", "How long --watch waits between two looks. Default 5s; Flink refreshes its metrics every 10 s.");

    public FlinkStatus(HostSettings settings)
    {
        _settings = settings;
        Command = new Command("status", "How a job does: tasks, restarts, checkpoints, records per second, lag.") { _job, _trace, _json, _watch, _interval };
        _place.AddTo(Command);
        Verb.RefuseOptions(_job, Command);
        Command.SetAction((arguments, cancellationToken) => arguments.GetValue(_watch) ? WatchAsync(arguments) : OnceAsync(arguments, cancellationToken));
    }

    public Command Command { get; }

    private async Task<int> OnceAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        if (arguments.GetValue(_interval) is not null) throw new UsageException("--interval has no meaning without --watch.");
        using var cluster = _place.Open(arguments, _settings);
        var report = await new JobWatch(cluster).StatusAsync(arguments.GetValue(_job)!, cancellationToken);
        Write(report, arguments, isLine: false);
        return report.IsRunning ? ExitCode.Done : ExitCode.Environment;
    }

    /// <summary>A cluster that does not answer is said once a look; only a job that is gone, or was never there, ends the watch.</summary>
    private async Task<int> WatchAsync(ParseResult arguments)
    {
        using var signals = new StopSignals(_ => { });
        using var cluster = _place.Open(arguments, _settings);
        var watch = new JobWatch(cluster);
        var job = arguments.GetValue(_job)!;
        var isFirst = true;
        try
        {
            while (true)
            {
                try
                {
                    var report = await watch.StatusAsync(job, signals.Stop);
                    Write(report, arguments, isLine: true);
                    if (report.HasEnded) return report.State == "FINISHED" ? ExitCode.Done : ExitCode.Environment;
                    // A name may stand for another job later.
                    job = report.Id;
                    isFirst = false;
                }
                catch (PipelineException failure) when (!isFirst)
                {
                    await Console.Error.WriteLineAsync($"matih: {failure.Message}");
                }
                await Task.Delay(arguments.GetValue(_interval) ?? IntervalDefault, signals.Stop);
            }
        }
        catch (OperationCanceledException) when (signals.Stop.IsCancellationRequested)
        {
            return signals.CleanExitCode;
        }
    }

    /// <param name="isLine">Whether further reports follow.</param>
    private void Write(JobReport report, ParseResult arguments, bool isLine)
    {
        if (!arguments.GetValue(_json))
        {
            if (isLine) Console.Out.WriteLine(HostJson.TextOf(TimeProvider.System.GetUtcNow()));
            FlinkJobText.Write(report, arguments.GetValue(_trace), Console.Out);
        }
        else if (isLine) JsonOutput.WriteLine(Console.OpenStandardOutput(), json => FlinkJobText.WriteJson(report, json));
        else JsonOutput.Write(Console.OpenStandardOutput(), json => FlinkJobText.WriteJson(report, json));
    }
}
