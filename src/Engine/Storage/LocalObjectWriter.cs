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
    private readonly string _location;
    private readonly string _path;
    private readonly string _temporary;
    private FileStream? _stream;

    private LocalObjectWriter(string location, string path, string temporary, FileStream stream) =>
        (_location, _path, _temporary, _stream) = (location, path, temporary, stream);

    public static LocalObjectWriter Open(string location, Guid uuid)
    {
        var path = LocalPath.Of(location);
        var folder = Path.GetDirectoryName(path) ?? throw new ArgumentException($"'{location}' names no file.", nameof(location));
        // Names in a folder end at 255 bytes, so the temporary one does not repeat all of a long name.
        var name = Path.GetFileName(path);
        var temporary = Path.Combine(folder, $".{(name.Length > 100 ? name[..100] : name)}.{uuid:N}.tmp");
        try
        {
            DurableFile.CreateFolder(folder);
            return new(location, path, temporary, new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0));
        }
        catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
        {
            throw StoreFault.Of("write", location, exception);
        }
    }

    /// <summary>Makes the folders of new files.</summary>
    public static void Prepare(IReadOnlyList<string> locations)
    {
        var missing = locations.Select(location => Path.GetDirectoryName(LocalPath.Of(location))!).Where(folder => !Directory.Exists(folder)).Distinct().ToList();
        if (missing.Count < TogetherMin) return;
        var roots = missing.Select(Root).Distinct().ToList();
        if (!AreFlushedTogether(roots)) return;
        try
        {
            using var handle = DurableFile.OpenFolder(roots[0]);
            foreach (var folder in missing) Directory.CreateDirectory(folder);
            DurableFile.FlushFileSystem(handle);
        }
        catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
        {
            throw StoreFault.Of("create folders for", locations[0], exception);
        }
    }

    private static bool AreFlushedTogether(IEnumerable<string> paths) => paths.Select(DurableFile.FlushableFileSystem).Distinct().ToList() is [not null];

    /// <summary>The nearest folder above that exists.</summary>
    private static string Root(string folder)
    {
        while (!Directory.Exists(folder)) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    /// <summary>Completes all, or as many as it can before one fails.</summary>
    public static void Complete(IReadOnlyList<LocalObjectWriter> writers)
    {
        if (writers.Count < TogetherMin || !AreFlushedTogether(writers.Select(writer => writer._temporary)))
        {
            foreach (var writer in writers) writer.Finish(isReplacing: true);
            return;
        }
        foreach (var writer in writers) ObjectDisposedException.ThrowIf(writer._stream is null, writer);
        var first = writers.MinBy(writer => writer._number)!;
        try
        {
            DurableFile.FlushFileSystem(first._stream!.SafeFileHandle);
            foreach (var writer in writers) File.Move(writer._temporary, writer._path, overwrite: true);
            DurableFile.FlushFileSystem(first._stream!.SafeFileHandle);
            foreach (var writer in writers)
            {
                writer._stream!.Dispose();
                writer._stream = null;
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
        ObjectDisposedException.ThrowIf(_stream is null, this);
        try
        {
            _stream.Write(bytes.Span);
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
        ObjectDisposedException.ThrowIf(_stream is null, this);
        try
        {
            _stream.Flush(flushToDisk: true);
            _stream.Dispose();
            _stream = null;
            var isNamed = true;
            if (isReplacing) File.Move(_temporary, _path, overwrite: true);
            else isNamed = DurableFile.TryLink(_temporary, _path);
            if (File.Exists(_temporary)) File.Delete(_temporary);
            DurableFile.FlushFolder(Path.GetDirectoryName(_path)!);
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
        if (_stream is not null) Abandon();
        return default;
    }

    private void Abandon()
    {
        try
        {
            _stream?.Dispose();
            File.Delete(_temporary);
        }
        catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
        {
            // The first failure is the one to report; what is left is found by the clean-up of orphan files.
        }
        _stream = null;
    }
}
