using System.Collections.Immutable;
using Matih.Batches;
using Matih.Delivery.Opening;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Partitioning;
using Matih.Parquet;
using Matih.Telemetry;

namespace Matih.Delivery.Lanes;

/// <summary>
/// A lane's data files: routes rows to their table partitions, one open Parquet file each, and closes files at the target
/// size, at the checkpoint, or where too many are open. Files are durable when <see cref="FinishAsync"/> returns; nothing
/// refers to them before a commit does. Not thread-safe.
/// </summary>
internal sealed class SinkWriter(SinkWriterSettings settings, TableBinding binding, DataFileFactory factory, MemoryAccount memory, IEngineLog log) : IAsyncDisposable
{
    private readonly PartitionRouter _router = new(binding.Schema, binding.Spec, settings.Rows);
    private readonly Dictionary<PartitionKey, OpenDataFile> _open = [];
    private readonly List<DataFile> _closed = [];
    private long _useCount;
    private bool _hasWarned;

    public async ValueTask WriteAsync(ColumnBatch rows, CancellationToken cancellationToken)
    {
        var routed = _router.Route(rows);
        for (var group = 0; group < routed.Count; group++)
        {
            var key = routed[group].Key;
            if (!_open.TryGetValue(key, out var file))
            {
                if (_open.Count >= settings.OpenFilesMax) await CloseAsync(LeastRecentlyUsed(), cancellationToken);
                file = new OpenDataFile(key, factory.NewLocation(key), binding, settings.Parquet, memory);
                _open.Add(key, file);
                Warn(file);
            }
            file.LastUse = ++_useCount;
            file.Append(rows, binding.ColumnMap, routed[group]);
            await file.DrainAsync(factory.Store, cancellationToken);
            if (file.EstimatedBytes >= settings.TargetFileBytes) await CloseAsync(file, cancellationToken);
        }
    }

    /// <summary>Ends the row groups that hold the most memory, until about half of this lane's is free.</summary>
    public async ValueTask FlushLargestAsync(CancellationToken cancellationToken)
    {
        var wanted = _open.Values.Sum(file => file.BufferedBytes) / 2;
        foreach (var file in _open.Values.OrderByDescending(file => file.BufferedBytes).ToList())
        {
            if (wanted <= 0) return;
            wanted -= file.BufferedBytes;
            file.FlushRowGroup();
            await file.DrainAsync(factory.Store, cancellationToken);
        }
    }

    /// <summary>Closes every file and hands over all that were written since the last call.</summary>
    public async ValueTask<ImmutableArray<DataFile>> FinishAsync(CancellationToken cancellationToken)
    {
        foreach (var file in _open.Values.ToList()) await CloseAsync(file, cancellationToken);
        ImmutableArray<DataFile> files = [.. _closed];
        _closed.Clear();
        return files;
    }

    private async ValueTask CloseAsync(OpenDataFile file, CancellationToken cancellationToken)
    {
        var summary = await file.CompleteAsync(factory.Store, cancellationToken);
        _closed.Add(factory.Describe(file.Location, file.Key, summary));
        _open.Remove(file.Key);
        await file.DisposeAsync();
    }

    private void Warn(OpenDataFile file)
    {
        if (_hasWarned || file.Warning is not { } warning) return;
        _hasWarned = true;
        log.Warning("file-encoding", warning);
    }

    private OpenDataFile LeastRecentlyUsed() => _open.Values.MinBy(file => file.LastUse)!;

    public async ValueTask DisposeAsync()
    {
        foreach (var file in _open.Values) await file.DisposeAsync();
        _open.Clear();
    }
}

/// <param name="Rows">The rows that come in.</param>
/// <param name="Parquet">How files are encoded.</param>
/// <param name="TargetFileBytes">The size at which a file is closed.</param>
/// <param name="OpenFilesMax">Open files of one lane: each holds buffers for every column.</param>
internal sealed record SinkWriterSettings(RowType Rows, ParquetWriterSettings Parquet, long TargetFileBytes, int OpenFilesMax = 256);
