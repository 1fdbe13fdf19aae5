using System.Buffers;
using System.IO.Enumeration;
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
public sealed class LocalStore : IStore
{
    private static readonly EnumerationOptions Options = new() { RecurseSubdirectories = true, AttributesToSkip = 0, IgnoreInaccessible = false };

    private readonly IIdSource _ids;
    private readonly LocalDisk _disk;

    public LocalStore(IIdSource ids) : this(ids, LocalDisk.Real) { }

    internal LocalStore(IIdSource ids, LocalDisk disk) => (_ids, _disk) = (ids, disk);

    public ValueTask<IObjectWriter> CreateAsync(string location, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(LocalObjectWriter.Open(_disk, location, _ids.NewUuid()));
    }

    public ValueTask PrepareAsync(IReadOnlyList<string> locations, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        LocalObjectWriter.Prepare(_disk, locations);
        return default;
    }

    public ValueTask CompleteAsync(IReadOnlyList<IObjectWriter> writers, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        LocalObjectWriter.Complete(_disk, [.. writers.Cast<LocalObjectWriter>()]);
        return default;
    }

    public ValueTask<bool> PutIfAbsentAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        PutIfAbsentAsync(location, new ReadOnlySequence<byte>(content), cancellationToken);

    public async ValueTask<bool> PutIfAbsentAsync(string location, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        await using var writer = await WriteAsync(location, content, cancellationToken);
        return writer.TryComplete();
    }

    public ValueTask PutAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        PutAsync(location, new ReadOnlySequence<byte>(content), cancellationToken);

    public async ValueTask PutAsync(string location, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        await using var writer = await WriteAsync(location, content, cancellationToken);
        await writer.CompleteAsync(cancellationToken);
    }

    private async ValueTask<LocalObjectWriter> WriteAsync(string location, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var writer = LocalObjectWriter.Open(_disk, location, _ids.NewUuid());
        try
        {
            foreach (var piece in content) await writer.WriteAsync(piece, cancellationToken);
            return writer;
        }
        catch
        {
            await writer.DisposeAsync();
            throw;
        }
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
                if (read == 0) throw RangeFault.BeyondEnd(location, RandomAccess.GetLength(handle), offset, count);
                filled += read;
            }
            return new(bytes);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw RangeFault.Absent(location, exception);
        }
        catch (Exception exception) when (StoreFault.IsEnvironmental(exception) && exception is not StoreException)
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

    public async IAsyncEnumerable<StoredObject> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await ValueTask.CompletedTask;
        var end = prefix.LastIndexOf('/') + 1;
        var (folder, name) = (prefix[..end], prefix[end..]);
        var root = new DirectoryInfo(LocalPath.Of(folder));
        if (!root.Exists) yield break;
        var rootLength = root.FullName.TrimEnd('/').Length + 1;
        foreach (var file in Files(root, name, folder))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return new(folder + file.FullName[rootLength..], file.Length, file.LastWriteTimeUtc);
        }
    }

    /// <remarks>Network file systems remember for a while that a file was absent. They ask anew once the folder has been opened.</remarks>
    public ValueTask<IReadOnlyList<StoredObject>?> TryFindAsync(IReadOnlyList<string> locations, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var found = new List<StoredObject>();
        try
        {
            var folder = Path.GetDirectoryName(LocalPath.Of(locations[0]))!;
            if (!Directory.Exists(folder)) return new(found);
            using var opened = OperatingSystem.IsWindows() ? null : _disk.OpenFolder(folder);
            foreach (var location in locations)
            {
                var file = new FileInfo(LocalPath.Of(location));
                if (file.Exists) found.Add(new(location, file.Length, file.LastWriteTimeUtc));
            }
            return new(found);
        }
        catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
        {
            throw StoreFault.Of("look for", locations[0], exception);
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
            _disk.FlushFolder(Path.GetDirectoryName(path)!);
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

    /// <summary>The files below the folder whose path from there begins with the name.</summary>
    private static IEnumerable<FileInfo> Files(DirectoryInfo root, string name, string folder)
    {
        var isBelow = new FileSystemEnumerable<FileInfo>(
            root.FullName, (ref FileSystemEntry entry) => (FileInfo)entry.ToFileSystemInfo(), Options)
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory && IsMeant(ref entry),
            ShouldRecursePredicate = (ref FileSystemEntry entry) => !entry.Attributes.HasFlag(FileAttributes.ReparsePoint) && IsMeant(ref entry),
        };
        using var files = isBelow.GetEnumerator();
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

        bool IsMeant(ref FileSystemEntry entry) => entry.Directory.Length != entry.RootDirectory.Length || entry.FileName.StartsWith(name, StringComparison.Ordinal);
    }
}
