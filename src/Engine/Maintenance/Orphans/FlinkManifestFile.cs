using System.Globalization;
using System.Text.RegularExpressions;
using Matih.Delivery.Opening;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;

namespace Matih.Maintenance.Orphans;

/// <summary>
/// A manifest of files that a Flink job has written at a checkpoint and not committed yet. The job's state names it: a job that
/// continues from there, days later too, commits the files. So it is needed until the job has committed a later checkpoint.
/// </summary>
/// <param name="Location">As it was listed.</param>
/// <remarks>Source: Iceberg 1.11, <c>ManifestOutputFileFactory</c>: <c>JOB-OPERATOR-SUBTASK-ATTEMPT-CHECKPOINT-COUNT.avro</c>, and a suffix before the ending where a sink writes several tables.</remarks>
internal sealed partial record FlinkManifestFile(string Location, string Job, long Checkpoint)
{
    /// <summary>Null for a file that is called otherwise.</summary>
    public static FlinkManifestFile? Parse(string location) =>
        Pattern().Match(OrphanFolders.NameOf(location)) is { Success: true } match && long.TryParse(match.Groups["checkpoint"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var checkpoint)
            ? new FlinkManifestFile(location, match.Groups["job"].Value, checkpoint)
            : null;

    /// <summary>Whether no commit of the table says that the job is past that checkpoint.</summary>
    public bool MayBeCommitted(TableMetadata metadata) =>
        !metadata.Snapshots.Any(snapshot => FlinkCommit.JobOf(snapshot.Summary) == Job && FlinkCommit.Of(snapshot.Summary) is { } commit && commit.Checkpoint >= Checkpoint);

    /// <summary>The files that it lists.</summary>
    /// <exception cref="InvalidTableException">The bytes are no manifest.</exception>
    public IEnumerable<string> ReadPaths(byte[] bytes)
    {
        var self = new ManifestFile { Path = Location, LengthBytes = bytes.Length, SpecId = PartitionSpec.Unpartitioned.SpecId, AddedSnapshotId = new SnapshotId(0) };
        return ManifestReader.Read(bytes, self, PartitionSpec.Unpartitioned, []).Select(entry => entry.File.Path);
    }

    [GeneratedRegex(@"^(?<job>[0-9a-f]{32})-.+?-\d{5,}-\d+-(?<checkpoint>\d+)-\d{5,}(-.+)?\.avro$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Pattern();
}
