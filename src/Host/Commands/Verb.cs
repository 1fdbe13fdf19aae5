using System.CommandLine;
using Matih.Host.Runtime;

namespace Matih.Host.Commands;

/// <summary>One verb of the command: its options, its page of help, and what it does.</summary>
internal abstract class Verb
{
    protected Verb(string name, string summary, HelpPage help)
    {
        Command = new Command(name, summary);
        Help = help;
        Command.SetAction(RunAsync);
    }

    public Command Command { get; }

    public HelpPage Help { get; }

    protected abstract Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken);

    /// <summary>An option that takes one text.</summary>
    protected Option<string?> Text(string name, string valueName, string description) => Add(new Option<string?>(name) { HelpName = valueName, Description = description });

    /// <summary>Where a pipeline's tables are, instead of where its definition says.</summary>
    protected Option<string?> Warehouse() => Text("--warehouse", "DIR", "Folder of the file catalog's tables, for all sinks: a path, or an address such as s3://bucket/folder.");

    /// <summary>An option that can be given several times, with one text each.</summary>
    protected Option<string[]> Texts(string name, string valueName, string description) => Add(new Option<string[]>(name)
    {
        HelpName = valueName,
        Description = description,
        AllowMultipleArgumentsPerToken = false,
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
    });

    /// <summary>An option that takes one of some words.</summary>
    protected Option<string?> Choice(string name, string description, params string[] words)
    {
        var option = Add(new Option<string?>(name) { HelpName = string.Join('|', words), Description = description });
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var word }] && !words.Contains(word)) result.AddError($"{name} is '{word}'; it can be {string.Join(", ", words[..^1])} or {words[^1]}.");
        });
        return option;
    }

    /// <summary>An option that is given or not.</summary>
    protected Option<bool> Flag(string name, string description) => Add(new Option<bool>(name) { Description = description });

    /// <summary>An option that takes a duration such as <c>20s</c>.</summary>
    protected Option<TimeSpan?> Duration(string name, string description) => Add(DurationOption(name, description));

    /// <summary>The same for a subcommand.</summary>
    public static Option<TimeSpan?> DurationOption(string name, string description) => new(name)
    {
        HelpName = "DURATION",
        Description = description,
        CustomParser = result =>
        {
            if (DurationText.TryParse(result.Tokens[0].Value, out var duration)) return duration;
            result.AddError($"{name}: '{result.Tokens[0].Value}' is no duration. Write a number and ms, s, m, h or d, for example 20s.");
            return null;
        },
    };

    /// <summary>An option that takes a whole number within bounds.</summary>
    protected Option<int?> Number(string name, int min, int max, string description) => Add(new Option<int?>(name)
    {
        HelpName = "N",
        Description = description,
        CustomParser = result =>
        {
            var isNumber = int.TryParse(result.Tokens[0].Value, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number);
            if (isNumber && number >= min && number <= max) return number;
            result.AddError($"{name}: '{result.Tokens[0].Value}' is no whole number from {min} to {max}.");
            return null;
        },
    });

    protected Argument<string> Positional(string name, string description)
    {
        var argument = new Argument<string>(name) { Description = description };
        RefuseOptions(argument, Command);
        Command.Arguments.Add(argument);
        return argument;
    }

    /// <summary>The parser takes a misspelled option for an argument where one is still missing.</summary>
    public static void RefuseOptions(Argument argument, Command command) => argument.Validators.Add(result =>
    {
        if (result.Tokens is not [{ Value: ['-', _, ..] value }] || value.Any(char.IsWhiteSpace)) return;
        var names = command.Options.Where(option => !option.Hidden).Select(option => option.Name);
        result.AddError($"there is no option '{value}'{NearestName.Suggest(value, names)}");
    });

    private Option<T> Add<T>(Option<T> option)
    {
        Command.Options.Add(option);
        return option;
    }
}
