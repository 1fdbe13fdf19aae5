namespace Matih.Host.Demo;

/// <summary>
/// What has been produced into each partition and what the table has committed of it. The mock cluster forgets all but the
/// last 5 MiB of a partition, so that nobody may run further ahead of the table than that. One thread produces, another
/// notes commits.
/// </summary>
/// <param name="partitionCount">Partitions of the topic; nobody else produces into it, so offsets are counts.</param>
internal sealed class Production(int partitionCount)
{
    /// <summary>Well below the 5 MiB that the mock keeps, as record batches carry headers and leave it whole.</summary>
    private const long UncommittedBytesMax = 3 << 20;

    /// <summary>What a record takes in a log beside its key and value.</summary>
    private const int RecordOverheadBytes = 20;

    private readonly long[] _counts = new long[partitionCount];
    private readonly long[] _committed = new long[partitionCount];
    private long _bytes, _total;

    public int PartitionCount => partitionCount;

    public long TotalCount => Interlocked.Read(ref _total);

    public long TotalBytes => Interlocked.Read(ref _bytes);

    /// <summary>Records that the table does not hold yet.</summary>
    public long UncommittedCount
    {
        get
        {
            var count = 0L;
            for (var i = 0; i < partitionCount; i++) count += Interlocked.Read(ref _counts[i]) - Interlocked.Read(ref _committed[i]);
            return count;
        }
    }

    public bool IsAllCommitted => UncommittedCount == 0;

    /// <summary>Whether every partition may grow.</summary>
    public bool HasRoom
    {
        get
        {
            var total = TotalCount;
            var recordBytes = total == 0 ? 0 : TotalBytes / total + RecordOverheadBytes;
            for (var i = 0; i < partitionCount; i++)
                if ((Interlocked.Read(ref _counts[i]) - Interlocked.Read(ref _committed[i])) * recordBytes >= UncommittedBytesMax) return false;
            return true;
        }
    }

    public void NoteProduced(int partition, int bytes)
    {
        Interlocked.Increment(ref _counts[partition]);
        Interlocked.Add(ref _bytes, bytes);
        Interlocked.Increment(ref _total);
    }

    /// <param name="nextOffset">The position that the table's ledger has for the partition.</param>
    public void NoteCommitted(int partition, long nextOffset)
    {
        if (partition < partitionCount) Interlocked.Exchange(ref _committed[partition], nextOffset);
    }
}
