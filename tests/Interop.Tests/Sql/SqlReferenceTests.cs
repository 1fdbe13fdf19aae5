using Matih.Fixtures;
using Matih.Sql.Binding;

namespace Matih.Interop.Tests.Sql;

public sealed class SqlReferenceTests
{
    [Fact]
    public void The_reference_lists_exactly_the_functions_that_there_are()
    {
        var text = File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "sql.md"));
        var section = text[text.IndexOf("## Functions", StringComparison.Ordinal)..text.IndexOf("## Types", StringComparison.Ordinal)];

        // Each line is "- Kind: NAME NAME NAME", then prose after a full stop or a comma.
        var listed = section.Split('\n').Where(line => line.StartsWith("- ", StringComparison.Ordinal))
            .SelectMany(line => line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Split('.', ',')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Order(StringComparer.Ordinal);

        Assert.Equal(FunctionTable.Names.Order(StringComparer.Ordinal), listed);
    }
}
