using Matih.Batches;
using Matih.Json;

namespace Matih.Engine.Tests.Json;

public sealed class JsonPathTests
{
    [Theory]
    [InlineData("$", "")]
    [InlineData("$.a", ".a")]
    [InlineData("a", ".a")]
    [InlineData("a.b[0]", ".a.b[0]")]
    [InlineData("$.a.b", ".a.b")]
    [InlineData("$['q.r']", ".q.r")]
    [InlineData("$[\"a b\"][ 2 ]", ".a b[2]")]
    [InlineData("$[ 'it\\'s' ]", ".it's")]
    [InlineData("$.arr[-1].x", ".arr[-1].x")]
    [InlineData("$.['a']", ".a")]
    [InlineData("  lax   $.a  ", ".a")]
    [InlineData("lax", ".lax")]
    [InlineData("$.naïve", ".naïve")]
    [InlineData("$.arr[*]", ".arr*")]
    [InlineData("$.*.b[ * ][*]", "*.b**")]
    [InlineData("*", "*")]
    [InlineData("$['*']", ".*")]
    [InlineData("$.a*", ".a*")]
    public void A_path_is_its_steps(string text, string steps)
    {
        Assert.True(JsonPath.TryParse(text, out var path, out var error, out _), error);

        Assert.True(path.IsSupported);
        Assert.Equal(steps, string.Concat(path.Steps.Select(step => step switch
        {
            JsonPathStep.Member member => "." + member.Name,
            JsonPathStep.Index index => $"[{index.Position}]",
            _ => "*",
        })));
    }

    [Theory]
    [InlineData("$.a", JsonPathMode.Strict, false)]
    [InlineData("strict $.a", JsonPathMode.Strict, true)]
    [InlineData("lax $.a", JsonPathMode.Lax, true)]
    [InlineData("LAX $.a", JsonPathMode.Lax, true)]
    public void The_mode_is_strict_unless_it_says_lax(string text, object mode, bool isExplicit)
    {
        JsonPath.TryParse(text, out var path, out _, out _);

        Assert.Equal(((JsonPathMode)mode, isExplicit), (path!.Mode, path.HasExplicitMode));
    }

    [Theory]
    [InlineData("$.*abc", "a name right behind a wildcard")]
    [InlineData("$.**", "a name right behind a wildcard")]
    [InlineData("$.a[*]..e", "a deep scan (..)")]
    [InlineData("$..e", "a deep scan (..)")]
    [InlineData("$.a[?(@.b > 1)]", "a filter")]
    [InlineData("$.a[0:2]", "an array slice")]
    [InlineData("$.a[:2]", "an array slice")]
    [InlineData("$.a[0,1]", "a union of indexes")]
    [InlineData("$['a','b']", "a union of names")]
    [InlineData("$.a.length()", "a function")]
    public void Kinds_that_are_not_evaluated_are_named(string text, string unsupported)
    {
        Assert.True(JsonPath.TryParse(text, out var path, out _, out _));

        Assert.False(path.IsSupported);
        Assert.Equal(unsupported, path.Unsupported);
        Assert.Throws<ArgumentException>(() => new JsonPathExtractor([path]));
    }

    [Theory]
    [InlineData("$.a.b[*].c", "a.b", 2)]
    [InlineData("$.*.b", "", 2)]
    [InlineData("$.a[0].b[*]", "a", 3)]
    public void A_path_with_wildcards_is_a_trunk_of_members_and_branches(string text, string trunk, int branchCount)
    {
        JsonPath.TryParse(text, out var path, out _, out _);

        Assert.False(path!.IsDefinite);
        Assert.Equal(trunk, string.Join('.', path.Trunk.Steps.Cast<JsonPathStep.Member>().Select(step => step.Name)));
        Assert.Equal(branchCount, path.Branches.Length);
        Assert.True(path.Trunk.IsDefinite);
        Assert.Throws<ArgumentException>(() => new JsonPathExtractor([path]));
    }

    [Theory]
    [InlineData("", 0, "the path is empty; '$' stands for the whole document")]
    [InlineData("lax ", 0, null)]
    [InlineData("$.", 1, "the path ends with '.'; a member name must follow it")]
    [InlineData("$a", 1, "'.' or '[' must follow '$', found 'a'")]
    [InlineData("$.a b", 3, "a blank in a member name; write it as ['my name']")]
    [InlineData("$.arr[last]", 6, "an index, a quoted name or a wildcard must follow '[', found 'l'")]
    [InlineData("$['a", 4, "the closing ' is missing")]
    [InlineData("$[1", 3, "']' is missing")]
    [InlineData("$[99999999999]", 2, "'99999999999' is not an array index")]
    [InlineData("$[*,0]", 3, "']' is missing")]
    [InlineData("$[0]x", 4, "'.' or '[' must follow ']', found 'x'")]
    [InlineData("@.a", 0, "'@' stands only inside a filter; begin the path with '$'")]
    public void A_bad_path_is_refused_where_it_is_bad(string text, int offset, string? expected)
    {
        var isPath = JsonPath.TryParse(text, out _, out var error, out var errorOffset);

        Assert.Equal(expected is null, isPath);
        if (expected is not null) Assert.Equal((offset, expected), (errorOffset, error));
    }
}
