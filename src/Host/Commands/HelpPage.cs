using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Matih.Host.Commands;

/// <summary>A page of help: what a command is for, then its arguments and options as they are declared, then these sections.</summary>
/// <param name="Description">A few lines on what it does.</param>
/// <param name="Usage">The ways to call it, without the program's name.</param>
/// <param name="Sections">Further titles with their lines: examples, exit codes, variables.</param>
internal sealed record HelpPage(string Description, string[] Usage, params (string Title, string[] Lines)[] Sections)
{
    private const int Width = 110;
    private const int LabelMax = 34;

    public void Write(Command command, TextWriter output)
    {
        output.WriteLine(Description);
        output.WriteLine();
        output.WriteLine("Usage:");
        foreach (var usage in Usage) output.WriteLine($"  matih {usage}");
        WriteList(output, "Commands:", command.Subcommands.Where(child => !child.Hidden).Select(child => (Label(child), child.Description ?? "")));
        WriteList(output, "Arguments:", command.Arguments.Where(argument => !argument.Hidden).Select(argument => (argument.Name, argument.Description ?? "")));
        WriteList(output, "Options:", command.Options.Where(option => !option.Hidden).Select(option => (Label(option), option.Description ?? "")));
        foreach (var (title, lines) in Sections)
        {
            output.WriteLine();
            output.WriteLine($"{title}:");
            foreach (var line in lines) output.WriteLine(line.Length == 0 ? "" : $"  {line}");
        }
    }

    /// <summary>Names and meanings in two columns, the second one wrapped.</summary>
    public static string[] TwoColumns(IEnumerable<(string Label, string Text)> entries)
    {
        var all = entries.ToArray();
        var indent = all.Where(entry => entry.Label.Length <= LabelMax).Select(entry => entry.Label.Length).DefaultIfEmpty(0).Max() + 2;
        var lines = new List<string>();
        foreach (var (label, text) in all)
        {
            var rest = Wrap(text, Width - indent).ToList();
            if (label.Length + 2 > indent) lines.Add(label);
            else if (rest.Count != 0)
            {
                lines.Add(label.PadRight(indent) + rest[0]);
                rest.RemoveAt(0);
            }
            else lines.Add(label);
            lines.AddRange(rest.Select(line => new string(' ', indent) + line));
        }
        return [.. lines];
    }

    private static void WriteList(TextWriter output, string title, IEnumerable<(string, string)> entries)
    {
        var lines = TwoColumns(entries);
        if (lines.Length == 0) return;
        output.WriteLine();
        output.WriteLine(title);
        foreach (var line in lines) output.WriteLine($"  {line}");
    }

    private static string Label(Command command) => string.Join(' ', command.Arguments.Select(argument => argument.Name).Prepend(command.Name));

    private static string Label(Option option) => option switch
    {
        HelpOption => "-h, --help",
        { HelpName: { } value } => $"{option.Name} {value}",
        _ => option.Name,
    };

    private static IEnumerable<string> Wrap(string text, int width)
    {
        var line = "";
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length != 0 && line.Length + 1 + word.Length > width)
            {
                yield return line;
                line = word;
            }
            else line = line.Length == 0 ? word : $"{line} {word}";
        }
        if (line.Length != 0) yield return line;
    }
}

/// <summary>Prints the page of the command that was named.</summary>
internal sealed class HelpAction(Func<Command, HelpPage> pageOf) : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        var command = parseResult.CommandResult.Command;
        pageOf(command).Write(command, parseResult.InvocationConfiguration.Output);
        return 0;
    }

    public override bool ClearsParseErrors => true;
}
