using System.Data.Common;
using Matih.Definition;
using Microsoft.Data.Sqlite;

namespace Matih.Connectors.Sql;

/// <summary>A catalog in an SQLite file on a local disk. Every process that uses it must run on the machine that has the disk.</summary>
/// <remarks>
/// The client library has no asynchronous calls: a thread waits while another process writes. Connections are not pooled: one
/// costs less than a millisecond to open, and an open one would still write to a file that was deleted or replaced.
/// </remarks>
internal sealed class SqliteCatalogDatabase(SqlDatabase.Sqlite definition) : CatalogDatabase
{
    /// <summary>How long a statement waits for other writers; a writer holds the file for milliseconds.</summary>
    internal static readonly TimeSpan BusyWaitMax = TimeSpan.FromSeconds(10);

    // SQLite documentation, "Result and Error Codes".
    private const int Permission = 3, Busy = 5, Locked = 6, ReadOnly = 8, DiskFull = 13, CannotOpen = 14, Constraint = 19, NotADatabase = 26, Generic = 1;
    private const int PrimaryKey = 1555, Unique = 2067;

    private const string NoFileRemedy = "Check the path; a new file is created only where its folder exists and a table is created.";

    public override string Name => $"the SQLite database {definition.Path}";

    public override string ColumnsQuery => "SELECT name FROM pragma_table_info('iceberg_tables')";

    public TimeSpan WaitMax { get; init; } = BusyWaitMax;

    public override async ValueTask<DbConnection> OpenAsync(bool creates, CancellationToken cancellationToken)
    {
        // Before the attempt: after one that failed, another process may have created the file.
        if (!creates && !File.Exists(definition.Path)) throw new SqlFault(SqlFaultKind.NoTable, "unable to open database file", NoFileRemedy, cause: null);
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = definition.Path,
            Mode = creates ? SqliteOpenMode.ReadWriteCreate : SqliteOpenMode.ReadWrite,
            Pooling = false,
            // SQLite waits by itself; after that the client must not begin again.
            DefaultTimeout = 1,
        }.ToString());
        try
        {
            await connection.OpenAsync(cancellationToken);
            using var settings = connection.CreateCommand();
            // EXTRA: what is committed outlives a power cut also where the journal is a file that is deleted.
            settings.CommandText = $"PRAGMA busy_timeout = {(long)WaitMax.TotalMilliseconds}; PRAGMA synchronous = EXTRA";
            await settings.ExecuteNonQueryAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <remarks>What failed was rolled back, whatever the reason: the database runs in this process, and no answer can be lost.</remarks>
    public override SqlFault? FaultOf(Exception exception, bool wasSent)
    {
        if (exception is not SqliteException failure) return null;
        var (kind, remedy) = (failure.SqliteErrorCode, failure.SqliteExtendedErrorCode) switch
        {
            (Constraint, PrimaryKey or Unique) => (SqlFaultKind.KeyExists, "Read what is there."),
            (Busy or Locked, _) => (SqlFaultKind.Contended, $"Another program has held the file for more than {WaitMax.TotalSeconds:0} seconds: end its transaction."),
            (CannotOpen, _) when !File.Exists(definition.Path) => (SqlFaultKind.NoTable, NoFileRemedy),
            (Generic, _) when failure.Message.Contains("no such table", StringComparison.Ordinal) => (SqlFaultKind.NoTable, "Check the path: the file holds no catalog."),
            (Generic, _) when failure.Message.Contains("column", StringComparison.Ordinal) => (SqlFaultKind.Refused, SqlAdvice.WrongLayout),
            (ReadOnly or Permission or CannotOpen, _) => (SqlFaultKind.Refused, "Give this user the right to write the file and its folder (SQLite keeps a journal beside the file), on a disk that is not mounted read-only."),
            (DiskFull, _) => (SqlFaultKind.Refused, "Free space on that disk."),
            (NotADatabase, _) => (SqlFaultKind.Refused, "Name an SQLite file, or a path at which none exists yet."),
            _ => (SqlFaultKind.Refused, "Check the file and its disk (PRAGMA integrity_check)."),
        };
        return new SqlFault(kind, Reason(failure.Message), remedy, failure);
    }

    /// <summary>SQLite's own words, of <c>SQLite Error 5: 'database is locked'.</c></summary>
    private static string Reason(string message)
    {
        var (first, last) = (message.IndexOf('\''), message.LastIndexOf('\''));
        return last > first ? message[(first + 1)..last] : message;
    }
}

/// <summary>Advice that does not depend on the database.</summary>
internal static class SqlAdvice
{
    public const string WrongLayout =
        "The table iceberg_tables is not that of an Iceberg catalog (columns catalog_name, table_namespace, table_name, metadata_location, previous_metadata_location): name another database or schema.";
}
