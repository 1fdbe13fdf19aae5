using System.Text;
using Matih.Storage;

namespace Matih.Engine.Tests.Storage;

public sealed class LocalStoreTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly TemporaryFolder _folder = new();
    private readonly LocalStore _store = new(new SeededIdSource(2));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("file:")]
    [InlineData("file://")]
    [InlineData("file://localhost")]
    public async Task All_spellings_of_a_location_are_one_place(string prefix)
    {
        await _store.PutAsync(prefix + _folder.Child("a/b%20c/x"), "1"u8.ToArray(), None);

        Assert.Equal("1", File.ReadAllText(_folder.Child("a/b%20c/x")));
        Assert.Equal("1"u8.ToArray(), await _store.ReadAsync(prefix + _folder.Child("a/b%20c/x"), None));
        Assert.Equal(prefix + _folder.Child("a/b%20c/x"), Assert.Single(await ListAsync(prefix + _folder.Child("a/"))).Location);
    }

    [Theory]
    [InlineData("relative/x")]
    [InlineData("s3://bucket/x")]
    [InlineData("file://host.example/x")]
    [InlineData("/a\0b")]
    public async Task Other_places_are_refused(string location) =>
        await Assert.ThrowsAsync<StoreException>(async () => await _store.ReadAsync(location, None));

    [Fact]
    public async Task An_object_exists_only_once_it_is_complete()
    {
        await using (var writer = await _store.CreateAsync(_folder.Child("x"), None))
        {
            await writer.WriteAsync("half"u8.ToArray(), None);
            Assert.Null(await _store.ReadAsync(_folder.Child("x"), None));
            await writer.WriteAsync("whole"u8.ToArray(), None);
            Assert.Equal(9, writer.PositionBytes);
            await writer.CompleteAsync(None);
        }

        Assert.Equal("halfwhole", File.ReadAllText(_folder.Child("x")));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(40)]
    public async Task Objects_that_are_completed_together_exist_afterwards_and_not_before(int count)
    {
        string[] locations = [.. Enumerable.Range(0, count).Select(i => _folder.Child($"deep/p={i}/x"))];
        await _store.PrepareAsync(locations, None);
        var writers = new List<IObjectWriter>();
        foreach (var location in locations)
        {
            var writer = await _store.CreateAsync(location, None);
            await writer.WriteAsync(Encoding.UTF8.GetBytes(location), None);
            writers.Add(writer);
        }
        Assert.All(locations, location => Assert.False(File.Exists(location)));

        writers.Reverse();
        await _store.CompleteAsync(writers, None);

        Assert.All(locations, location => Assert.Equal(location, File.ReadAllText(location)));
        Assert.Equal(count, Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories).Length);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await _store.CompleteAsync(writers, None));
    }

    [Fact]
    public async Task A_folder_that_another_writer_makes_at_the_same_moment_is_used()
    {
        var store = new LocalStore(new SeededIdSource(4), new DiskOfTwo());

        await store.PutAsync(_folder.Child("new/x"), "1"u8.ToArray(), None);

        Assert.Equal("1", File.ReadAllText(_folder.Child("new/x")));
    }

    /// <summary>The folder is missing, another writer makes it, and only then the runtime looks why the file could not be opened.</summary>
    private sealed class DiskOfTwo : LocalDisk
    {
        public override Microsoft.Win32.SafeHandles.SafeFileHandle Create(string path)
        {
            var folder = Path.GetDirectoryName(path)!;
            if (Directory.Exists(folder)) return base.Create(path);
            Directory.CreateDirectory(folder);
            throw new FileNotFoundException($"Could not find file '{path}'.", path);
        }
    }

    [Fact]
    public async Task A_writer_that_is_given_up_leaves_nothing()
    {
        await using (var writer = await _store.CreateAsync(_folder.Child("x"), None)) await writer.WriteAsync(new byte[10], None);

        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task Of_many_callers_exactly_one_puts_an_absent_object()
    {
        const int CallerCount = 16;
        for (var round = 0; round < 20; round++)
        {
            var location = _folder.Child($"new/{round}");
            using var start = new Barrier(CallerCount);
            var results = await Task.WhenAll(Enumerable.Range(0, CallerCount).Select(caller => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait();
                    return (Caller: caller, IsPut: _store.PutIfAbsentAsync(location, Encoding.UTF8.GetBytes($"{caller}"), None).AsTask().Result);
                },
                TaskCreationOptions.LongRunning)));

            var winner = Assert.Single(results, result => result.IsPut);
            Assert.Equal($"{winner.Caller}", File.ReadAllText(location));
        }
        Assert.Equal(20, Directory.GetFiles(_folder.Child("new")).Length);
    }

    [Fact]
    public async Task A_place_that_cannot_be_written_is_told_with_the_object_and_leaves_nothing()
    {
        File.WriteAllText(_folder.Child("file"), "in the way");

        var exception = await Assert.ThrowsAnyAsync<IOException>(async () => await _store.PutAsync(_folder.Child("file/x"), new byte[1], None));

        Assert.StartsWith($"Could not write {_folder.Child("file/x")}: ", exception.Message);
        Assert.Single(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task A_name_that_is_taken_by_a_folder_is_told_and_leaves_nothing()
    {
        Directory.CreateDirectory(_folder.Child("x"));

        await Assert.ThrowsAnyAsync<IOException>(async () => await _store.PutAsync(_folder.Child("x"), new byte[1], None));

        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Theory]
    [InlineData(24, "Raise the number of files that the process may have open")]
    [InlineData(30, "The disk is mounted read-only")]
    [InlineData(36, "The name is too long for this file system")]
    [InlineData(5, "Check the disk and the path")]
    public void A_failure_of_the_disk_says_what_to_do(int errno, string remedy)
    {
        var exception = StoreFault.Of("write", "/data/x", new IOException("It failed", errno));

        Assert.StartsWith($"Could not write /data/x: It failed. {remedy}", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_disk_is_told_with_the_way_out()
    {
        if (!File.Exists("/dev/full")) Assert.Skip("needs /dev/full, a device that is always full");
        using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);

        var exception = StoreFault.Of("write", "/data/x", Assert.ThrowsAny<IOException>(() => full.Write([1])));

        Assert.StartsWith("Could not write /data/x: ", exception.Message);
        Assert.EndsWith("Free space on that disk (or raise the quota), then run again; nothing was left behind.", exception.Message);
    }

    private async Task<List<StoredObject>> ListAsync(string folder)
    {
        var items = new List<StoredObject>();
        await foreach (var item in _store.ListAsync(folder, None)) items.Add(item);
        return items;
    }
}
