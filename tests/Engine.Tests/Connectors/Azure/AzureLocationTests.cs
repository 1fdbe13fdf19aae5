using Matih.Connectors.Azure;
using Matih.Storage;

namespace Matih.Engine.Tests.Connectors.Azure;

/// <summary>Which spellings name which blob.</summary>
public sealed class AzureLocationTests
{
    [Theory]
    [InlineData("abfss://c@acct.dfs.core.windows.net/db/t/x")]
    [InlineData("abfs://c@acct.dfs.core.windows.net/db/t/x")]
    [InlineData("ABFSS://c@ACCT.DFS.Core.Windows.net/db/t/x")]
    [InlineData("abfss://c@acct.blob.core.windows.net/db/t/x")]
    [InlineData("wasbs://c@acct.blob.core.windows.net/db/t/x")]
    [InlineData("wasb://c@acct.blob.core.windows.net/db/t/x")]
    [InlineData("https://acct.blob.core.windows.net/c/db/t/x")]
    [InlineData("https://acct.dfs.core.windows.net/c/db/t/x")]
    [InlineData("HTTPS://acct.blob.core.windows.net/c/db/t/x")]
    [InlineData("abfss://c@acct/db/t/x")]
    public void Spellings_of_one_blob_have_one_address(string location)
    {
        var found = new AzureLocations(null, null).Blob(location);

        Assert.Equal(("https://acct.blob.core.windows.net/c/db/t/x", "acct", "c"), (found.BlobUri.AbsoluteUri, found.Account, found.Container));
        Assert.Equal((location, "db/t/x"), (found.ToString(), found.Name));
        Assert.Equal("https://acct.blob.core.windows.net/c", found.ContainerUri.AbsoluteUri);
    }

    [Theory]
    [InlineData("abfss://c@acct.dfs.core.usgovcloudapi.net/x", "https://acct.blob.core.usgovcloudapi.net/c/x")]
    [InlineData("abfss://c@acct.dfs.core.chinacloudapi.cn/x", "https://acct.blob.core.chinacloudapi.cn/c/x")]
    [InlineData("abfss://c@acct.z12.dfs.storage.azure.net/x", "https://acct.z12.blob.storage.azure.net/c/x")]
    [InlineData("https://acct.privatelink.dfs.core.windows.net/c/x", "https://acct.privatelink.blob.core.windows.net/c/x")]
    [InlineData("abfss://My Workspace@onelake.dfs.fabric.microsoft.com/l.Lakehouse/x", "https://onelake.blob.fabric.microsoft.com/My%20Workspace/l.Lakehouse/x")]
    public void Other_clouds_and_networks_keep_their_hosts(string location, string address) =>
        Assert.Equal(address, new AzureLocations(null, null).Blob(location).BlobUri.AbsoluteUri);

    [Theory]
    [InlineData("http://127.0.0.1:10000/devstoreaccount1", "abfss://c@devstoreaccount1.dfs.core.windows.net/x", "http://127.0.0.1:10000/devstoreaccount1/c/x")]
    [InlineData("http://127.0.0.1:10000/devstoreaccount1/", "wasbs://c@devstoreaccount1.blob.core.windows.net/x", "http://127.0.0.1:10000/devstoreaccount1/c/x")]
    [InlineData("http://127.0.0.1:10000/devstoreaccount1", "http://127.0.0.1:10000/devstoreaccount1/c/x", "http://127.0.0.1:10000/devstoreaccount1/c/x")]
    [InlineData("http://127.0.0.1:10000/devstoreaccount1", "https://devstoreaccount1.blob.core.windows.net/c/x", "http://127.0.0.1:10000/devstoreaccount1/c/x")]
    [InlineData("http://127.0.0.1:10000/devstoreaccount1", "abfss://c/x", "http://127.0.0.1:10000/devstoreaccount1/c/x")]
    [InlineData("https://acct.privatelink.blob.core.windows.net", "abfss://c@acct.dfs.core.windows.net/x", "https://acct.privatelink.blob.core.windows.net/c/x")]
    [InlineData("https://blobs.corp.example", "abfss://c@acct.dfs.core.windows.net/x", "https://blobs.corp.example/c/x")]
    [InlineData("https://blobs.corp.example", "abfss://c/x", "https://blobs.corp.example/c/x")]
    [InlineData("https://blobs.corp.example", "https://blobs.corp.example/c/x", "https://blobs.corp.example/c/x")]
    public void An_endpoint_serves_the_account_of_the_location(string endpoint, string location, string address)
    {
        var found = new AzureLocations(new Uri(endpoint), null).Blob(location);

        Assert.Equal((address, location), (found.BlobUri.AbsoluteUri, found.ToString()));
    }

