using Matih.Delivery;
using Matih.Engine.Tests.Flink;
using Matih.Hosting.Flink;

namespace Matih.Engine.Tests.Hosting.Flink;

public sealed class SavepointFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("savepoint").FullName;
    private readonly SavepointFolder _savepoints = new([]);

    [Theory]
    [InlineData("savepoint-1", "/here/savepoint-1")]
    [InlineData("../s/savepoint-1/", "/s/savepoint-1/")]
    [InlineData("/s/savepoint-1", "/s/savepoint-1")]
    [InlineData("/s/a b/_metadata", "/s/a b")]
    [InlineData("file:/s/savepoint-1", "file:/s/savepoint-1")]
    [InlineData("s3://b/chk-7/_metadata", "s3://b/chk-7")]
    public void A_place_is_named_as_the_cluster_finds_it(string place, string expected) =>
        Assert.Equal(expected, SavepointFolder.Locate(place, "/here"));

    [Fact]
    public async Task What_is_no_savepoint_is_refused_as_such()
    {
        var file = Path.Combine(_folder, "hostname");
        await File.WriteAllTextAsync(file, "me");
        var empty = Directory.CreateDirectory(Path.Combine(_folder, "empty")).FullName;
        var other = Directory.CreateDirectory(Path.Combine(_folder, "other")).FullName;
        await File.WriteAllTextAsync(Path.Combine(other, "_metadata"), "text");

        foreach (var (place, why) in new[]
        {
            (file, "it is a file, not a folder"),
            (empty, "the folder has no file _metadata, which Flink writes last"),
            (other, "its file _metadata does not begin as Flink's do"),
            ($"file:{other}", "its file _metadata does not begin as Flink's do"),
            ($"file://{empty}", "the folder has no file _metadata, which Flink writes last"),
        })
        {
            var looked = await Assert.ThrowsAsync<PipelineException>(() => _savepoints.LookAsync(place, default));
            var read = await Assert.ThrowsAsync<PipelineException>(() => _savepoints.ReadAsync(place, default));

            Assert.Equal(($"{place} is no savepoint or checkpoint: {why}.", ExitCode.Refused), (looked.Message, looked.ExitCode));
            Assert.Equal(looked.Message, read.Message);
        }
    }

    [Fact]
    public async Task A_savepoint_of_any_kind_of_job_is_one_and_what_this_machine_cannot_see_may_be_one()
    {
        await File.WriteAllBytesAsync(Path.Combine(_folder, "_metadata"), SavepointBytes.Of(1, SavepointBytes.Source(SavepointBytes.State("SourceReaderState", []), hasKeys: true), SavepointBytes.Committer()));

        Assert.True(await _savepoints.LookAsync(_folder, default));
        Assert.False(await _savepoints.LookAsync(Path.Combine(_folder, "nowhere"), default));
        Assert.False(await _savepoints.LookAsync("hdfs://cluster/savepoint-1", default));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
