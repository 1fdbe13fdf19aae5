using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Matih.Host.Output;

namespace Matih.Host.Commands;

/// <summary>A page of help: what a command is for, then its arguments and options as they are declared, then these sections.</summary>
/// <param name="Description">A few lines on what it does; a blank line begins a paragraph.</param>
/// <param name="Usage">The ways to call it, without the program's name.</param>
/// <param name="Sections">Further titles with their entries: examples, exit codes, variables. An entry may be its label alone.</param>
internal sealed record HelpPage(string Description, string[] Usage, params (string Title, (string Label, string Text)[] Entries)[] Sections)
{
    /// <summary>Wider lines are hard to read.</summary>
    public const int WidthMax = 110;

    /// <summary>Columns that are left for a meaning beside its name.</summary>
    private const int TextWidthMin = 45;

    private const string Indent = "  ";

    /// <param name="width">Columns of a line.</param>
    public void Write(Command command, TextWriter output, int width)
    {
        var paragraphs = Description.Split("\n\n").Select(paragraph => paragraph.ReplaceLineEndings(" "));
        foreach (var line in paragraphs.SelectMany((paragraph, i) => TextWrap.Lines(i == 0 ? paragraph : "\n" + paragraph, width))) output.WriteLine(line);
        output.WriteLine();
        output.WriteLine("Usage:");
        foreach (var usage in Usage)
            foreach (var line in TextWrap.Lines($"{Indent}matih {usage}", width, indent: 6)) output.WriteLine(line);
        // The options of a command that only has further commands are theirs.
        var declared = command.Options.Count == 0 ? [.. command.Subcommands] : (Command[])[command];
        WriteList(output, "Commands", command.Subcommands.Where(child => !child.Hidden).Select(child => (Label(child), child.Description ?? "")), width);
        WriteList(output, "Arguments", declared.SelectMany(item => item.Arguments).Where(argument => !argument.Hidden).DistinctBy(argument => argument.Name).Select(argument => (argument.Name, argument.Description ?? "")), width);
        WriteList(output, "Options", declared.SelectMany(item => item.Options).Where(option => !option.Hidden).DistinctBy(option => option.Name).Select(option => (Label(option), option.Description ?? "")), width);
        foreach (var (title, entries) in Sections) WriteList(output, title, entries, width);
        if (command is RootCommand) return;
        output.WriteLine();
        output.WriteLine("matih --help lists the environment variables.");
    }

    /// <summary>Names and meanings in two columns, the second one wrapped; a name that is too long has a line of its own.</summary>
    private static void WriteList(TextWriter output, string title, IEnumerable<(string Label, string Text)> entries, int width)
    {
        var all = entries.ToArray();
        if (all.Length == 0) return;
        output.WriteLine();
        output.WriteLine($"{title}:");
        var labelMax = width - TextWidthMin;
        var indent = Indent.Length + all.Where(entry => entry.Text.Length != 0 && entry.Label.Length <= labelMax).Select(entry => entry.Label.Length).DefaultIfEmpty(0).Max() + 2;
        foreach (var (label, text) in all)
        {
            var first = (Indent + label).PadRight(indent);
            if (text.Length == 0)
            {
                output.WriteLine(Indent + label);
                continue;
            }
            if (first.Length > indent)
            {
                output.WriteLine(first);
                first = new string(' ', indent);
            }
            foreach (var line in TextWrap.Lines(first + text, width, indent)) output.WriteLine(line);
        }
    }

    private static string Label(Command command) => string.Join(' ', command.Arguments.Select(argument => argument.Name).Prepend(command.Name));

    private static string Label(Option option) => option switch
    {
        HelpOption => "-h, --help",
        { HelpName: { } value } => $"{option.Name} {value}",
        _ => option.Name,
    };
}

/// <summary>Prints the page of the command that was named.</summary>
internal sealed class HelpAction(Func<Command, HelpPage> pageOf, int width) : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        var command = parseResult.CommandResult.Command;
        pageOf(command).Write(command, parseResult.InvocationConfiguration.Output, width);
        return 0;
    }

    public override bool ClearsParseErrors => true;
}