    [Theory]
    [InlineData("a%20b", "a%2520b")]
    [InlineData("a b/ä", "a%20b/%C3%A4")]
    [InlineData("d=1/x?y#z&+", "d%3D1/x%3Fy%23z%26%2B")]
    [InlineData("a%2Fb", "a%252Fb")]
    [InlineData("a//b", "a//b")]
    [InlineData("/a", "/a")]
    [InlineData("p=1./x", "p%3D1./x")]
    [InlineData(".../..x/x..y", ".../..x/x..y")]
    public void Names_are_escaped_once_and_kept(string name, string path)
    {
        foreach (var root in (string[])["abfss://c@acct.dfs.core.windows.net/", "https://acct.blob.core.windows.net/c/"])
        {
            var found = new AzureLocations(null, null).Blob(root + name);

            Assert.Equal((name, root), (found.Name, found.Root));
            Assert.Equal("https://acct.blob.core.windows.net/c/" + path, found.BlobUri.AbsoluteUri);
        }
    }

    [Theory]
    [InlineData("abfss://c@acct.dfs.core.windows.net/", "abfss://c@acct.dfs.core.windows.net/", "")]
    [InlineData("abfss://c@acct.dfs.core.windows.net", "abfss://c@acct.dfs.core.windows.net/", "")]
    [InlineData("https://acct.blob.core.windows.net/c", "https://acct.blob.core.windows.net/c/", "")]
    [InlineData("https://acct.blob.core.windows.net/c/a/", "https://acct.blob.core.windows.net/c/", "a/")]
    [InlineData("wasbs://c@acct.blob.core.windows.net/a/b.", "wasbs://c@acct.blob.core.windows.net/", "a/b.")]
    public void A_prefix_may_be_a_container_a_folder_or_the_beginning_of_a_name(string prefix, string root, string name)
    {
        var found = new AzureLocations(null, null).Prefix(prefix);

        Assert.Equal((root, name), (found.Root, found.Name));
    }

    [Theory]
    [InlineData("", "it is no location in Azure Blob Storage")]
    [InlineData("/abs/path", "it is no location in Azure Blob Storage")]
    [InlineData("s3://bucket/x", "it is no location in Azure Blob Storage")]
    [InlineData("abfss://", "it names no container")]
    [InlineData("abfss://acct.dfs.core.windows.net/x", "it names no container (abfss://CONTAINER@acct.dfs.core.windows.net/…)")]
    [InlineData("abfss://@acct.dfs.core.windows.net/x", "it names no container")]
    [InlineData("abfss://c/x", "it names no account")]
    [InlineData("abfss://c@acct.dfs.core.windows.net/", "it names no blob")]
    [InlineData("https://acct.blob.core.windows.net/", "it names no container")]
    [InlineData("https://acct.blob.core.windows.net", "it names no container")]
    [InlineData("https://acct.blob.core.windows.net/c", "it names no blob")]
    [InlineData("http://acct.blob.core.windows.net/c/x", "it is not https")]
    [InlineData("abfss://c@acct.dfs.core.windows.net.evil.example/x", "is no host of Azure Storage, and credentials go to no other")]
    [InlineData("abfss://c@acct.dfs.evil.example/x", "is no host of Azure Storage")]
    [InlineData("https://acct.blob.core.windows.net@evil.example/c/x", "is no host of Azure Storage")]
    [InlineData("https://acct.blob.core.windows.net:444/c/x", "is no host of Azure Storage")]
    [InlineData("https://127.0.0.1/c/x", "is no host of Azure Storage")]
    [InlineData("abfss://c@acct.dfs.core.windows.net/a/", "does not keep the '/' at the end")]
    [InlineData("abfss://c@acct.dfs.core.windows.net/a.", "does not keep the '.' at the end")]
    [InlineData("abfss://c@acct.dfs.core.windows.net/a/../b", "a part of a name cannot be '.' or '..'")]
    [InlineData("abfss://c@acct.dfs.core.windows.net/a\\b", "its name has a backslash or a control character")]
    [InlineData("abfss://c@acct.dfs.core.windows.net/a\u0001b", "its name has a backslash or a control character")]
    [InlineData("abfss://c@acct.dfs.core.windows.net/./b", "a part of a name cannot be '.' or '..'")]
    public void What_names_no_blob_that_can_be_reached_is_refused(string location, string reason)
    {
        var failure = Assert.Throws<StoreException>(() => new AzureLocations(null, null).Blob(location));

        Assert.Equal((StoreFailureKind.Refused, location), (failure.Kind, failure.Location));
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_account_that_the_settings_are_not_for_is_refused()
    {
        var failure = Assert.Throws<StoreException>(() => new AzureLocations(new Uri("http://127.0.0.1:10000/devstoreaccount1"), null).Blob("abfss://c@acct.dfs.core.windows.net/x"));

        Assert.Contains("the catalog's settings are for the account 'devstoreaccount1', not 'acct'", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://acct.blob.core.windows.net/c/x?sv=2023-11-03&sr=c&sig=planted%2Bsignature")]
    [InlineData("abfss://c@acct.dfs.core.windows.net/x?sig=planted%2Bsignature&sv=2023-11-03")]
    public void A_token_in_a_location_is_refused_and_not_shown(string location)
    {
        var failure = Assert.Throws<StoreException>(() => new AzureLocations(null, null).Blob(location));

        Assert.Contains("a SAS token follows it", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("planted", failure.ToString() + failure.Location, StringComparison.Ordinal);
    }
}
