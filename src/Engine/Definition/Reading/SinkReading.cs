using System.Collections.Immutable;
using Matih.Definition.Format;
using Matih.Definition.Shapes;

namespace Matih.Definition.Reading;

/// <summary>Turns <c>sinks:</c> into <see cref="SinkDefinition"/>s whose input and catalog exist.</summary>
internal sealed class SinkReading(
    CatalogReading catalogs, IReadOnlyList<string> sources, ImmutableArray<BoundMapping> steps, bool areStepsSound, ReadState state)
{
    public ImmutableArray<SinkDefinition> Read(ImmutableArray<NamedMapping> entries) => [.. entries.Select(ReadOne).OfType<SinkDefinition>()];

    private SinkDefinition? ReadOne(NamedMapping entry)
    {
        var sink = entry.Values;
        if (!sink.Has(SinkKeys.Type)) return null;
        var input = ResolveInput(sink);
        var place = catalogs.Resolve(sink);
        CheckPartitions(sink);
        CheckKey(sink);
        var properties = ReadProperties(sink);
        if (input is null || place is not { } target || !sink.IsWhole) return null;
        return new SinkDefinition
        {
            Name = entry.Name,
            Input = input,
            Catalog = target.Catalog,
            Table = target.Table,
            Mode = sink.Get(SinkKeys.Mode),
            Key = sink.Get(SinkKeys.KeyColumns),
            PartitionBy = sink.Get(SinkKeys.PartitionBy),
            Properties = properties,
            PropertyPlaces = sink.Get(SinkKeys.Properties).ToImmutableDictionary(pair => pair.Key, pair => new PropertyPlace(pair.Position, pair.Path)),
            CreatesTable = sink.Get(SinkKeys.Create),
            Branch = sink.Get(SinkKeys.Branch),
            SchemaEvolution = sink.Get(SinkKeys.SchemaEvolution),
            SnapshotProperties = ReadSnapshotProperties(sink),
            TargetFileBytes = sink.Get(SinkKeys.TargetFileSize) is > 0 and var bytes ? bytes : null,
            Maintenance = ReadMaintenance(sink),
            Position = sink.Position,
            TablePosition = sink.PositionOf(SinkKeys.Table),
        };
    }

    private static MaintenanceDefinition ReadMaintenance(BoundMapping sink) => sink.Get(SinkKeys.Maintenance) is not { } given ? MaintenanceDefinition.Default : new(
        given.Get(MaintenanceKeys.Mode), given.Get(MaintenanceKeys.Retention) is var retention && retention > TimeSpan.Zero ? retention : null,
        given.Get(MaintenanceKeys.Interval), given.Get(MaintenanceKeys.Budget));

    private string? ResolveInput(BoundMapping sink)
    {
        var stepNames = steps.Select(step => step.Get(TransformationKeys.Name)).ToList();
        var isBlind = stepNames.Contains(null!) || sources.Count == 0;
        var choices = sources.Concat(stepNames.Where(name => name is not null)).ToList();
        var (position, path) = (sink.PositionOf(SinkKeys.Input), sink.PathOf(SinkKeys.Input));
        if (sink.IsGiven(SinkKeys.Input))
        {
            if (sink.Get(SinkKeys.Input) is not { } input) return null;
            if (choices.Contains(input)) return input;
            if (!isBlind) state.Report(position, path, TransformationReading.Unknown(input, choices));
            return null;
        }
        // A step that leaves its input out reads the only source: what it consumes is no step.
        var consumed = steps.Select(step => step.Get(TransformationKeys.Input)).ToHashSet();
        var ends = stepNames.Where(name => !consumed.Contains(name)).ToList();
        if (stepNames.Count == 0 && sources.Count == 1) return sources[0];
        if (ends.Count == 1) return ends[0];
        if (!isBlind && areStepsSound) state.Report(position, path, $"is missing, and there are several to choose from: {string.Join(", ", choices)}");
        return null;
    }

    private void CheckPartitions(BoundMapping sink)
    {
        var seen = new HashSet<(PartitionTransform, string)>();
        foreach (var entry in sink.Get(SinkKeys.PartitionBy))
            if (!seen.Add((entry.Transform, entry.Column)))
                state.Report(entry.Position, sink.PathOf(SinkKeys.PartitionBy), $"the entry '{entry.Text}' stands twice");
    }

    private void CheckKey(BoundMapping sink)
    {
        var isUpsert = sink.Get(SinkKeys.Mode) == SinkMode.Upsert;
        var key = sink.Get(SinkKeys.KeyColumns);
        if (isUpsert && !sink.IsGiven(SinkKeys.KeyColumns))
            state.Report(sink.PositionOf(SinkKeys.Mode), sink.PathOf(SinkKeys.Mode), "upsert needs 'key', the columns that identify a row, for example 'key: [id]'");
        else if (isUpsert && sink.Has(SinkKeys.KeyColumns) && key.IsEmpty)
            state.Report(sink.PositionOf(SinkKeys.KeyColumns), sink.PathOf(SinkKeys.KeyColumns), "has no column; upsert needs those that identify a row, for example [id]");
        else if (!isUpsert && sink.IsGiven(SinkKeys.KeyColumns))
            state.Report(sink.PositionOf(SinkKeys.KeyColumns), sink.PathOf(SinkKeys.KeyColumns), "has no meaning with mode append; use mode upsert, or leave it out");
        if (key.Distinct(StringComparer.Ordinal).Count() != key.Length)
            state.Report(sink.PositionOf(SinkKeys.KeyColumns), sink.PathOf(SinkKeys.KeyColumns), "names a column twice");
    }

    private ImmutableSortedDictionary<string, string> ReadProperties(BoundMapping sink)
    {
        var properties = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var pair in sink.Get(SinkKeys.Properties))
        {
            if (pair.Key.StartsWith("matih.", StringComparison.Ordinal))
                state.Report(pair.Position, pair.Path, "names that begin with 'matih.' are reserved for the ledger");
            else properties[pair.Key] = pair.Value;
        }
        return properties.ToImmutable();
    }

    /// <summary>Keys by which engines tell what a snapshot did would make readers believe what is not so.</summary>
    private ImmutableSortedDictionary<string, string> ReadSnapshotProperties(BoundMapping sink)
    {
        var properties = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var pair in sink.Get(SinkKeys.SnapshotProperties))
        {
            if (pair.Key.StartsWith("matih.", StringComparison.Ordinal))
                state.Report(pair.Position, pair.Path, "names that begin with 'matih.' are reserved for the ledger");
            else if (IsOfFormat(pair.Key))
                state.Report(pair.Position, pair.Path, "is a key by which Iceberg itself says what a snapshot did; give it another name, for example with a prefix of your own");
            else properties[pair.Key] = pair.Value;
        }
        return properties.ToImmutable();
    }

    /// <remarks>Source: Apache Iceberg table spec, Appendix F, "Optional Snapshot Summary Fields", and the reference implementation's SnapshotSummary.</remarks>
    private static bool IsOfFormat(string key) =>
        key is "operation" or "changed-partition-count" or "manifests-created" or "manifests-kept" or "manifests-replaced" or "entries-processed" or "source-snapshot-id" or "published-wap-id" or "wap.id"
            or "partition-summaries-included" or "replace-partitions"
        || new[] { "added-", "deleted-", "removed-", "total-", "partitions.", "flink." }.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal));
}
