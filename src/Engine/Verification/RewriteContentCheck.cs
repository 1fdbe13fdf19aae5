using System.Buffers.Binary;
using System.Security.Cryptography;
using Matih.Batches;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Ledgers;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Maintenance.Compaction;
using Matih.Storage;

namespace Matih.Verification;

/// <summary>
/// Reads the rows of the files that our own compactions removed and of those that they added: they must be the same rows, as often,
/// less what delete files had taken out. Only for who asks that everything is counted: it reads the data.
/// </summary>
internal sealed class RewriteContentCheck(TableHistory history, FindingLog findings)
{
    private const long MemoryBytes = 512L << 20;

    private readonly Table _table = history.Table;
    private int _compared, _gone, _unreadable;
    private long _rows;

    public async ValueTask CheckAsync(CancellationToken cancellationToken)
    {
        for (var step = 0; step < history.Steps.Count; step++)
        {
            var (snapshot, isExpired) = history.Steps[step];
            if (!snapshot.Summary.ContainsKey(LedgerKeys.Maintenance)) continue;
            if (isExpired || step + 1 >= history.Steps.Count || history.Steps[step + 1].IsExpired) _gone++;
            else await CompareAsync(snapshot, history.Steps[step + 1].Snapshot, cancellationToken);
        }
        if (_compared > 0) findings.Proved(FindingCode.RewrittenContent, $"{Quantity.Of(_compared, "compaction")} of our own kept every row as it was, value by value: {Quantity.Of(_rows, "row")} were read.");
        if (_gone > 0) findings.NotProvable(FindingCode.RewrittenContent, $"That {Quantity.Of(_gone, "further compaction")} of our own kept every row as it was.", "The files that they replaced were deleted when their snapshots expired. The numbers of rows agree.");
        if (_unreadable > 0) findings.NotProvable(FindingCode.RewrittenContent, $"That {Quantity.Of(_unreadable, "further compaction")} of our own kept every row as it was.", "A file of theirs is not read by this version.");
    }

    private async ValueTask CompareAsync(Snapshot snapshot, Snapshot before, CancellationToken cancellationToken)
    {
        try
        {
            var (old, added) = await CompactableFiles.ChangedAsync(_table, before, snapshot, cancellationToken);
            foreach (var file in old.Concat(added))
            {
                if (await _table.Store.LengthAsync(file.Path, cancellationToken) is not null) continue;
                _gone++;
                return;
            }
            // Rows that had no ids before got theirs with the compaction's own commit.
            var withLineage = _table.Metadata.HasRowIds && old.All(file => file.FirstRowId is not null);
            var binding = IcebergBinding.OfWholeTable(_table, withLineage);
            var (expected, found) = (await SumAsync(old, binding, withLineage, cancellationToken), await SumAsync(added, binding, withLineage, cancellationToken));
            if (expected != found)
            {
                findings.Violation(FindingCode.RewriteRows, $"snapshot {snapshot.Id} (a compaction of our own)", $"the {Quantity.Of(expected.Count, "row")} that it removed, value by value", $"{Quantity.Of(found.Count, "row")}{(found.Count == expected.Count ? " with other values" : "")}",
                    "A compaction must never change a row: roll the table back to before it, set `maintenance: off` for the sink, and report it.");
            }
            _compared++;
            _rows += found.Count;
        }
        catch (Exception e) when (e is UnreadableFileException or UnsupportedTableException)
        {
            _unreadable++;
        }
        catch (InvalidTableException)
        {
            _gone++; // What is missing or damaged of the table as it stands, other checks say.
        }
    }

    /// <summary>How many rows, and a sum that does not depend on their order.</summary>
    private async ValueTask<(long Count, UInt128 Sum)> SumAsync(IReadOnlyList<CompactableFile> files, IcebergBinding binding, bool withLineage, CancellationToken cancellationToken)
    {
        var memory = new MemoryAccount(MemoryBytes);
        var deleted = new DeletedRows(_table, binding.Columns, memory);
        await deleted.ReadAsync(new CompactionGroup("", [.. files]), cancellationToken);
        using var rows = new DataFileRows(_table.Store, binding.Columns, new HashSet<int>(), binding.InitialDefaults, memory) { Names = NameMapping.Find(_table.Metadata) };
        using var lineage = withLineage ? new RowLineage(memory) : null;
        var (count, sum, left, bytes) = (0L, UInt128.Zero, Array.Empty<int>(), new RowBytes());
        foreach (var file in files)
        {
            await foreach (var (firstRow, batch) in rows.ReadAsync(file.Path, file.LengthBytes, file.RowCount, cancellationToken))
            {
                if (left.Length < batch.Count) left = new int[batch.Count];
                var leftCount = deleted.Select(file, firstRow, batch, left);
                var rowsOfFile = lineage?.Fill(batch, file, firstRow) ?? batch;
                for (var i = 0; i < leftCount; i++) sum += HashOf(rowsOfFile, left[i], bytes);
                count += leftCount;
            }
        }
        return (count, sum);
    }

    private static UInt128 HashOf(ColumnBatch batch, int row, RowBytes bytes)
    {
        bytes.Clear();
        foreach (var column in batch.Columns) bytes.Append(column, row);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes.Span, hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }
}
