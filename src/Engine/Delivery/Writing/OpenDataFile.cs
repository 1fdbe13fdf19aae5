using Matih.Batches;
using Matih.Parquet;
using Matih.Storage;

namespace Matih.Delivery.Writing;

/// <summary>
/// One data file that several lanes add row groups to. What is added waits in memory until one of them has written it, so
/// that nobody waits for another's write. Thread-safe.
/// </summary>
internal sealed class OpenDataFile(string location, ParquetFileAssembly assembly, IStore store, MemoryAccount memory, Action<string, ParquetFileSummary> completed) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Queue<EncodedRowGroup> _pending = [];
    private IObjectWriter? _object;
    private ParquetFileSummary? _summary;
    private bool _isWriting;
    private bool _isEnded;

    /// <summary>Adds a row group, which the file then owns, and gives the file's length with it.</summary>
    public long Add(EncodedRowGroup group)
    {
        lock (_gate)
        {
            assembly.Add(group);
            _pending.Enqueue(group);
            return assembly.LengthBytes;
        }
    }

    /// <summary>Nothing is added any more: whoever writes the last of it completes the file.</summary>
    public void End()
    {
        lock (_gate) _isEnded = true;
    }

    public long LengthBytes
    {
        get
        {
            lock (_gate) return assembly.LengthBytes;
        }
    }

    /// <summary>
    /// Writes what waits, unless somebody else is doing so. True for the one who has written the end of the file, and has to
    /// complete it.
    /// </summary>
    /// <remarks>After a failed write nobody writes again, because bytes would be missing in between.</remarks>
    public async ValueTask<bool> WriteAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_isWriting) return false;
            _isWriting = true;
        }
        while (true)
        {
            EncodedRowGroup? group;
            lock (_gate)
            {
                if (!_pending.TryPeek(out group) && !_isEnded)
                {
                    _isWriting = false;
                    return false;
                }
            }
            if (group is null) break;
            var target = _object ??= await BeginAsync(cancellationToken);
            await group.Bytes.DrainAsync(target.WriteAsync, cancellationToken);
            lock (_gate) _pending.Dequeue();
            group.Dispose();
        }
        using var footer = new PooledBuffer(new BufferLedger(memory));
        _summary = assembly.Finish(footer);
        await _object!.WriteAsync(footer.Memory, cancellationToken);
        return true;
    }

    private async ValueTask<IObjectWriter> BeginAsync(CancellationToken cancellationToken)
    {
        var created = await store.CreateAsync(location, cancellationToken);
        await created.WriteAsync(ParquetFileAssembly.Magic, cancellationToken);
        return created;
    }

    /// <summary>Makes written files durable.</summary>
    public static async ValueTask CompleteAsync(IReadOnlyList<OpenDataFile> files, IStore store, CancellationToken cancellationToken)
    {
        await store.CompleteAsync([.. files.Select(file => file._object!)], cancellationToken);
        foreach (var file in files)
        {
            file.NoteCompleted();
            await file.DisposeAsync();
        }
    }

    private void NoteCompleted()
    {
        var (summary, written) = (_summary!, _object!.PositionBytes);
        if (written != summary.LengthBytes)
            throw new InvalidOperationException($"{location} has {Quantity.Of(written, "byte")}, its encoder made {Quantity.Count(summary.LengthBytes)}.");
        completed(location, summary);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var group in _pending) group.Dispose();
        _pending.Clear();
        if (_object is not null) await _object.DisposeAsync();
    }
}
