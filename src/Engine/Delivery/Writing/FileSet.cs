using System.Collections.Immutable;
using Matih.Delivery.Tables;
using Matih.Parquet;

namespace Matih.Delivery.Writing;

/// <summary>
/// The data files of one checkpoint, which the lanes that belong together write in common: for each table partition one file
/// is open at a time, and is closed when it has reached the target size. Lanes add encoded row groups, or rows that wait; when
/// all lanes have handed over, <see cref="CompleteAsync"/> writes what waits and closes the files. Thread-safe.
/// </summary>
/// <remarks>Files are durable when completed. Nothing refers to them before a commit does.</remarks>
internal sealed class FileSet(FileWriting writing) : IAsyncDisposable
{
    /// <summary>Files of all workers that are open at once: a process may usually have 1,024.</summary>
    private const int OpenFilesMax = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<TablePartition, int> _ordinals = [];
    private readonly List<KeyFiles> _keys = [];
    private readonly List<RowRun> _runs = [];

    /// <summary>The number of a table partition in this set, from 0 in the order in which lanes met them.</summary>
    public int OrdinalOf(TablePartition key)
    {
        lock (_gate)
        {
            if (_ordinals.TryGetValue(key, out var ordinal)) return ordinal;
            ordinal = _keys.Count;
            _ordinals.Add(key, ordinal);
            _keys.Add(new KeyFiles(key, writing));
            return ordinal;
        }
    }

    public KeyFiles this[int ordinal]
    {
        get
        {
            lock (_gate) return _keys[ordinal];
        }
    }

    /// <summary>Takes over rows that wait.</summary>
    public void Add(IEnumerable<RowRun> runs)
    {
        lock (_gate) _runs.AddRange(runs);
    }

    /// <summary>Writes what waits and closes every file. No lane uses the set any more.</summary>
    /// <param name="laneCount">The lanes, as many of which share the work as there is memory for.</param>
    public async ValueTask<ImmutableArray<WrittenFile>> CompleteAsync(int laneCount, ITaskStarter tasks, CancellationToken cancellationToken)
    {
        // A worker holds a page of every run, and the block that rows are put together in.
        var bytesOfWorker = writing.BatchBytes + _runs.Sum(run => run.PageBytesMax);
        var workerCount = (int)Math.Clamp(writing.CompletionBytes / 2 / bytesOfWorker, 1, Math.Max(1, Math.Min(laneCount, _keys.Count)));
        var deal = new KeyDeal(_keys.Count, workerCount);
        if (workerCount == 1) await WorkAsync(deal, cancellationToken);
        else await tasks.RunAsync(Enumerable.Range(1, workerCount).Select(worker => ($"file writer {worker}", (Func<CancellationToken, Task>)(token => WorkAsync(deal, token)))), cancellationToken);
        return [.. _keys.SelectMany(key => key.Completed)];
    }

    private async Task WorkAsync(KeyDeal deal, CancellationToken cancellationToken)
    {
        var groupBytesMax = writing.CompletionBytes / deal.WorkerCount;
        var openMax = Math.Max(1, OpenFilesMax / deal.WorkerCount);
        RowGroupEncoder? encoder = null;
        var written = new List<OpenDataFile>();
        using var rows = new RowBlock(writing.Layout, writing.Memory);
        try
        {
            while (deal.TryTake(out var from, out var to))
            {
                await writing.Store.PrepareAsync([.. _keys[from..to].Select(key => key.NextLocation)], cancellationToken);
                using var merge = new RowMerge(_runs, writing.Layout.IsSorted, from, to);
                while (merge.NextKey())
                {
                    await WriteAsync(encoder ??= writing.CreateEncoder(), merge, rows, groupBytesMax, cancellationToken);
                    await EndAsync(_keys[merge.Ordinal], written, openMax, groupBytesMax, cancellationToken);
                }
                for (var ordinal = from; ordinal < to; ordinal++) await EndAsync(_keys[ordinal], written, openMax, groupBytesMax, cancellationToken);
            }
            await OpenDataFile.CompleteAsync(written, writing.Store, cancellationToken);
            written.Clear();
        }
        finally
        {
            encoder?.Dispose();
        }
    }

    /// <summary>Ends the key's open file. Ended files are completed several at a time, and are open, or held in memory, until then.</summary>
    private async ValueTask EndAsync(KeyFiles key, List<OpenDataFile> written, int openMax, long bufferedMax, CancellationToken cancellationToken)
    {
        if (await key.EndAsync(cancellationToken) is not { } file) return;
        written.Add(file);
        if (written.Count < openMax && written.Sum(item => item.BufferedBytes) < bufferedMax) return;
        await OpenDataFile.CompleteAsync(written, writing.Store, cancellationToken);
        written.Clear();
    }

