using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Matih.Delivery.Ledgers;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Bench;

/// <summary>
/// Makes the metadata that a table has after many commits of a pipeline, without making them: each snapshot says what the
/// newest real one says, with ids of its own. The newest has the real one's ledger and files.
/// </summary>
internal static partial class TableHistory
{
    private const int MetadataLogCount = 100;

    /// <param name="metadataFile">The name of the metadata file of a version.</param>
    public static TableMetadata Grow(TableMetadata real, int snapshotCount, IIdSource ids, Func<int, string> metadataFile)
    {
        var model = real.CurrentSnapshot!;
        var snapshots = new Snapshot[snapshotCount];
        for (var i = 0; i < snapshotCount; i++)
        {
            var id = new SnapshotId(ids.NewSnapshotId());
            var isNewest = i == snapshotCount - 1;
            var list = isNewest ? model.ManifestList! : ListFile().Replace(model.ManifestList!, $"/snap-{id}-1-{ids.NewUuid():D}.avro");
            snapshots[i] = new Snapshot(
                id, i == 0 ? null : snapshots[i - 1].Id, i + 1, model.TimestampMillis - 1000L * (snapshotCount - i), list, isNewest ? model.Summary : Summary(model, ids), model.SchemaId);
        }
        var newest = snapshots[^1].Id;
        return real with
        {
            LastSequenceNumber = Math.Max(real.LastSequenceNumber, snapshotCount),
            CurrentSnapshotId = newest,
            Snapshots = [.. snapshots],
            SnapshotLog = [.. snapshots.Select(snapshot => new SnapshotLogEntry(snapshot.TimestampMillis, snapshot.Id))],
            MetadataLog = [.. snapshots.Index().TakeLast(MetadataLogCount).Select(item => new MetadataLogEntry(item.Item.TimestampMillis, metadataFile(item.Index)))],
            Refs = real.Refs.SetItems(real.Refs.Select(entry => KeyValuePair.Create(entry.Key, entry.Value with { SnapshotId = newest }))),
        };
    }

    /// <summary>Names in the table's metadata folder that so many commits leave there: metadata (where our own), manifest lists, manifests.</summary>
    public static void FillFolder(string folder, TableMetadata grown, Func<int, string>? metadataFile, IIdSource ids)
    {
        for (var i = 0; i < grown.Snapshots.Length; i++)
        {
            if (metadataFile is not null) Touch(metadataFile(i));
            Touch(Path.Combine(folder, Path.GetFileName(grown.Snapshots[i].ManifestList!)));
            Touch(Path.Combine(folder, $"{ids.NewUuid():D}-m0.avro"));
        }

        static void Touch(string path)
        {
            if (!File.Exists(path)) File.WriteAllBytes(path, []);
        }
    }

    private static OrderedDictionary<string, string> Summary(Snapshot model, IIdSource ids)
    {
        var summary = new OrderedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in model.Summary)
            summary[key] = LedgerKeys.IsLedger(key) ? Number().Replace(CommitId().Replace(value, found => $"{found.Groups[1].Value}{ids.NewUuid():D}"), found => Digits(found.Length, ids)) : value;
        return summary;
    }

    /// <summary>Another number of as many digits: offsets and counts differ from commit to commit, and compress less than equal ones.</summary>
    private static string Digits(int count, IIdSource ids) => ids.NewSnapshotId().ToString(CultureInfo.InvariantCulture).PadLeft(count, '1')[^count..];

    [GeneratedRegex("(?<=[:,\\[])[0-9]{4,13}(?=[,\\]}])")]
    private static partial Regex Number();

    [GeneratedRegex("/snap-[^/]*\\.avro$")]
    private static partial Regex ListFile();

    [GeneratedRegex("(\"(?:commit|base)\": ?\")[0-9a-f-]{36}")]
    private static partial Regex CommitId();
}
