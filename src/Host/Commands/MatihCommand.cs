using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Matih.Delivery;
using Matih.Host.Runtime;
using Matih.Sql;

namespace Matih.Host.Commands;

/// <summary>The <c>matih</c> command: finds the verb, runs it, and turns what went wrong into a message and an exit code.</summary>
internal sealed class MatihCommand
{
    private readonly Verb[] _verbs;
    private readonly RootCommand _root;

    public MatihCommand(HostSettings settings)
    {
        _verbs = [new RunVerb(settings), new ValidateVerb(settings), new SqlVerb(settings), new TableVerb(settings), new VerifyVerb(settings), new ReplayVerb(settings), new DemoVerb(settings)];
        _root = new RootCommand("Kafka into lakehouse tables, exactly once.");
        foreach (var verb in _verbs) _root.Subcommands.Add(verb.Command);
        foreach (var option in _root.Options)
            if (option is HelpOption help) help.Action = new HelpAction(PageOf);
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
            return await new MatihCommand(HostSettings.OfProcess()).InvokeAsync(arguments, Console.Out, Console.Error);
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
        catch (Exception bug)
        {
            await Console.Error.WriteLineAsync($"matih: an internal error; please report it.\n{bug}");
            return HostExit.Crash;
        }
    }

    public async Task<int> InvokeAsync(string[] arguments, TextWriter output, TextWriter error)
    {
        if (arguments.Length == 0)
        {
            HelpText.Root.Write(_root, output);
            return ExitCode.Done;
        }
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
        error.WriteLine($"matih: there is no command '{word}'{NearestName.Suggest(word, names)} The commands are {string.Join(", ", names)}. See matih --help.");
        return HostExit.Usage;
    }

    private static int RefuseUsage(ParseResult parsed, TextWriter error)
    {
        var command = parsed.CommandResult.Command;
        var path = command is RootCommand ? "matih" : $"matih {PathOf(command)}";
        if (command.Subcommands.Count != 0 && command is not RootCommand)
        {
            var names = command.Subcommands.Select(child => child.Name).ToArray();
            var found = parsed.UnmatchedTokens is [var word, ..] ? $"there is no '{word}'{NearestName.Suggest(word, names)}" : "a word is missing.";
            error.WriteLine($"{path}: {found} It shows {string.Join(", ", names)}. See {path} --help.");
            return HostExit.Usage;
        }
        var faults = parsed.Errors.Select(fault => Suggest(fault.Message, parsed, command)).ToArray();
        // Behind a misspelled option everything is one argument off.
        if (faults.Any(IsOption)) faults = [.. faults.Where(IsOption)];
        foreach (var fault in faults) error.WriteLine($"{path}: {fault}");
        error.WriteLine($"See {path} --help.");
        return HostExit.Usage;
    }

    private static bool IsOption(string fault) => fault.StartsWith("there is no option ", StringComparison.Ordinal);

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
