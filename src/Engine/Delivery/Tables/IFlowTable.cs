using System.Collections.Immutable;
using Matih.Planning;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Delivery.Tables;

/// <summary>
/// The table that a flow writes, wherever it is and whatever its format. With <see cref="ITableVersion"/> and
/// <see cref="ITableChange"/> it is all that delivery asks of a table format: docs/table-formats.md says how each of them
/// answers. Makes one attempt at everything; retrying is the caller's. Thread-safe.
/// </summary>
internal interface IFlowTable
{
    /// <summary>What messages call the place where the table is named.</summary>
    string CatalogName { get; }

    /// <summary>The table as it now stands; null where there is none.</summary>
    /// <remarks>
    /// Ordering: a load that begins after a commit was answered shows that commit, or a later one. A catalog that may answer
    /// with an older state cannot serve a flow.
    /// </remarks>
    ValueTask<ITableVersion?> LoadAsync(CancellationToken cancellationToken);

    /// <summary>Creates the table as the plan says, or loads the one that somebody created first (then <c>IsCreated</c> is false).</summary>
    /// <remarks>Concurrency: of several that create it at once one succeeds, and all get the same table.</remarks>
    ValueTask<(ITableVersion Table, bool IsCreated)> CreateAsync(CancellationToken cancellationToken);

    /// <summary>Sets properties of the table, all of them or none.</summary>
    /// <param name="table">The table as it was loaded.</param>
    /// <returns>False where another commit came first, or nobody knows: load the table and look.</returns>
    /// <remarks>Concurrency: it changes nothing in a table that was dropped and created again.</remarks>
    ValueTask<bool> TrySetPropertiesAsync(ITableVersion table, ImmutableSortedDictionary<string, string> properties, CancellationToken cancellationToken);

    /// <summary>Changes the table's columns, and nothing else.</summary>
    /// <param name="table">The table as it was loaded.</param>
    /// <param name="evolution">What <see cref="ITableVersion.FindEvolution"/> of that version gave.</param>
    /// <returns>False where another commit came first, or nobody knows: load the table and look.</returns>
    /// <remarks>Concurrency: it changes nothing in a table whose columns are no longer those of the version, or that was created again.</remarks>
    ValueTask<bool> TryEvolveAsync(ITableVersion table, TableEvolution evolution, CancellationToken cancellationToken);
}

/// <summary>A table as it stood when it was loaded, for those who write it. Immutable; load it again to see what others committed.</summary>
internal interface ITableVersion : ITableHistory
{
    /// <summary>Which column of the query goes into which of the table.</summary>
    /// <exception cref="PipelineException">A column is missing, or cannot hold what the query gives; or the table cannot be written.</exception>
    TableBinding Bind(TablePlan plan);

    /// <summary>What has to change in the table's columns before <see cref="Bind"/>, as far as the plan allows it; null where nothing has.</summary>
    /// <exception cref="PipelineException">A column that the table lacks must not be added: somebody has dropped or renamed it.</exception>
    TableEvolution? FindEvolution(TablePlan plan);

    /// <summary>Whether <see cref="Bind"/> would succeed after <see cref="FindEvolution"/>. Changes nothing.</summary>
    /// <exception cref="PipelineException">It would not.</exception>
    void RequireFit(TablePlan plan);

    /// <summary>What the plan says of the table's creation and the table has otherwise: one log entry for each kind of difference.</summary>
    IEnumerable<LogEntry> FindDifferences(TablePlan plan);

    /// <summary>How the table wants its data files.</summary>
    /// <exception cref="UnsupportedTableException">A setting cannot be read.</exception>
    FileSettings FileSettings { get; }

    /// <summary>How often and how long a commit is tried again.</summary>
    /// <exception cref="UnsupportedTableException">A setting cannot be read.</exception>
    CommitRetry CommitRetry { get; }

    /// <summary>A property of the table; null where it is not set.</summary>
    string? FindProperty(string name);

    /// <summary>Rows of the current state; null where the table does not say.</summary>
    long? RowCount { get; }

    /// <summary>Prepares a change that adds files and removes others, and writes what all of its attempts share.</summary>
    /// <param name="files">Durable files, each new to the table. None for a commit that brings only a ledger.</param>
    /// <param name="removed">Files that the change takes out. Whether the table still holds them is for each attempt to find out.</param>
    /// <remarks>Durability: what it writes is durable when it returns, and nothing refers to it. It changes nothing in the table.</remarks>
    ValueTask<ITableChange> PrepareAsync(IReadOnlyList<WrittenFile> files, ImmutableHashSet<string> removed, IIdSource ids, CancellationToken cancellationToken);

    /// <summary>The files in the current state that these commits added, each with the commit's id; no entry for a commit of which none is left.</summary>
    /// <remarks>Files that somebody compacted or rewrote are no longer of the commit that added them first.</remarks>
    ValueTask<ILookup<SnapshotId, WrittenFile>> FindAddedAsync(IReadOnlySet<SnapshotId> commits, CancellationToken cancellationToken);

    /// <summary>Why files cannot be taken out of the current state; null where they can.</summary>
    ValueTask<FileFault?> FindFaultAsync(ImmutableHashSet<string> removed, CancellationToken cancellationToken);

    /// <summary>Descriptions of files, in full, for one who commits them later.</summary>
    byte[] WriteDescriptions(IReadOnlyCollection<WrittenFile> files);

    /// <summary>What <see cref="WriteDescriptions"/> wrote for a table of the same <see cref="TableBinding.Shape"/>.</summary>
    /// <param name="origin">What messages call the text.</param>
    /// <exception cref="InvalidTableException">The bytes are no such descriptions.</exception>
    IReadOnlyList<WrittenFile> ReadDescriptions(string shape, byte[] bytes, string origin);
}
