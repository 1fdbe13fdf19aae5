using System.Collections.Immutable;

namespace Matih.Iceberg;

/// <summary>Data files that a change takes out of a table while it adds others.</summary>
/// <param name="Paths">The files, as the manifests name them.</param>
/// <param name="KeepsRows">
/// Whether the added files hold the very same rows (compaction: operation <c>replace</c>, which readers of changes pass over)
/// or others (operation <c>overwrite</c>, or <c>delete</c> where nothing is added).
/// </param>
internal sealed record FileRemoval(ImmutableHashSet<string> Paths, bool KeepsRows)
{
    public static FileRemoval None { get; } = new([], KeepsRows: false);

    /// <summary>
    /// Files whose rows had no ids when their rows went into the added files. Where a commit has given them ids since, the
    /// added files lack those.
    /// </summary>
    public ImmutableHashSet<string> WithoutRowIds { get; init; } = [];

    /// <summary>
    /// Delete files, by <see cref="Manifests.DataFile.DeleteName"/>, whose rows the added files leave out already. All of them must still be part of the table: where it was
    /// rolled back past one, the rows that it had deleted are there again.
    /// </summary>
    public ImmutableHashSet<string> AppliedDeletes { get; init; } = [];

    /// <summary>The word for the snapshot's summary.</summary>
    /// <remarks>Source: Apache Iceberg table spec, "Snapshots", field <c>operation</c>.</remarks>
    internal string Operation(bool addsFiles) =>
        KeepsRows ? "replace" : Paths.IsEmpty ? "append" : addsFiles ? "overwrite" : "delete";
}
