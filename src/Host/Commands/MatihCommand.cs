using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Matih.Delivery;
using Matih.Host.Output;
using Matih.Host.Runtime;
using Matih.Hosting;

namespace Matih.Host.Commands;

/// <summary>The <c>matih</c> command: finds the verb, runs it, and turns what went wrong into a message and an exit code.</summary>
internal sealed class MatihCommand
{
    private const string HelpVerb = "help";

    private readonly Verb[] _verbs;
    private readonly RootCommand _root;

    /// <param name="width">Columns of the terminal that shows help; null where none does.</param>
    public MatihCommand(HostSettings settings, int? width = null)
    {
        _verbs = [new RunVerb(settings), new ValidateVerb(settings), new SqlVerb(settings), new TestVerb(settings), new TableVerb(settings), new CatalogVerb(settings), new StatusVerb(settings), new VerifyVerb(settings), new ReplayVerb(settings), new MaintainVerb(settings), new DeployVerb(settings), new FlinkVerb(settings), new HealthVerb(settings), new DemoVerb(settings)];
        _root = new RootCommand("Kafka into lakehouse tables, exactly once.");
        foreach (var verb in _verbs) _root.Subcommands.Add(verb.Command);
        foreach (var option in _root.Options)
            if (option is HelpOption help) help.Action = new HelpAction(PageOf, Math.Min(width ?? HelpPage.WidthMax, HelpPage.WidthMax));
            else if (option is VersionOption version) version.Action = new VersionAction();
    }

    public RootCommand Root => _root;

    public IReadOnlyList<Verb> Verbs => _verbs;

    public static string Version { get; } = typeof(MatihCommand).Assembly.GetName().Version!.ToString(3);

    /// <summary>Runs the command in this process; the result is its exit code.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        try
        {
            return await new MatihCommand(HostSettings.OfProcess(), Terminal.OutputWidth).InvokeAsync(arguments, Console.Out, Console.Error);
        }
        catch (UsageException usage)
        {
            await Console.Error.WriteLineAsync($"matih: {usage.Message}");
            return HostExit.Usage;
        }
        catch (PipelineException failure)
        {
            await Console.Error.WriteLineAsync($"matih: {failure.Message}\n{failure.Remedy}");
            return failure.ExitCode;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The verbs give the faults of tables and topics a name; this is the output, or a file of the command line.
            await Console.Error.WriteLineAsync($"matih: the standard output or a file could not be written or read: {(e.InnerException ?? e).Message}\nCheck the disk space, the permissions and where the output goes.");
            return ExitCode.Environment;
        }
        catch (Exception bug)
        {
            await Console.Error.WriteLineAsync($"matih: an internal error; please report it.\n{bug}");
            return HostExit.Crash;
        }
    }

    public async Task<int> InvokeAsync(string[] arguments, TextWriter output, TextWriter error)
    {
        if (arguments.Length == 0) arguments = ["--help"];
        else if (arguments[0] == HelpVerb) arguments = [.. arguments[1..], "--help"];
        if (FindUnknownVerb(arguments) is { } unknown) return RefuseVerb(unknown, error);
        var parsed = _root.Parse(arguments);
        if (parsed.Errors.Count != 0 && parsed.Action is not (HelpAction or VersionAction)) return RefuseUsage(parsed, error);
        // Signals are the verbs' own affair, and so are exceptions.
        return await parsed.InvokeAsync(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
            Output = output,
            Error = error,
        });
    }

    private string? FindUnknownVerb(string[] arguments) =>
        arguments[0].StartsWith('-') || _verbs.Any(verb => verb.Command.Name == arguments[0]) ? null : arguments[0];

    private int RefuseVerb(string word, TextWriter error)
    {
        var names = _verbs.Select(verb => verb.Command.Name).ToArray();
        return RefuseCommand("matih", $"there is no command '{word}'{NearestName.Suggest(word, [.. names, HelpVerb])}", names, error);
    }

    private static int RefuseCommand(string path, string fault, string[] names, TextWriter error)
    {
        error.WriteLine($"{path}: {fault} The commands are {string.Join(", ", names)}. See {path} --help.");
        return HostExit.Usage;
    }

    private static int RefuseUsage(ParseResult parsed, TextWriter error)
    {
        var command = parsed.CommandResult.Command;
        var path = command is RootCommand ? "matih" : $"matih {PathOf(command)}";
        if (command.Subcommands.Count != 0 && command is not RootCommand)
        {
            var names = command.Subcommands.Select(child => child.Name).ToArray();
            return RefuseCommand(path, parsed.UnmatchedTokens is [var word, ..] ? $"there is no command '{word}'{NearestName.Suggest(word, names)}" : "a command is missing.", names, error);
        }
        var faults = parsed.Errors.Select(fault => Explain(fault, parsed, command)).Distinct().ToArray();
        // Behind a misspelled option everything is one argument off.
        if (faults.Any(IsOption)) faults = [.. faults.Where(IsOption)];
        foreach (var fault in faults) error.WriteLine($"{path}: {fault}");
        error.WriteLine($"See {path} --help.");
        return HostExit.Usage;
    }

    private static bool IsOption(string fault) => fault.StartsWith("there is no option ", StringComparison.Ordinal);

    private static string Explain(ParseError fault, ParseResult parsed, Command command)
    {
        switch (fault.SymbolResult)
        {
            case ArgumentResult { Tokens.Count: 0, Parent: CommandResult, Argument: var argument }:
                return $"{argument.Name} is missing.";
            case OptionResult { IdentifierToken: null, Option: { Required: true } option }:
                return $"{option.Name} {option.HelpName} is missing.";
        }
        var valueless = fault.SymbolResult is ArgumentResult { Tokens.Count: 0 } value ? value.Parent : fault.SymbolResult;
        return valueless is OptionResult { Tokens.Count: 0, Option: { HelpName: { } form } needy } ? $"{needy.Name} needs a value: {needy.Name} {form}." : Suggest(fault.Message, parsed, command);
    }

    private static string Suggest(string message, ParseResult parsed, Command command)
    {
        foreach (var word in parsed.UnmatchedTokens)
        {
            if (!message.Contains($"'{word}'", StringComparison.Ordinal)) continue;
            return word.StartsWith('-')
                ? $"there is no option '{word}'{NearestName.Suggest(word, command.Options.Where(option => !option.Hidden).Select(option => option.Name))}"
                : $"'{word}' is one argument too many.";
        }
        return message;
    }

    private static string PathOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault(parent => parent is not RootCommand) is { } parent ? $"{PathOf(parent)} {command.Name}" : command.Name;

    private HelpPage PageOf(Command command)
    {
        foreach (var verb in _verbs)
        {
            if (verb.Command == command) return verb.Help;
            if (verb.Command.Subcommands.Contains(command)) return verb.Help;
        }
        return HelpText.Root;
    }

    private sealed class VersionAction : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine($"matih {Version}");
            return 0;
        }
    }
}
