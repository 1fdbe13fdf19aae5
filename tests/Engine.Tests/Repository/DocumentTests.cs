using Matih.Engine.Tests.Architecture;
using Matih.Fixtures;

namespace Matih.Engine.Tests.Repository;

/// <summary>Every Markdown file of the repository: what it shows works, and where it points there is something.</summary>
public sealed class DocumentTests
{
    public static TheoryData<string> Documents =>
        [.. EngineSources.Written(SourceTree.Root)
            .Where(path => path.EndsWith(".md", StringComparison.Ordinal))
            .Select(path => Path.GetRelativePath(SourceTree.Root, path))
            .Order(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Documents))]
    public void Relative_links_lead_somewhere(string path)
    {
        var document = MarkdownDocument.Read(Path.Combine(SourceTree.Root, path));

        Violations.AssertNone(
            from link in document.Links
            let target = link.Target.Split('#')[0]
            where target.Length != 0 && !target.Contains(':', StringComparison.Ordinal)
            where !Path.Exists(Path.Combine(Path.GetDirectoryName(document.Path)!, target))
            select $"{path}:{link.Line}: {link.Target}");
    }

    [Theory, MemberData(nameof(Documents))]
    public Task Marked_examples_do_what_they_show(string path) =>
        DocumentRun.RunAsync(MarkdownDocument.Read(Path.Combine(SourceTree.Root, path)), TemporaryDirectory.New());

    [Theory]
    [InlineData("<!-- file: a/b.txt -->\n```\nx\n```\n<!-- test -->\n```sh\ncat a/b.txt; echo two\n```\n<!-- output -->\n```\nx\nt…o\n```\n", null)]
    [InlineData("<!-- test exit 3 -->\n```sh\nexit 3\n```\n", null)]
    [InlineData("<!-- test -->\n```sh\nfalse\ntrue\n```\n", "exit code 1, expected 0")]
    [InlineData("<!-- test -->\n```sh\necho one; echo two\n```\n<!-- output -->\n```\ntwo\none\n```\n", "does not follow in the output: one")]
    [InlineData("```sh\nfalse\n```\n", null)]
    [InlineData("<!-- test -->\n```sh\ntest -x bin/matih && command -v matih\n```\n", null)]
    public async Task An_example_that_fails_is_found(string text, string? failure)
    {
        var directory = TemporaryDirectory.New();
        var path = Path.Combine(directory, "document.md");
        await File.WriteAllTextAsync(path, text);

        var found = await Record.ExceptionAsync(() => DocumentRun.RunAsync(MarkdownDocument.Read(path), directory));

        if (failure is null) Assert.Null(found);
        else Assert.Contains(failure, found?.Message ?? "", StringComparison.Ordinal);
    }
}
