namespace Matih.Storage;

/// <summary>Writes one local file under a temporary name; completing gives it its own.</summary>
internal sealed class LocalObjectWriter : IObjectWriter
{
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
