using System.Collections.Immutable;
using Matih.Delivery.Tables;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;

namespace Matih.Delivery.IcebergTables;

/// <summary>
/// The newest commit of any pipeline, in the properties of a table whose catalog keeps no history: another engine's commit takes
/// our snapshot away, and leaves the properties. They change with the snapshot, in one commit.
/// </summary>
/// <remarks>Nessie keeps one snapshot of a table and refuses tags. It versions properties with it, so that who goes back goes back with both.</remarks>
internal static class NewestCommit
{
    public const string Prefix = "matih.newest.";

    private const string IdProperty = Prefix + "snapshot-id";
    private const string SummaryPrefix = Prefix + "summary.";

    /// <summary>Puts a commit in the place of the one before, whose texts must not stay. Each kind of update comes once: Nessie takes no second one.</summary>
    public static TableUpdate[] Updates(TableMetadata metadata, SnapshotId id, IReadOnlyDictionary<string, string> summary)
    {
        var properties = summary.ToImmutableSortedDictionary(pair => SummaryPrefix + pair.Key, pair => pair.Value, StringComparer.Ordinal).Add(IdProperty, id.ToString());
        ImmutableArray<string> gone = [.. metadata.Properties.Keys.Where(name => name.StartsWith(Prefix, StringComparison.Ordinal) && !properties.ContainsKey(name))];
        return gone.IsEmpty ? [new TableUpdate.SetProperties(properties)] : [new TableUpdate.SetProperties(properties), new TableUpdate.RemoveProperties(gone)];
    }

    /// <summary>That commit, as far as pipelines need it; null where none has committed, or where the catalog keeps history.</summary>
    public static TableSnapshot? Find(Table table)
    {
        if (table.Traits.KeepsHistory || !table.Metadata.Properties.TryGetValue(IdProperty, out var text) || SnapshotId.Parse(text) is not { } id) return null;
        var summary = table.Metadata.Properties.Where(pair => pair.Key.StartsWith(SummaryPrefix, StringComparison.Ordinal))
            .ToImmutableSortedDictionary(pair => pair.Key[SummaryPrefix.Length..], pair => pair.Value, StringComparer.Ordinal);
        return new TableSnapshot(id, null, summary);
    }
}
