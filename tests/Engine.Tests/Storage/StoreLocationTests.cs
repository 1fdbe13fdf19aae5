using Matih.Storage;

namespace Matih.Engine.Tests.Storage;

public sealed class StoreLocationTests
{
    [Theory]
    [InlineData("/a/b", "/a/b")]
    [InlineData("file:/a/b", "/a/b")]
    [InlineData("file:///a/../b", "/b")]
    [InlineData("s3a://bucket/a%20b/c", "s3://bucket/a%20b/c")]
    [InlineData("S3N://bucket/x", "s3://bucket/x")]
    [InlineData("abfs://c@acc.dfs.core.windows.net/x", "abfss://c@acc.dfs.core.windows.net/x")]
    [InlineData("wasbs://c@acc.blob.core.windows.net/x/y", "abfss://c@acc.dfs.core.windows.net/x/y")]
    [InlineData("https://acc.blob.core.windows.net/c/x/y", "abfss://c@acc.dfs.core.windows.net/x/y")]
    [InlineData("https://acc.dfs.core.windows.net/c/x", "abfss://c@acc.dfs.core.windows.net/x")]
    [InlineData("abfss://c@ACC.DFS.core.Windows.net/X", "abfss://c@acc.dfs.core.windows.net/X")]
    [InlineData("HTTPS://Acc.Blob.Core.Windows.Net/c/X", "abfss://c@acc.dfs.core.windows.net/X")]
    [InlineData("http://127.0.0.1:10000/devstoreaccount1/c/x/y", "abfss://c@devstoreaccount1.dfs.core.windows.net/x/y")]
    [InlineData("http://localhost:10000/devstoreaccount1/c/x", "abfss://c@devstoreaccount1.dfs.core.windows.net/x")]
    [InlineData("http://127.0.0.1:10000/devstoreaccount1", "http://127.0.0.1:10000/devstoreaccount1")]
    [InlineData("https://example.com/c/x", "https://example.com/c/x")]
    [InlineData("gs://bucket/x", "gs://bucket/x")]
    public void One_place_has_one_plain_spelling(string location, string plain) => Assert.Equal(plain, StoreLocation.Plain(location));

    [Theory]
    [InlineData("/a", StoreKind.Local)]
    [InlineData("relative", StoreKind.Local)]
    [InlineData("file:/a", StoreKind.Local)]
    [InlineData("s3a://b/k", StoreKind.S3)]
    [InlineData("wasb://c@a.blob.core.windows.net/k", StoreKind.Azure)]
    [InlineData("https://a.blob.core.windows.net/c/k", StoreKind.Azure)]
    [InlineData("https://A.BLOB.core.windows.net/c/k", StoreKind.Azure)]
    [InlineData("http://127.0.0.1:10000/devstoreaccount1/c/k", StoreKind.Azure)]
    [InlineData("http://[::1]:10000/devstoreaccount1/c/k", StoreKind.Azure)]
    [InlineData("http://a.blob.core.windows.net/c/k", StoreKind.Unknown)]
    [InlineData("https://example.com/k", StoreKind.Unknown)]
    [InlineData("hdfs://n/k", StoreKind.Unknown)]
    internal void The_scheme_says_which_store_it_is(string location, StoreKind kind) => Assert.Equal(kind, StoreLocation.KindOf(location));

    [Theory]
    [InlineData("s3://bucket/folder", null)]
    [InlineData("s3:///folder", "expected a bucket's name after the scheme: s3://bucket/folder")]
    [InlineData("abfss://container@acc.dfs.core.windows.net/folder", null)]
    [InlineData("http://127.0.0.1:10000/devstoreaccount1/container/folder", null)]
    // PyIceberg takes it where its settings name the account; Hadoop has no such form, and Iceberg's Java library takes the container for a host.
    [InlineData("abfss://container/folder", "expected a container and its account, without which other engines do not find the table: abfss://container@account.dfs.core.windows.net/folder")]
    [InlineData("gs://bucket/folder", "expected a directory, a file: address, s3://bucket/folder, or abfss://container@account.dfs.core.windows.net/folder")]
    public void What_is_wrong_with_a_folder_says_which_form_is_expected(string location, string? fault) => Assert.Equal(fault, StoreLocation.FaultOf(location));
}
