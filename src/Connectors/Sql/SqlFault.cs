namespace Matih.Connectors.Sql;

/// <summary>How a database fails. A closed family: the catalog acts on these and on nothing that is particular to one database.</summary>
internal enum SqlFaultKind
{
    /// <summary>A row of that key exists. Nothing was changed.</summary>
    KeyExists,

    /// <summary>There is no such table, or no such database file.</summary>
    NoTable,

    /// <summary>Another transaction was in the way for too long. Nothing was changed.</summary>
    Contended,

    /// <summary>The database answered that it will not, or was never asked. Nothing was changed.</summary>
    Refused,

    /// <summary>The statement was sent and its answer lost: it may have been carried out, or may still be.</summary>
    Lost,
}

/// <summary>A failure of a database in one form for all: what it says (<paramref name="reason"/>), and the way out. Carries no secret.</summary>
internal sealed class SqlFault(SqlFaultKind kind, string reason, string remedy, Exception? cause) : Exception(reason, cause)
{
    public SqlFaultKind Kind { get; } = kind;

    public string Reason { get; } = reason.TrimEnd('.');

    public string Remedy { get; } = remedy;
}
