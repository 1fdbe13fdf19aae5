using Matih.Delivery.Ledgers;
using Matih.Storage;

namespace Matih.Delivery.Tables;

/// <summary>Ledgers as texts of a commit's summary, and as side files where they are too large for one.</summary>
internal sealed class LedgerStorage(IStore store, TableIdentifier table)
{
    public async ValueTask<Ledger> ReadAsync(string property, CancellationToken cancellationToken)
    {
        try
        {
            return await ReadWithSideFileAsync(property, cancellationToken);
        }
        catch (FormatException e)
        {
            throw PipelineException.Refused($"Table {table}: {e.Message}", "Use the version of matih that wrote it, or roll the table back to before that snapshot; only --reset continues without it.", e);
        }
    }

    private async ValueTask<Ledger> ReadWithSideFileAsync(string property, CancellationToken cancellationToken)
    {
        if (LedgerFormat.ReadSideFile(property) is not { } file) return LedgerFormat.Read(property, null);
        var content = await store.ReadAsync(file.Location, cancellationToken)
            ?? throw PipelineException.Refused($"The ledger of table {table} refers to {file.Location}, which is gone.",
                "Bring the file back from a backup; without it nobody knows what the table holds, and the only other way on is --reset.");
        if (content.LongLength != file.LengthBytes || LedgerFormat.Sha256(content) != file.Sha256)
        {
            throw PipelineException.Refused(
                $"The ledger of table {table} refers to {file.Location} with {Quantity.Of(file.LengthBytes, "byte")} and SHA-256 {file.Sha256}; the file has {Quantity.Of(content.LongLength, "byte")} and SHA-256 {LedgerFormat.Sha256(content)}.",
                "Bring the file back from a backup; without it nobody knows what the table holds, and the only other way on is --reset.");
        }
        return LedgerFormat.Read(property, content);
    }

    /// <summary>The property's text, after the side file that it needs is durable. A confined table has none: the text is whole, however long.</summary>
    public async ValueTask<string> WriteAsync(Ledger ledger, ITableHistory table, CancellationToken cancellationToken)
    {
        var whole = LedgerFormat.Write(ledger, sideFile: null);
        if (table.IsConfined || whole.Length <= LedgerFormat.PropertyBytesMax) return whole;
        var body = LedgerFormat.WriteBody(ledger);
        var hash = LedgerFormat.Sha256(body);
        var location = SideFolder.LedgerOf(table, ledger.Commit, hash);
        await store.PutIfAbsentAsync(location, body, cancellationToken);
        return LedgerFormat.Write(ledger, new SideFile(location, body.LongLength, hash));
    }
}
