using System.CommandLine;
using Matih.Definition;
using Matih.Delivery;
using Matih.Flink;
using Matih.Host.Output;
using Matih.Hosting;

namespace Matih.Host.Commands;

/// <summary><c>matih flink</c>: a pipeline as a job of Flink SQL.</summary>
internal sealed class FlinkVerb : Verb
{
    private static readonly HelpPage Page = new(
        """
        Turns a definition into a job of Flink SQL: settings, catalogs, a table for each source, a view for each
        transformation, and one INSERT for all sinks.

        Secrets are placeholders in what is printed, such as ${KAFKA_PASSWORD}.
        """,
        ["flink sql FILE [options]"],
        ("Examples", [("matih flink sql pipeline.yaml", ""), ("matih flink sql pipeline.yaml > job.sql", "for Flink's SQL client")]),
        ("Exit codes", [("0", "Done."), ("2", "The definition or the command line is wrong, or something in it cannot be said to Flink.")]));

    public FlinkVerb(HostSettings settings) : base("flink", "A pipeline as a job of Flink SQL.", Page)
    {
        // Without a subcommand there is nothing to do, which the parser says.
        Command.Action = null;
        Command.Subcommands.Add(Sql(settings));
    }

    protected override Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken) => throw new InvalidOperationException("A subcommand runs.");

    private static Command Sql(HostSettings settings)
    {
        var file = new Argument<string>("FILE") { Description = "The definition, a YAML file." };
        var place = new FlinkOptions();
        var command = new Command("sql", "Print the script.") { file };
        place.AddTo(command);
        RefuseOptions(file, command);
        command.SetAction(arguments =>
        {
            if (place.Generate(arguments, arguments.GetValue(file)!, settings) is not { } generated) return ExitCode.BadDefinition;
            foreach (var left in generated.Pipeline.Uncompiled) Console.Error.WriteLine($"note: left to Flink: {left}");
            Console.Out.Write(generated.Script.ToString());
            return ExitCode.Done;
        });
        return command;
    }
}