    private async ValueTask WriteAsync(RowGroupEncoder encoder, RowMerge merge, RowBlock rows, long groupBytesMax, CancellationToken cancellationToken)
    {
        var files = _keys[merge.Ordinal];
        encoder.Forget();
        bool hasMore;
        do
        {
            rows.Clear();
            hasMore = merge.Fill(rows, writing.BatchBytes);
            if (rows.Count != 0) writing.Encode(encoder, rows.Rows, new(0, rows.Count));
            if (files.MustTake(encoder) || IsTooLarge(encoder, groupBytesMax)) await files.AddAsync(encoder.Finish(), cancellationToken);
        } while (hasMore);
        if (encoder.RowCount != 0) await files.AddAsync(encoder.Finish(), cancellationToken);
    }

    /// <summary>A worker keeps to its share. It ends a row group earlier where memory is scarce: buffers grow by doubling, and a finished group is held once more until it is written.</summary>
    private bool IsTooLarge(RowGroupEncoder encoder, long groupBytesMax) =>
        encoder.EncodedBytes >= (writing.Memory.IsScarce ? groupBytesMax / 4 : groupBytesMax);

    public async ValueTask DisposeAsync()
    {
        foreach (var run in _runs) run.Dispose();
        _runs.Clear();
        foreach (var key in _keys) await key.DisposeAsync();
    }

    /// <summary>Deals out ranges of ordinals to workers, several to each, so that they end at about the same time. Thread-safe.</summary>
    private sealed class KeyDeal(int count, int workerCount)
    {
        private const int RangesPerWorker = 4;

        public int WorkerCount => workerCount;

        private readonly int _step = Math.Max(1, count / (workerCount * RangesPerWorker));
        private int _next;

        public bool TryTake(out int from, out int to)
        {
            to = Interlocked.Add(ref _next, _step);
            from = to - _step;
            to = Math.Min(to, count);
            return from < count;
        }
    }
}

/// <summary>The files of one table partition in a set. Thread-safe.</summary>
internal sealed class KeyFiles(TablePartition key, FileWriting writing) : IAsyncDisposable
{
    /// <summary>A row group that is added to fill a file up is not smaller than this part of the file.</summary>
    private const int LeastShare = 16;

    private readonly Lock _gate = new();
    private readonly List<WrittenFile> _completed = [];
    private readonly List<OpenDataFile> _incomplete = [];
    private OpenDataFile? _open;
    private string? _nextLocation;

    /// <summary>Where the next file will be.</summary>
    public string NextLocation => _nextLocation ??= writing.NewLocation(key);

    public IReadOnlyList<WrittenFile> Completed => _completed;

    /// <summary>What the store's writer holds of the open file.</summary>
    public long BufferedBytes
    {
        get
        {
            lock (_gate) return _open?.BufferedBytes ?? 0;
        }
    }

    /// <summary>Whether the open row group is as large as one may be, or fills the file up.</summary>
    public bool MustTake(RowGroupEncoder encoder)
    {
        var bytes = encoder.EncodedBytes;
        if (bytes >= writing.Parquet.RowGroupBytes) return encoder.RowCount != 0;
        if (bytes < writing.TargetFileBytes / LeastShare || encoder.RowCount == 0) return false;
        lock (_gate) return bytes + (_open?.LengthBytes ?? 0) >= writing.TargetFileBytes;
    }

    /// <summary>Adds a row group to the open file, and writes what waits to be written.</summary>
    public async ValueTask AddAsync(EncodedRowGroup group, CancellationToken cancellationToken)
    {
        OpenDataFile file;
        lock (_gate)
        {
            file = _open ??= Create();
            if (file.Add(group) >= writing.TargetFileBytes) End();
        }
        if (await file.WriteAsync(cancellationToken)) await OpenDataFile.CompleteAsync([file], writing.Store, cancellationToken);
    }

    /// <summary>Ends the open file, and gives it for the caller to complete; null where there is none.</summary>
    public async ValueTask<OpenDataFile?> EndAsync(CancellationToken cancellationToken)
    {
        OpenDataFile? file;
        lock (_gate)
        {
            file = _open;
            End();
        }
        return file is not null && await file.WriteAsync(cancellationToken) ? file : null;
    }

    private OpenDataFile Create()
    {
        OpenDataFile? created = null;
        created = writing.CreateFile(key, NextLocation, file => Note(created!, file));
        _incomplete.Add(created);
        _nextLocation = null;
        return created;
    }

    private void End()
    {
        _open?.End();
        _open = null;
    }

    private void Note(OpenDataFile completed, WrittenFile file)
    {
        lock (_gate)
        {
            _incomplete.Remove(completed);
            _completed.Add(file);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var file in _incomplete) await file.DisposeAsync();
        _incomplete.Clear();
    }
}
