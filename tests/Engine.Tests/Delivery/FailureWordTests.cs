using System.Text.RegularExpressions;
using Matih.Delivery;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Hosting.Serverless;

namespace Matih.Engine.Tests.Delivery;

/// <summary>A kind of failure is spelled in one way, wherever a machine reads it.</summary>
public sealed partial class FailureWordTests
{
    public static TheoryData<FailureKind> Kinds => [.. Enum.GetValues<FailureKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_kind_is_its_name_in_lower_case_with_dashes_in_the_log_and_in_what_a_loop_reports(FailureKind kind)
    {
        var failure = new PipelineException(kind, "No.", "Look.");

        var word = Capital().Replace(kind.ToString(), "-$0").TrimStart('-').ToLowerInvariant();

        Assert.Equal(word, FailureWord.Of(kind));
        Assert.Equal(word, FailureEntry.Of(failure).Fields.Single(field => field.Name == "kind").Value);
        Assert.Equal(new ReportedFailure(word, "No.", "Look."), ReportedFailure.Of(failure));
    }

    [Fact]
    public void The_page_of_metrics_lists_every_word_and_no_other()
    {
        var page = File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "metrics.md"));
        var from = page.IndexOf("`kind` is one of", StringComparison.Ordinal);
        var listed = Quoted().Matches(page[(page.IndexOf("entry has:", from, StringComparison.Ordinal))..page.IndexOf("What to do about each", from, StringComparison.Ordinal)]);

        Assert.Equal(FailureWord.All.Order(StringComparer.Ordinal), listed.Select(word => word.Groups[1].Value).Order(StringComparer.Ordinal));
    }

    [GeneratedRegex("[A-Z]")]
    private static partial Regex Capital();

    [GeneratedRegex("`([a-z-]+)`")]
    private static partial Regex Quoted();
}
