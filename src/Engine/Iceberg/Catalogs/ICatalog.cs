using Matih.Iceberg.Metadata;

namespace Matih.Iceberg.Catalogs;

/// <summary>How a commit ended.</summary>
public abstract record CommitResult
{
    private CommitResult() { }

    /// <summary>The changes are in the table.</summary>
    public sealed record Committed(Table Table) : CommitResult;

    /// <summary>The changes are not in the table, and this attempt can no longer put them there: another commit came first.</summary>
    public sealed record Conflict(string Reason) : CommitResult;

    /// <summary>It cannot be known whether the changes are in the table, or still may get there. Read the table back; never assume.</summary>
    public sealed record Unknown(Exception Cause) : CommitResult;
}

/// <summary>Names tables and swaps their metadata atomically. Makes one attempt at everything; retrying is the caller's. Thread-safe.</summary>
public interface ICatalog
{
    /// <summary>What messages call it.</summary>
    string Name { get; }

    /// <summary>The table as it now stands, or null where there is none.</summary>
    ValueTask<Table?> LoadAsync(TableIdentifier identifier, CancellationToken cancellationToken);

    /// <summary>Creates the table, or loads the one that exists already (then <c>IsCreated</c> is false, and it may look otherwise).</summary>
    /// <exception cref="UnsupportedTableException">The catalog cannot hold such a table.</exception>
    ValueTask<(Table Table, bool IsCreated)> CreateAsync(TableIdentifier identifier, NewTable table, CancellationToken cancellationToken);

    /// <summary>Applies the updates, all or none, if the table still is <paramref name="baseTable"/> as far as the requirements say.</summary>
    /// <remarks>A catalog on files needs the very same metadata version; one with a server may apply the updates to a later one.</remarks>
    /// <exception cref="UnsupportedTableException">The table must not be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; as with <see cref="CommitResult.Unknown"/>, the changes may be in the table.</exception>
    ValueTask<CommitResult> CommitAsync(
        Table baseTable, IReadOnlyList<TableRequirement> requirements, IReadOnlyList<TableUpdate> updates, CancellationToken cancellationToken);
}
