using System.Text;
using Matih.Storage;
using Microsoft.Win32.SafeHandles;

namespace Matih.Engine.Tests.Storage;

/// <summary>What a power cut leaves of the files of a <see cref="LocalStore"/>: no more than what was flushed, and no less.</summary>
public sealed class PowerCutTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly TemporaryFolder _folder = new();
    private readonly ForgetfulDisk _disk;
    private readonly LocalStore _store;

    public PowerCutTests()
    {
        _disk = new ForgetfulDisk(_folder.Path);
        _store = new LocalStore(new SeededIdSource(3), _disk);
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, true)]
    [InlineData(40, true)]
    [InlineData(40, false)]
    public async Task Every_completed_object_survives_a_power_cut(int count, bool isFlushedTogether)
    {
        _disk.CanFlushAll = isFlushedTogether;
        var locations = Locations(count);
        await _store.PrepareAsync(locations, None);

        await _store.CompleteAsync(await WriteAsync(locations), None);

        Assert.All(locations, location => Assert.Equal(location, Encoding.UTF8.GetString(_disk.AfterPowerCut(location, keepsNames: false)!)));
        Assert.Equal(isFlushedTogether && count > 1, _disk.FlushAllCount > 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    public async Task Whenever_the_power_is_cut_an_object_is_there_whole_or_not_at_all(int count)
    {
        var locations = Locations(count);
        await _store.PrepareAsync(locations, None);
        var writers = await WriteAsync(locations);
        var looks = 0;
        _disk.AfterStep = () =>
        {
            looks++;
            // The disk may have written names that nobody asked it to flush yet, or not.
            foreach (var location in locations)
                foreach (var content in new[] { _disk.AfterPowerCut(location, keepsNames: true), _disk.AfterPowerCut(location, keepsNames: false) })
                    if (content is not null) Assert.Equal(location, Encoding.UTF8.GetString(content));
        };

        await _store.CompleteAsync(writers, None);

        Assert.True(looks > count);
    }

    [Fact]
    public async Task Where_the_disk_did_not_take_all_nothing_is_completed_and_the_failure_is_told()
    {
        var locations = Locations(40);
        await _store.PrepareAsync(locations, None);
        var writers = await WriteAsync(locations);
        _disk.FailsToFlushAll = true;

        var failure = await Assert.ThrowsAsync<StoreException>(async () => await _store.CompleteAsync(writers, None));

        Assert.Contains("Could not write", failure.Message, StringComparison.Ordinal);
        Assert.All(locations, location => Assert.False(File.Exists(location)));
        Assert.Empty(Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Failures_of_earlier_writes_are_asked_for_by_the_file_that_was_opened_first()
    {
        var locations = Locations(40);
        await _store.PrepareAsync(locations, None);
        var writers = await WriteAsync(locations);
        var first = _disk.Created[0];

        await _store.CompleteAsync([.. Enumerable.Reverse(writers)], None);

        Assert.All(_disk.FlushedAllBy.TakeLast(2), file => Assert.Same(first, file));
    }

    private string[] Locations(int count) => [.. Enumerable.Range(0, count).Select(i => _folder.Child($"table/p={i}/x"))];

    private async Task<IReadOnlyList<IObjectWriter>> WriteAsync(IEnumerable<string> locations)
    {
        var writers = new List<IObjectWriter>();
        foreach (var location in locations)
        {
            var writer = await _store.CreateAsync(location, None);
            await writer.WriteAsync(Encoding.UTF8.GetBytes(location), None);
            writers.Add(writer);
        }
        return writers;
    }

    /// <summary>
    /// The disk of this machine, and beside it what of that is durable: content up to the last flush of its file, names up to the
    /// last flush of their folder.
    /// </summary>
    /// <param name="root">A folder that is durable.</param>
    private sealed class ForgetfulDisk(string root) : LocalDisk
    {
        private const ulong FileSystem = 7;

        /// <summary>By each name that was given, the file that it leads to.</summary>
        private readonly Dictionary<string, OneFile> _names = new(StringComparer.Ordinal);

        private readonly Dictionary<string, OneFile> _durableNames = new(StringComparer.Ordinal);
        private readonly HashSet<string> _durableFolders = new(StringComparer.Ordinal);

        private sealed class OneFile(string createdAs)
        {
            public string Path { get; set; } = createdAs;

            public byte[] Durable { get; set; } = [];
        }

        public bool CanFlushAll { get; set; } = true;

        public bool FailsToFlushAll { get; set; }

        public int FlushAllCount => FlushedAllBy.Count;

        public List<SafeFileHandle> Created { get; } = [];

        public List<SafeFileHandle> FlushedAllBy { get; } = [];

        /// <summary>Called after each step.</summary>
        public Action? AfterStep { get; set; }

        /// <summary>What would be there under the name; null for nothing.</summary>
        /// <param name="keepsNames">Whether names survive that were not flushed.</param>
        public byte[]? AfterPowerCut(string path, bool keepsNames)
        {
            for (var folder = Path.GetDirectoryName(path)!; !keepsNames && folder != root; folder = Path.GetDirectoryName(folder)!)
                if (!_durableFolders.Contains(folder)) return null;
            return (keepsNames ? _names : _durableNames).GetValueOrDefault(path)?.Durable;
        }

        public override SafeFileHandle Create(string path)
        {
            // Without the lock of the real one, so that this class can read what was written.
            var handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            Created.Add(handle);
            _names[path] = new OneFile(path);
            return handle;
        }

        public override void FlushFile(SafeFileHandle file, string path)
        {
            base.FlushFile(file, path);
            Keep(_names[path]);
            AfterStep?.Invoke();
        }

        public override void Replace(string existing, string name)
        {
            base.Replace(existing, name);
            Rename(existing, name);
            AfterStep?.Invoke();
        }

        private void Rename(string existing, string name)
        {
            _names.Remove(existing, out var file);
            file!.Path = name;
            _names[name] = file;
        }

        public override void FlushFolder(string folder)
        {
            base.FlushFolder(folder);
            KeepNames(folder);
            AfterStep?.Invoke();
        }

        public override ulong? FlushableFileSystem(string path) => CanFlushAll ? FileSystem : null;

        public override void FlushFileSystem(SafeFileHandle file)
        {
            FlushedAllBy.Add(file);
            if (FailsToFlushAll) throw new IOException("Input/output error");
            foreach (var known in _names.Values) Keep(known);
            KeepNames(root);
            foreach (var folder in Directory.GetDirectories(root, "*", SearchOption.AllDirectories)) KeepNames(folder);
            AfterStep?.Invoke();
        }

        private static void Keep(OneFile file) => file.Durable = ReadOpen(file.Path);

        private void KeepNames(string folder)
        {
            _durableFolders.UnionWith(Directory.GetDirectories(folder));
            foreach (var gone in _durableNames.Keys.Where(name => Path.GetDirectoryName(name) == folder && !_names.ContainsKey(name)).ToList()) _durableNames.Remove(gone);
            foreach (var (name, file) in _names)
                if (Path.GetDirectoryName(name) == folder) _durableNames[name] = file;
        }

        private static byte[] ReadOpen(string path)
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
    }
}
