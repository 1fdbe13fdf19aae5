using System.CommandLine;
using Matih.Connectors;
using Matih.Delivery;
using Matih.Host.Tables;
using Matih.Hosting;

namespace Matih.Host.Commands;

/// <summary><c>matih catalog</c>: whether a catalog and its store work.</summary>
internal sealed class CatalogVerb : Verb
{
    private static readonly HelpPage Page = new(
        """
        Checks a catalog of a definition: whether its address and credentials are right, and whether objects can be written,
        read, listed and deleted where its tables are, and are never overwritten by a second writer. The first thing that
        does not work is named with what to do, after half a minute at the latest. Nothing is left behind.

        A catalog of type rest decides where tables lie and may lend credentials for each: name a table to check these too.
        """,
        ["catalog check FILE [NAME] [options]"],
        ("Examples",
        [
            ("matih catalog check pipeline.yaml", ""),
            ("matih catalog check pipeline.yaml lake --table analytics.web.clicks", ""),
        ]),
        ("Exit codes", [("0", "Everything works."), ("2", "The definition or the command line is wrong."), ("3", "Something does not work.")]));

    public CatalogVerb(HostSettings settings) : base("catalog", "Check whether a catalog and its store work.", Page)
    {
        // Without a subcommand there is nothing to do, which the parser says.
        Command.Action = null;
        var file = new Argument<string>("FILE") { Description = "The definition, a YAML file." };
        var name = new Argument<string?>("NAME") { Description = "The catalog's entry, where there are several.", Arity = ArgumentArity.ZeroOrOne };
        var table = new Option<string?>("--table") { HelpName = "TABLE", Description = "A table that exists: its own place is checked, with the credentials that the catalog lends for it." };
        var warehouse = new Option<string?>("--warehouse") { HelpName = "DIR", Description = "Folder of the file catalog, instead of the definition's: a path, or an address such as s3://bucket/folder." };
        var command = new Command("check", "Try address, credentials, permissions and conditional writes.") { file, name, table, warehouse };
        RefuseOptions(file, command);
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var definition = TableOpening.FindCatalog(new TablePlace(arguments.GetValue(warehouse), arguments.GetValue(file)!, arguments.GetValue(name)), "Name one of them behind the file.", settings);
            var identifier = arguments.GetValue(table) is { } text ? TableOpening.Parse(text) : null;
            var hasFault = false;
            await foreach (var step in new CatalogCheck(definition, identifier, new SystemIdSource(), TimeProvider.System).RunAsync(cancellationToken))
            {
                hasFault |= step.Fault is not null;
                await Console.Out.WriteLineAsync(step.Fault is null ? $"ok      {step.What}" : $"FAILED  {step.What}\n        {step.Fault}");
            }
            return hasFault ? ExitCode.Environment : ExitCode.Done;
        });
        Command.Subcommands.Add(command);
    }

    protected override Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken) => throw new InvalidOperationException("A subcommand runs.");
}
