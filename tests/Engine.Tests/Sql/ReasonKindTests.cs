using Matih.Sql.Kernels;

namespace Matih.Engine.Tests.Sql;

public sealed class ReasonKindTests
{
    [Theory]
    [InlineData("Division by zero.", "Division by zero.")]
    [InlineData("CAST: 'abc' is no INT", "CAST: '…' is no INT")]
    [InlineData("CAST: 'it's' is no INT", "CAST: '…' is no INT")]
    [InlineData("CAST: '' is no INT", "CAST: '…' is no INT")]
    [InlineData("REPEAT would give 123 bytes; at most 16 are possible.", "REPEAT would give … bytes; at most … are possible.")]
    [InlineData("FROM_BASE64: the rest.", "FROM_BASE64: the rest.")]
    [InlineData("One ' alone 7", "One ' alone …")]
    [InlineData("", "")]
    public void Values_are_left_out_and_words_stay(string reason, string kind) => Assert.Equal(kind, ReasonKind.Of(reason));
}
