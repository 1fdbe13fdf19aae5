using System.CommandLine;
using Matih.Delivery;
using Matih.Host.Output;
using Matih.Hosting;
using Matih.Hosting.Flink;

namespace Matih.Host.Commands;

/// <summary><c>matih flink</c>: a pipeline as a job of Flink SQL, and the jobs of a cluster.</summary>
internal sealed class FlinkVerb : Verb
{
    private static readonly HelpPage Page = new(
        """
        Turns a definition into a job of Flink SQL (sql) or into manifests for Kubernetes (manifest), and looks after the jobs that `matih deploy` has started.

        A job is named by its id or by the pipeline's name. stop makes a savepoint, from which `matih deploy --from` continues
        without loss. Secrets are placeholders in what is printed, such as ${KAFKA_PASSWORD}.
        """,
        ["flink sql FILE [options]", "flink manifest FILE --image IMAGE --state URL [options]", "flink list --gateway URL", "flink status JOB --gateway URL [--json] [--watch [--interval DURATION]]", "flink stop JOB --gateway URL [--savepoint DIR]", "flink savepoint JOB --gateway URL [--savepoint DIR]"],
        ("Examples",
        [
            ("matih flink sql pipeline.yaml > job.sql", "for Flink's SQL client"),
            ("matih flink manifest pipeline.yaml --image flink-with-jars:1.20 --state s3://bucket/flink | kubectl apply -f -", ""),
            ("matih flink status clicks --gateway http://flink:8083", ""),
            ("matih flink status clicks --gateway http://flink:8083 --watch --json", "one line every five seconds, until the job ends"),
            ("matih flink stop clicks --gateway http://flink:8083", ""),
        ]),
        ("Exit codes", [("0", "Done."), ("2", "The definition or the command line is wrong, or something in it cannot be said to Flink."), ("3", "The cluster does not answer, or a job does not do what it should.")]));

    public FlinkVerb(HostSettings settings) : base("flink", "A pipeline as a job of Flink SQL; the jobs of a cluster.", Page)
    {
        // Without a subcommand there is nothing to do, which the parser says.
        Command.Action = null;
        Command.Subcommands.Add(Sql(settings));
        Command.Subcommands.Add(new FlinkManifestCommand(settings).Command);
        Command.Subcommands.Add(List(settings));
        Command.Subcommands.Add(new FlinkStatus(settings).Command);
        Command.Subcommands.Add(Stop("stop", "Stop a job with a savepoint.", settings, (watch, job, trigger, folder, token) => watch.StopAsync(job, trigger, folder, token)));
        Command.Subcommands.Add(Stop("savepoint", "Make a savepoint of a job that runs on.", settings, (watch, job, trigger, folder, token) => watch.SaveAsync(job, trigger, folder, token)));
    }

    protected override Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken) => throw new InvalidOperationException("A subcommand runs.");

    /// <summary>Prints what Flink refused, with its place in the definition.</summary>
    public static void Show(FlinkRefusalException refusal, bool hasTrace)
    {
        Console.Error.WriteLine(refusal);
        if (hasTrace) Console.Error.WriteLine(refusal.Trace);
    }

    private static Command Sql(HostSettings settings)
    {
        var file = new Argument<string>("FILE") { Description = "The definition, a YAML file." };
        var options = new FlinkOptions();
        var command = new Command("sql", "Print the script.") { file };
        options.AddTo(command);
        RefuseOptions(file, command);
        command.SetAction(arguments =>
        {
            if (options.GenerateToPrint(arguments, arguments.GetValue(file)!, settings) is not { } generated) return ExitCode.BadDefinition;
            foreach (var left in generated.Pipeline.Uncompiled) Console.Error.WriteLine($"note: left to Flink: {left}");
            Console.Out.Write(generated.Script.ToString());
            return ExitCode.Done;
        });
        return command;
    }

    private static Command List(HostSettings settings)
    {
        var place = new FlinkPlace();
        var command = new Command("list", "The jobs that the cluster knows, the newest first.");
        place.AddTo(command);
        command.SetAction(async (arguments, cancellationToken) =>
        {
            using var cluster = place.Open(arguments, settings);
            var table = new TextTable("job", "name", "state", "started");
            foreach (var job in await new JobWatch(cluster).ListAsync(cancellationToken)) table.Add(job.Id, FlinkJobText.NameInList(job.Name), job.State, HostJson.TextOf(job.StartedAt));
            table.WriteTo(Console.Out, "");
            return ExitCode.Done;
        });
        return command;
    }

    private static Command Stop(string name, string description, HostSettings settings, Func<JobWatch, string, string, string?, CancellationToken, Task<(string Job, string Savepoint)>> act)
    {
        var place = new FlinkPlace();
        var job = new Argument<string>("JOB") { Description = "The job's id, or the pipeline's name." };
        var folder = new Option<string?>("--savepoint") { HelpName = "DIR", Description = "Where the savepoint goes, as the cluster sees it. Default: the cluster's own folder." };
        var command = new Command(name, description) { job, folder };
        place.AddTo(command);
        RefuseOptions(job, command);
        command.SetAction(async (arguments, cancellationToken) =>
        {
            using var cluster = place.Open(arguments, settings);
            var (id, savepoint) = await act(new JobWatch(cluster), arguments.GetValue(job)!, Guid.NewGuid().ToString("N"), arguments.GetValue(folder), cancellationToken);
            Console.Error.WriteLine(name == "stop" ? $"job {id} has finished; all that it read is in its tables" : $"job {id} runs on");
            Console.Out.WriteLine(savepoint);
            return ExitCode.Done;
        });
        return command;
    }
}
