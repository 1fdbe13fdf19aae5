using Matih.Batches;
using Matih.Parquet;
using Matih.Storage;

namespace Matih.Delivery.Writing;

/// <summary>Rows in the order in which they are written, page by page, in memory or in scratch space. Read by several at once.</summary>
internal abstract class RowRun : IDisposable
{
    public abstract int PageCount { get; }

    /// <summary>Bytes that a page takes of its reader's memory, at most.</summary>
    public abstract long PageBytesMax { get; }

    /// <summary>The ordinal of a page's last rows.</summary>
    public abstract int LastOrdinal(int page);

    /// <summary>A page; it may be put into <paramref name="own"/>, which belongs to the caller.</summary>
    public abstract RowBlock Load(int page, ref RowBlock? own);

    /// <summary>The first page that may have rows of an ordinal that is not smaller.</summary>
    public int FindPage(int ordinal)
    {
        var (low, high) = (0, PageCount);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (LastOrdinal(middle) < ordinal) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    public abstract void Dispose();
}

/// <summary>A run in memory: one page, which it owns.</summary>
internal sealed class MemoryRun(RowBlock block) : RowRun
{
    public override int PageCount => 1;

    public override long PageBytesMax => 0;

    public override int LastOrdinal(int page) => block.Ordinal(block.StretchCount - 1);

    public override RowBlock Load(int page, ref RowBlock? own) => block;

    public override void Dispose() => block.Dispose();
}

/// <summary>A run in scratch space; in memory is only where its pages lie.</summary>
internal sealed class SpilledRun : RowRun
{
    private readonly RowLayout _layout;
    private readonly MemoryAccount _account;
    private readonly IScratchFile _file;
    private readonly List<(long Offset, int Length, int LastOrdinal)> _pages = [];

    private SpilledRun(RowLayout layout, MemoryAccount account, IScratchFile file) => (_layout, _account, _file) = (layout, account, file);

    /// <summary>Writes merged runs as one.</summary>
    /// <exception cref="IOException">The scratch space is full.</exception>
    public static SpilledRun Write(RowMerge merge, RowLayout layout, MemoryAccount account, IScratchSpace scratch, int pageBytes)
    {
        var run = new SpilledRun(layout, account, scratch.Create());
        try
        {
            using var page = new RowBlock(layout, account);
            using var image = new PooledBuffer(new BufferLedger(account));
            while (merge.NextKey())
            {
                while (merge.Fill(page, pageBytes)) run.WritePage(page, image);
            }
            if (page.Count != 0) run.WritePage(page, image);
            return run;
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    private void WritePage(RowBlock page, PooledBuffer image)
    {
        image.Clear();
        page.WriteImage(image);
        _pages.Add((_file.LengthBytes, image.Length, page.Ordinal(page.StretchCount - 1)));
        _file.Append(image.Written);
        page.Clear();
    }

    public override int PageCount => _pages.Count;

    /// <summary>Its image is read first, and then made into columns.</summary>
    public override long PageBytesMax => 2L * _pages.Max(page => page.Length);

    public override int LastOrdinal(int page) => _pages[page].LastOrdinal;

    public override RowBlock Load(int page, ref RowBlock? own)
    {
        own ??= new RowBlock(_layout, _account);
        var (offset, length, _) = _pages[page];
        using var image = new PooledBuffer(new BufferLedger(_account));
        var bytes = image.Reserve(length)[..length];
        _file.Read(offset, bytes);
        own.ReadImage(bytes);
        return own;
    }

    public override void Dispose() => _file.Dispose();
}
