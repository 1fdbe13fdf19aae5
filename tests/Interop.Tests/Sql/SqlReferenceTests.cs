using Matih.Fixtures;
using Matih.Sql;

namespace Matih.Interop.Tests.Sql;

public sealed class SqlReferenceTests
{
    [Fact]
    public void The_reference_lists_exactly_the_functions_that_there_are()
    {
        var text = File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "sql.md"));
        var section = text[text.IndexOf("## Functions", StringComparison.Ordinal)..text.IndexOf("## Types", StringComparison.Ordinal)];

        var listed = section.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Skip(2).ToArray();

        Assert.Equal(FunctionTable.Names, listed);
    }
}
