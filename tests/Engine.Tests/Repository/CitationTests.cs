using System.Text.RegularExpressions;
using Matih.Engine.Tests.Architecture;
using Matih.Fixtures;

namespace Matih.Engine.Tests.Repository;

/// <summary>Where a comment or a document points into another document, there is what it points at.</summary>
public sealed partial class CitationTests
{
    /// <summary>Documents of specifications that comments cite and the repository does not hold.</summary>
    private static readonly string[] Specifications = ["Encodings.md", "LogicalTypes.md", "STATISTICS.md"];

    public static TheoryData<string> Documents => DocumentTests.Documents;

    [Fact]
    public void Comments_cite_documents_that_the_repository_has() =>
        Violations.AssertNone(
            from citation in Citations
            where !Specifications.Contains(citation.Document) && !File.Exists(Path.Combine(SourceTree.Root, citation.Document))
            select $"{citation.File}: there is no {citation.Document}");

    [Fact]
    public void Comments_cite_headings_that_exist()
    {
        var cited = Citations.Where(citation => citation.Heading.Length != 0 && !Specifications.Contains(citation.Document)).ToArray();

        Assert.True(cited.Length > 15, $"{cited.Length} headings");
        Violations.AssertNone(
            from citation in cited
            where !RepositoryNames.HeadingsOf(Path.Combine(SourceTree.Root, citation.Document)).Contains(citation.Heading)
            select $"{citation.File}: {citation.Document} has no heading \"{citation.Heading}\"");
    }

    [Theory, MemberData(nameof(Documents))]
    public void Links_lead_to_headings_that_exist(string path)
    {
        var document = MarkdownDocument.Read(Path.Combine(SourceTree.Root, path));

        Violations.AssertNone(
            from link in document.Links
            where link.Target.Contains(".md#", StringComparison.Ordinal) && !link.Target.Contains(':', StringComparison.Ordinal) || link.Target.StartsWith('#')
            let parts = link.Target.Split('#')
            let target = parts[0].Length == 0 ? document.Path : Path.Combine(Path.GetDirectoryName(document.Path)!, parts[0])
            where !RepositoryNames.HeadingsOf(target).Select(RepositoryNames.AnchorOf).Contains(parts[1])
            select $"{path}:{link.Line}: {link.Target}");
    }

    private static IEnumerable<(string File, string Document, string Heading)> Citations =>
        from path in RepositoryNames.SourceFiles
        from found in Citation().Matches(CommentsOf(path))
        from heading in found.Groups[2].Captures.Select(capture => capture.Value).DefaultIfEmpty("")
        select (Path.GetRelativePath(SourceTree.Root, path), found.Groups[1].Value, heading);

    /// <summary>The text of a file's comments, without their marks: a citation may go on in the next line.</summary>
    private static string CommentsOf(string path) =>
        string.Join(' ', File.ReadLines(path).Select(line => line.TrimStart()).Where(line => line.StartsWith("//", StringComparison.Ordinal)).Select(line => line.TrimStart('/').Trim()));

    [GeneratedRegex("""(?<!parquet-format, )(?<![\w./-])([\w./-]*\w\.md)\b(?:(?:,| and) "([^"]+)")*""")]
    private static partial Regex Citation();
}
