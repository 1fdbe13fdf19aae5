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
    /// <summary>Parts are written together up to so many bytes: a small file takes one write.</summary>
    private const int TogetherBytes = 64 << 10;

    private readonly Lock _gate = new();
    private readonly Queue<EncodedRowGroup> _pending = [];
    private IObjectWriter? _object;
    private ParquetFileSummary? _summary;
    private long _pendingBytes;
    private long _bufferedBytes;
    private bool _isWriting;
    private bool _isEnded;

    /// <summary>Adds a row group, which the file then owns, and gives the file's length with it.</summary>
    public long Add(EncodedRowGroup group)
    {
        lock (_gate)
        {
            assembly.Add(group);
            _pending.Enqueue(group);
            _pendingBytes += group.LengthBytes;
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
            if (_isWriting || (!_isEnded && _pendingBytes < TogetherBytes)) return false;
            _isWriting = true;
        }
        using var together = new PooledBuffer(new BufferLedger(memory));
        while (true)
        {
            EncodedRowGroup? group;
            lock (_gate)
            {
                if (!_pending.TryPeek(out group))
                {
                    if (_isEnded) break;
                    if (together.Length == 0)
                    {
                        _isWriting = false;
                        return false;
                    }
                }
            }
            if (_object is null)
            {
                _object = await store.CreateAsync(location, cancellationToken);
                together.Append(ParquetFileAssembly.Magic.Span);
            }
            if (group is not null && together.Length + group.LengthBytes <= TogetherBytes)
            {
                group.Bytes.CopyTo(together);
            }
            else
            {
                if (together.Length != 0) await _object.WriteAsync(together.Memory, cancellationToken);
                together.Clear();
                if (group is not null) await group.Bytes.DrainAsync(_object.WriteAsync, cancellationToken);
                ChargeBuffered();
            }
            if (group is null) continue;
            lock (_gate)
            {
                _pending.Dequeue();
                _pendingBytes -= group.LengthBytes;
            }
            group.Dispose();
        }
        _summary = assembly.Finish(together);
        await _object!.WriteAsync(together.Memory, cancellationToken);
        await _object.EndAsync(cancellationToken);
        ChargeBuffered();
        return true;
    }

    /// <summary>What the store's writer holds of the file until it has sent it, as it was last seen.</summary>
    public long BufferedBytes => Interlocked.Read(ref _bufferedBytes);

    private void ChargeBuffered()
    {
        var buffered = _object!.BufferedBytes;
        memory.Charge(buffered - _bufferedBytes);
        _bufferedBytes = buffered;
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
        memory.Charge(-_bufferedBytes);
        _bufferedBytes = 0;
    }
}
