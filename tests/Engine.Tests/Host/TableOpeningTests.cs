using Matih.Engine.Tests.Hosting;
using Matih.Host.Runtime;
using Matih.Host.Tables;

namespace Matih.Engine.Tests.Host;

public sealed class TableOpeningTests
{
    [Theory]
    [InlineData("s3://lake/wh/db/clicks/", "s3://lake/wh/db", "clicks")]
    [InlineData("abfss://c@a.dfs.core.windows.net/wh/clicks", "abfss://c@a.dfs.core.windows.net/wh", "clicks")]
    [InlineData("/var/wh/clicks/", "/var/wh", "clicks")]
    public void A_table_s_own_folder_may_lie_on_a_disk_or_in_an_object_store(string name, string warehouse, string table)
    {
        var found = TableOpening.Resolve(name, null, Settings.Of());

        Assert.Equal((warehouse, table), (found.Warehouse, found.Identifier.Name));
        Assert.Empty(found.Identifier.Namespace);
    }

    [Theory]
    [InlineData("s3://lake/wh/100%")]
    [InlineData("/var/wh/a b%20")]
    public void A_folder_whose_name_no_table_may_have_is_wrong_usage(string name)
    {
        var refused = Assert.Throws<UsageException>(() => TableOpening.Resolve(name, null, Settings.Of()));

        Assert.Contains("cannot be part of a table's name: it holds '%'", refused.Message, StringComparison.Ordinal);
    }
}
