using System.Runtime.CompilerServices;

namespace Matih.Storage;

/// <summary>
/// The local disk. Objects appear whole and durable: written under a temporary name beside, fsynced, then linked or
/// renamed, then the folder fsynced. Calls do their work on the caller's thread. Thread-safe, also across processes.
/// </summary>
/// <remarks>
/// A process killed in the middle leaves a file named <c>.NAME.UUID.tmp</c>; <see cref="ListAsync"/> shows it, so that the
/// clean-up of orphan files finds it. Every other failure removes it.
/// </remarks>
public sealed class LocalStore(IIdSource ids) : IStore
{
    public ValueTask<IObjectWriter> CreateAsync(string location, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(LocalObjectWriter.Open(location, ids.NewUuid()));
    }

    public ValueTask PrepareAsync(IReadOnlyList<string> locations, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        LocalObjectWriter.Prepare(locations);
        return default;
    }

    public ValueTask CompleteAsync(IReadOnlyList<IObjectWriter> writers, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        LocalObjectWriter.Complete([.. writers.Cast<LocalObjectWriter>()]);
        return default;
    }

    public async ValueTask<bool> PutIfAbsentAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await using var writer = LocalObjectWriter.Open(location, ids.NewUuid());
        await writer.WriteAsync(content, cancellationToken);
        return writer.TryComplete();
    }

    public async ValueTask PutAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await using var writer = LocalObjectWriter.Open(location, ids.NewUuid());
        await writer.WriteAsync(content, cancellationToken);
        await writer.CompleteAsync(cancellationToken);
    }

    public ValueTask<byte[]?> ReadAsync(string location, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = LocalPath.Of(location);
        try
        {
            return new(File.ReadAllBytes(path));
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return new((byte[]?)null);
        }
        catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
        {
            throw StoreFault.Of("read", location, exception);
        }
    }

    public ValueTask<byte[]> ReadRangeAsync(string location, long offset, int count, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var path = LocalPath.Of(location);
        try
        {
            using var handle = File.OpenHandle(path);
            var bytes = new byte[count];
            var filled = 0;
            while (filled < count)
            {
                var read = RandomAccess.Read(handle, bytes.AsSpan(filled), offset + filled);
                if (read == 0)
                {
                    throw new EndOfStreamException(
                        $"{location} has {Quantity.Of(RandomAccess.GetLength(handle), "byte")}; bytes {offset} to {offset + count} were asked for.");
                }
                filled += read;
            }
            return new(bytes);
        }
        catch (DirectoryNotFoundException exception)
        {
            throw new FileNotFoundException($"There is no {location}.", location, exception);
        }
        catch (Exception exception) when (StoreFault.IsEnvironmental(exception) && exception is not (FileNotFoundException or EndOfStreamException))
        {
            throw StoreFault.Of("read", location, exception);
        }
    }

    public ValueTask<long?> LengthAsync(string location, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var file = new FileInfo(LocalPath.Of(location));
        return new(file.Exists ? file.Length : null);
    }

    /// <summary>Locations are spelled as the folder is: the folder's text, a slash, and the rest of the path.</summary>
    public async IAsyncEnumerable<StoredObject> ListAsync(string folder, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await ValueTask.CompletedTask;
        var root = new DirectoryInfo(LocalPath.Of(folder).TrimEnd('/'));
        if (!root.Exists) yield break;
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0, IgnoreInaccessible = false };
        var prefix = folder.TrimEnd('/');
        foreach (var file in Files(root, options, folder))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return new(prefix + file.FullName[root.FullName.Length..], file.Length, file.LastWriteTimeUtc);
        }
    }

    public ValueTask DeleteAsync(string location, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = LocalPath.Of(location);
        try
        {
            if (!File.Exists(path)) return default;
            File.Delete(path);
            DurableFile.FlushFolder(Path.GetDirectoryName(path)!);
        }
        catch (DirectoryNotFoundException)
        {
            // Somebody removed the whole folder meanwhile: the object is gone, which is what was asked for.
        }
        catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
        {
            throw StoreFault.Of("delete", location, exception);
        }
        return default;
    }

    private static IEnumerable<FileInfo> Files(DirectoryInfo root, EnumerationOptions options, string folder)
    {
        var files = root.EnumerateFiles("*", options).GetEnumerator();
        using (files)
        {
            while (true)
            {
                FileInfo file;
                try
                {
                    if (!files.MoveNext()) yield break;
                    file = files.Current;
                    // A file that vanished since the folder was read is not listed; reading its length finds out.
                    if (!file.Exists) continue;
                }
                catch (DirectoryNotFoundException)
                {
                    yield break;
                }
                catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
                {
                    throw StoreFault.Of("list", folder, exception);
                }
                yield return file;
            }
        }
    }
}
