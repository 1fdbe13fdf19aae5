using System.Data.Common;

namespace Matih.Connectors.Sql;

/// <summary>A database that can hold a catalog. Thread-safe.</summary>
internal abstract class CatalogDatabase : IAsyncDisposable
{
    /// <summary>What messages call it: kind, name and place, and no credential.</summary>
    public abstract string Name { get; }

    /// <summary>A query for the names of the columns of <c>iceberg_tables</c>, without a row where there is no such table.</summary>
    public abstract string ColumnsQuery { get; }

    /// <summary>A connection from the pool, or a new one. Its statements are transactions of their own.</summary>
    /// <param name="creates">Whether a database that is but a file is created where it is missing.</param>
    public abstract ValueTask<DbConnection> OpenAsync(bool creates, CancellationToken cancellationToken);

    /// <summary>What an exception of the database's client means.</summary>
    /// <param name="wasSent">Whether a statement may have reached the database.</param>
    /// <returns>Null for what is no failure of a database.</returns>
    public abstract SqlFault? FaultOf(Exception exception, bool wasSent);

    /// <summary>Ends idle connections, because one of their kind was found to be broken.</summary>
    public virtual void ForgetConnections() { }

    public virtual ValueTask DisposeAsync() => default;
}
