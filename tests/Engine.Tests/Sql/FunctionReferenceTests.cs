using System.Text;
using Matih.Fixtures;
using Matih.Sql.Binding;

namespace Matih.Engine.Tests.Sql;

/// <summary>docs/functions.md is made of functions.reference, the compiler's table of functions and what the examples give.</summary>
public sealed class FunctionReferenceTests
{
    private const string Differences = "## Where the result differs from Flink's";

    private sealed record Entry(string Name, string Signatures, string Nulls, string Example);

    [Fact]
    public void The_page_says_what_the_functions_are_and_give()
    {
        var file = Path.Combine(SourceTree.Root, "docs", "functions.md");
        var page = Page();
        if (Environment.GetEnvironmentVariable("MATIH_UPDATE_GENERATED") == "1") File.WriteAllText(file, page);

        Assert.True(File.ReadAllText(file) == page, "docs/functions.md differs from functions.reference or from what the examples give; MATIH_UPDATE_GENERATED=1 writes it.");
    }

    [Fact]
    public void Every_function_has_its_entry() =>
        Assert.Equal(FunctionTable.Names, Sections().Skip(1).SelectMany(section => section.Entries).Select(entry => entry.Name).Order(StringComparer.Ordinal));

    [Fact]
    public void What_has_no_special_null_behaviour_gives_null_for_null()
    {
        var wrong = new List<string>();
        foreach (var entry in Sections().Skip(1).SelectMany(section => section.Entries).Where(entry => entry.Nulls.Length == 0))
        {
            // The first argument, of the type that it has in the example, as NULL.
            var open = entry.Example.IndexOf('(', StringComparison.Ordinal);
            if (FirstArgument(entry.Example[(open + 1)..^1]) is not { } first) continue;
            var expression = $"{entry.Example[..(open + 1)]}NULLIF({first}, {first}){entry.Example[(open + 1 + first.Length)..]}";
            var found = QueryRun.Evaluate(expression);
            if (!found.StartsWith("null ::", StringComparison.Ordinal)) wrong.Add($"{expression}: {found}");
        }
        Assert.Empty(wrong);
    }

    /// <summary>The first of plain arguments; null where words stand between them, or where it has no order to compare by.</summary>
    private static string? FirstArgument(string arguments)
    {
        var (depth, isText) = (0, false);
        for (var i = 0; i <= arguments.Length; i++)
        {
            if (i == arguments.Length || (arguments[i] == ',' && depth == 0 && !isText))
            {
                var first = arguments[..i];
                return first.Contains(" FROM ", StringComparison.Ordinal) || first.Contains(" IN ", StringComparison.Ordinal) || first.Contains(" PLACING ", StringComparison.Ordinal)
                    || first.Contains(" TO ", StringComparison.Ordinal) || first.Contains('[', StringComparison.Ordinal) || first.All(char.IsAsciiLetterUpper) ? null : first;
            }
            if (arguments[i] == '\'') isText = !isText;
            else if (!isText) depth += arguments[i] switch { '(' or '[' => 1, ')' or ']' => -1, _ => 0 };
        }
        return null;
    }

    private static List<(string Title, List<Entry> Entries)> Sections()
    {
        var sections = new List<(string, List<Entry>)>();
        foreach (var line in File.ReadLines(Path.Combine(SourceTree.Root, "tests", "Engine.Tests", "Sql", "functions.reference")))
        {
            if (line.StartsWith("## ", StringComparison.Ordinal)) sections.Add((line[3..], []));
            else if (line.Length > 0 && line[0] != '#')
            {
                var parts = line.Split('⇶', StringSplitOptions.TrimEntries);
                Assert.True(parts.Length == 4, $"four parts are expected in '{line}'");
                sections[^1].Item2.Add(new Entry(parts[0], parts[1], parts[2], parts[3]));
            }
        }
        return sections;
    }

    private static string Page()
    {
        var page = new StringBuilder("""
            # Functions

            Every function of SQL that this engine runs, with its result for one example. The language around them is in [sql.md](sql.md); a function that is not here is refused when the pipeline is validated. Written by a test from the compiler's own table; do not edit.


            """);
        foreach (var (title, entries) in Sections())
        {
            page.Append("## ").Append(title).Append("\n| | Signature | NULL | Example | Result |\n|---|---|---|---|---|\n");
            foreach (var entry in entries)
            {
                var result = entry.Example.Length == 0 ? "" : Code(QueryRun.Evaluate(entry.Example));
                page.Append($"| {entry.Name} | {Code(entry.Signatures)} | {(entry.Nulls.Length == 0 ? "NULL for NULL" : entry.Nulls)} | {(entry.Example.Length == 0 ? "the same for all rows of a batch" : Code(entry.Example))} | {result} |\n");
            }
            page.Append('\n');
        }
        return page.Append(DifferencesOfSqlPage()).ToString();
    }

    private static string Code(string text) => $"`{text.Replace("|", "\\|", StringComparison.Ordinal)}`";

    /// <summary>The one list of differences stands in docs/sql.md.</summary>
    private static string DifferencesOfSqlPage()
    {
        var text = File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "sql.md"));
        return text[text.IndexOf(Differences, StringComparison.Ordinal)..];
    }
}
