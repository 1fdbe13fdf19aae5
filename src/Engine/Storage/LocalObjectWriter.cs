using Microsoft.Win32.SafeHandles;

namespace Matih.Storage;

/// <summary>Writes one local file under a temporary name; completing gives it its own.</summary>
/// <remarks>
/// Several are completed with two calls that write a whole file system to disk, where one by one each would take an fsync for
/// the file and one for its folder. Errors of earlier writes are reported to whoever opened a file before them, so that the
/// writer that was opened first makes these calls.
/// </remarks>
internal sealed class LocalObjectWriter : IObjectWriter
{
    /// <summary>From so many on, writing everything to disk costs less than one file after the other.</summary>
    private const int TogetherMin = 8;

    private static long _openedCount;

    private readonly long _number = Interlocked.Increment(ref _openedCount);
    private readonly LocalDisk _disk;
    private readonly string _location;
    private readonly string _path;
    private readonly string _temporary;
    private SafeFileHandle? _file;

    private LocalObjectWriter(LocalDisk disk, string location, string path, string temporary, SafeFileHandle file) =>
        (_disk, _location, _path, _temporary, _file) = (disk, location, path, temporary, file);

    public static LocalObjectWriter Open(LocalDisk disk, string location, Guid uuid)
    {
        var path = LocalPath.Of(location);
        var folder = Path.GetDirectoryName(path) ?? throw new ArgumentException($"'{location}' names no file.", nameof(location));
        // Names in a folder end at 255 bytes, so the temporary one does not repeat all of a long name.
        var name = Path.GetFileName(path);
        var temporary = Path.Combine(folder, $".{(name.Length > 100 ? name[..100] : name)}.{uuid:N}.tmp");
        try
        {
            return new(disk, location, path, temporary, Create(disk, temporary, folder));
        }
        catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
        {
            throw StoreFault.Of("write", location, exception);
        }
    }

    /// <summary>Mostly the folder exists, so that nobody asks first.</summary>
    private static SafeFileHandle Create(LocalDisk disk, string path, string folder)
    {
        try
        {
            return disk.Create(path);
        }
        // Which of the two comes depends on whether another writer has created the folder meanwhile.
        catch (Exception exception) when (exception is DirectoryNotFoundException or FileNotFoundException)
        {
            disk.CreateFolder(folder);
            return disk.Create(path);
        }
    }

    /// <summary>Makes the folders of new files.</summary>
    public static void Prepare(LocalDisk disk, IReadOnlyList<string> locations)
    {
        var missing = new HashSet<string>(StringComparer.Ordinal);
        foreach (var location in locations)
        {
            var folder = Path.GetDirectoryName(LocalPath.Of(location))!;
            if (!Directory.Exists(folder)) missing.Add(folder);
        }
        if (missing.Count < TogetherMin) return;
        var roots = missing.Select(folder => Path.GetDirectoryName(folder)!).Distinct().Select(Root).Distinct().ToList();
        if (!AreFlushedTogether(disk, roots)) return;
        try
        {
            using var handle = disk.OpenFolder(roots[0]);
            foreach (var folder in missing) Directory.CreateDirectory(folder);
            disk.FlushFileSystem(handle);
        }
        catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
        {
            throw StoreFault.Of("create folders for", locations[0], exception);
        }
    }

    private static bool AreFlushedTogether(LocalDisk disk, IEnumerable<string> paths) => paths.Select(disk.FlushableFileSystem).Distinct().ToList() is [not null];

    /// <summary>The nearest folder above that exists.</summary>
    private static string Root(string folder)
    {
        while (!Directory.Exists(folder)) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    /// <summary>Completes all, or as many as it can before one fails.</summary>
    public static void Complete(LocalDisk disk, IReadOnlyList<LocalObjectWriter> writers)
    {
        if (writers.Count < TogetherMin || !AreFlushedTogether(disk, writers.Select(writer => writer._temporary)))
        {
            foreach (var writer in writers) writer.Finish(isReplacing: true);
            return;
        }
        foreach (var writer in writers) ObjectDisposedException.ThrowIf(writer._file is null, writer);
        var first = writers.MinBy(writer => writer._number)!;
        try
        {
            disk.FlushFileSystem(first._file!);
            foreach (var writer in writers) disk.Replace(writer._temporary, writer._path);
            disk.FlushFileSystem(first._file!);
            foreach (var writer in writers)
            {
                writer._file!.Dispose();
                writer._file = null;
            }
        }
        catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
        {
            foreach (var writer in writers) writer.Abandon();
            throw StoreFault.Of("write", first._location, exception);
        }
    }

    public long PositionBytes { get; private set; }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_file is null, this);
        try
        {
            RandomAccess.Write(_file, bytes.Span, PositionBytes);
            PositionBytes += bytes.Length;
            return default;
        }
        catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
        {
            Abandon();
            throw StoreFault.Of("write", _location, exception);
        }
    }

    public ValueTask CompleteAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Finish(isReplacing: true);
        return default;
    }

    /// <summary>Completes unless the name exists; then false, and nothing is left behind.</summary>
    public bool TryComplete() => Finish(isReplacing: false);

    private bool Finish(bool isReplacing)
    {
        ObjectDisposedException.ThrowIf(_file is null, this);
        try
        {
            _disk.FlushFile(_file, _temporary);
            _file.Dispose();
            _file = null;
            var isNamed = true;
            if (isReplacing) _disk.Replace(_temporary, _path);
            else isNamed = _disk.TryLink(_temporary, _path);
            if (!isReplacing && File.Exists(_temporary)) File.Delete(_temporary);
            _disk.FlushFolder(Path.GetDirectoryName(_path)!);
            return isNamed;
        }
        catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
        {
            Abandon();
            throw StoreFault.Of("write", _location, exception);
        }
    }

    public ValueTask DisposeAsync()
    {
        if (_file is not null) Abandon();
        return default;
    }

    private void Abandon()
    {
        try
        {
            _file?.Dispose();
            File.Delete(_temporary);
        }
        catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
        {
            // The first failure is the one to report; what is left is found by the clean-up of orphan files.
        }
        _file = null;
    }
}
