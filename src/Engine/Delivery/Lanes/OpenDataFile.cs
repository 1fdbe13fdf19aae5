using System.Collections.Immutable;
using Matih.Batches;
using Matih.Delivery.Opening;
using Matih.Iceberg.Partitioning;
using Matih.Parquet;
using Matih.Storage;

namespace Matih.Delivery.Lanes;

/// <summary>One data file being written: the encoder, and the object that its bytes go to (opened when there are some).</summary>
internal sealed class OpenDataFile(PartitionKey key, string location, TableBinding binding, ParquetWriterSettings settings, MemoryAccount memory) : IAsyncDisposable
{
    private readonly ParquetFileWriter _encoder = new(binding.Columns, settings, memory);
    private IObjectWriter? _object;

    public PartitionKey Key { get; } = key;

    public string Location { get; } = location;

    public long LastUse { get; set; }

    /// <summary>What the encoder cannot do as asked (zstd without libzstd), or null.</summary>
    public string? Warning => _encoder.Warning;

    public long BufferedBytes => _encoder.BufferedBytes;

    public long EstimatedBytes => _encoder.EstimatedFileBytes;

    public void Append(ColumnBatch rows, ImmutableArray<int> columnMap, RoutedRows routed)
    {
        if (routed.IsAllRows) _encoder.Append(rows, columnMap.AsSpan());
        else _encoder.Append(rows, columnMap.AsSpan(), routed.Rows);
    }

    public void FlushRowGroup() => _encoder.FlushRowGroup();

    /// <summary>Writes out what the encoder has finished.</summary>
    public async ValueTask DrainAsync(IStore store, CancellationToken cancellationToken)
    {
        if (!_encoder.HasOutput) return;
        _object ??= await store.CreateAsync(Location, cancellationToken);
        await _encoder.DrainAsync(_object.WriteAsync, cancellationToken);
    }

    /// <summary>Ends the file and makes it durable.</summary>
    public async ValueTask<ParquetFileSummary> CompleteAsync(IStore store, CancellationToken cancellationToken)
    {
        var summary = _encoder.Finish();
        await DrainAsync(store, cancellationToken);
        var written = _object!;
        await written.CompleteAsync(cancellationToken);
        if (written.PositionBytes != summary.LengthBytes)
            throw new InvalidOperationException($"{Location} has {Quantity.Of(written.PositionBytes, "byte")}, its encoder made {Quantity.Count(summary.LengthBytes)}.");
        return summary;
    }

    public async ValueTask DisposeAsync()
    {
        _encoder.Dispose();
        if (_object is not null) await _object.DisposeAsync();
    }
}
