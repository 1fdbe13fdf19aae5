using Matih.Parquet.Compression;

namespace Matih.Parquet.Writing;

/// <summary>What the columns of one writer share: settings, codec, the ledger of buffers, and scratch space used within one call.</summary>
internal sealed class WriterContext(ParquetWriterSettings settings, PageCodec codec, BufferLedger ledger) : IDisposable
{
    private const int KeptBytesMax = 16 << 10;

    private int[] _rows = [];

    public ParquetWriterSettings Settings { get; } = settings;
    public PageCodec Codec { get; } = codec;
    public BufferLedger Ledger { get; } = ledger;

    /// <summary>A page before compression.</summary>
    public PooledBuffer Page { get; } = new(ledger);

    /// <summary>A header with its compressed page.</summary>
    public PooledBuffer Compressed { get; } = new(ledger);

    /// <summary>Values converted or gathered from a batch column.</summary>
    public PooledBuffer Dense { get; } = new(ledger);

    /// <summary>Row numbers that have a value.</summary>
    public Span<int> Rows(int count)
    {
        Ledger.Grow(ref _rows, 0, count);
        return _rows.AsSpan(0, count);
    }

    /// <summary>Gives large scratch space back: many writers may be open, and only one of them is at work at a time.</summary>
    public void Trim()
    {
        Trim(Page);
        Trim(Compressed);
        Trim(Dense);
        if (_rows.Length * sizeof(int) > KeptBytesMax) Ledger.Return(ref _rows);
    }

    private static void Trim(PooledBuffer buffer)
    {
        if (buffer.CapacityBytes > KeptBytesMax) buffer.Dispose();
    }

    public void Dispose()
    {
        Ledger.Return(ref _rows);
        Page.Dispose();
        Compressed.Dispose();
        Dense.Dispose();
    }
}
