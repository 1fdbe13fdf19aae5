using Matih.Delivery.IcebergTables;
using Matih.Delivery.Tables;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;

namespace Matih.Host.Demo;

/// <summary>Follows a table as any reader could, through its catalog, and knows from its ledger what is committed.</summary>
internal sealed class TableWatch(ICatalog catalog, TableIdentifier identifier, Production production, TimeProvider clock)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _rowCount, _snapshotCount, _fileCount;

    /// <summary>Ends when the table holds a ledger: reading has a committed beginning, and whatever is produced from now on will be read.</summary>
    public Task Started => _started.Task;

    /// <summary>Rows that readers see now.</summary>
    public long RowCount => Interlocked.Read(ref _rowCount);

    public long SnapshotCount => Interlocked.Read(ref _snapshotCount);

    public long FileCount => Interlocked.Read(ref _fileCount);

    public async Task RunAsync(CancellationToken end)
    {
        try
        {
            while (true)
            {
                await LookAsync(end);
                await Task.Delay(Interval, clock, end);
            }
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // Nobody watches any more.
        }
    }

    private async Task LookAsync(CancellationToken end)
    {
        if (await catalog.LoadAsync(identifier, end) is not { } table || table.Metadata.CurrentSnapshot is not { } head) return;
        var ledgers = await LedgerInspection.ReadAsync(new IcebergHistory(table), end);
        foreach (var source in ledgers.SelectMany(flow => flow.Ledger.Sources))
            foreach (var partition in source.Partitions) production.NoteCommitted(partition.Partition, partition.NextOffset);
        Interlocked.Exchange(ref _rowCount, SummaryNumber(head, "total-records"));
        Interlocked.Exchange(ref _fileCount, SummaryNumber(head, "total-data-files"));
        Interlocked.Exchange(ref _snapshotCount, table.Metadata.Snapshots.Length);
        if (ledgers.Count != 0) _started.TrySetResult();
    }

    private static long SummaryNumber(Snapshot snapshot, string name) =>
        snapshot.Summary.TryGetValue(name, out var text) && long.TryParse(text, out var number) ? number : 0;
}
