using System.Collections.Immutable;
using Matih.Delivery.Tables;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Iceberg;
using Matih.Parquet;
using Matih.Planning;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Delivery.IcebergTables;

/// <summary>The Iceberg table that a flow writes, in its catalog.</summary>
internal sealed class IcebergTable(ICatalog catalog, TablePlan plan) : IFlowTable
{
    public string CatalogName => catalog.Name;

    public async ValueTask<ITableVersion?> LoadAsync(CancellationToken cancellationToken) =>
        await catalog.LoadAsync(plan.Identifier, cancellationToken) is { } table ? new IcebergVersion(catalog, OnBranch(table)) : null;

    /// <exception cref="PipelineException">There is a tag of that name, or the catalog keeps no branches.</exception>
    private Table OnBranch(Table table)
    {
        if (plan.Branch == SnapshotRef.Main) return table;
        if (!table.Traits.KeepsHistory)
            throw PipelineException.Refused($"The {catalog.Name} keeps no branches of table {table.Identifier}, and the sink says branch: {plan.Branch}.", "Leave `branch` out, or use a catalog that keeps snapshots and refs.");
        if (table.Metadata.Refs.TryGetValue(plan.Branch, out var found) && found.Kind == SnapshotRefKind.Tag)
            throw PipelineException.Refused($"'{plan.Branch}' is a tag of table {table.Identifier}, and the sink says branch: {plan.Branch}.", "Give the branch another name, or remove the tag.");
        return table with { Branch = plan.Branch };
    }

    public async ValueTask<(ITableVersion Table, bool IsCreated)> CreateAsync(CancellationToken cancellationToken)
    {
        var schema = Schema.FromRow(plan.Rows, plan.Key);
        var spec = PartitionSpec.Create(schema, plan.PartitionBy.Select(request => (request.Column, request.Transform, request.Name)));
        var (table, isCreated) = await catalog.CreateAsync(plan.Identifier, new NewTable(schema, spec, plan.Defaults.SetItems(plan.Properties), plan.FormatVersion ?? TableMetadata.FormatVersionDefault), cancellationToken);
        return (new IcebergVersion(catalog, OnBranch(table)), isCreated);
    }

    public async ValueTask<bool> TrySetPropertiesAsync(ITableVersion table, ImmutableSortedDictionary<string, string> properties, CancellationToken cancellationToken)
    {
        return await catalog.CommitAsync(((IcebergVersion)table).Loaded, [new TableRequirement.AssertTableUuid(table.TableUuid)], [new TableUpdate.SetProperties(properties)], cancellationToken) is CommitResult.Committed;
    }

    public async ValueTask<bool> TryEvolveAsync(ITableVersion table, TableEvolution evolution, CancellationToken cancellationToken)
    {
        var loaded = ((IcebergVersion)table).Loaded;
        TableRequirement[] requirements =
        [
            new TableRequirement.AssertTableUuid(table.TableUuid),
            new TableRequirement.AssertCurrentSchemaId(loaded.Metadata.CurrentSchemaId),
            new TableRequirement.AssertLastAssignedFieldId(loaded.Metadata.LastColumnId),
        ];
        var schema = ((IcebergEvolution)evolution).Evolution.Schema;
        List<TableUpdate> updates = [new TableUpdate.AddSchema(schema), new TableUpdate.SetCurrentSchema(TableUpdate.LastAdded)];
        if (NameMapping.Find(loaded.Metadata) is { } names)
            updates.Add(new TableUpdate.SetProperties(ImmutableSortedDictionary<string, string>.Empty.Add(NameMapping.Property, names.With(schema).Write())));
        return await catalog.CommitAsync(loaded, requirements, updates, cancellationToken) is CommitResult.Committed;
    }
}

/// <summary>A schema that the table is to get.</summary>
internal sealed record IcebergEvolution(SchemaEvolution Evolution) : TableEvolution(Evolution.Changes);

/// <summary>A data file as manifests describe it.</summary>
internal sealed record IcebergFile(DataFile File) : WrittenFile(File.Path, File.RecordCount, File.FileSizeBytes);

/// <summary>An Iceberg table as it stood when it was loaded.</summary>
internal sealed class IcebergVersion(ICatalog catalog, Table table) : IcebergHistory(table), ITableVersion
{
    public Table Loaded => Table;

    public string? FindProperty(string name) => Table.Metadata.Properties.GetValueOrDefault(name);

    public TableBinding Bind(TablePlan plan) => IcebergBinding.Bind(plan, Table);

    public TableEvolution? FindEvolution(TablePlan plan) => IcebergBinding.FindEvolution(plan, Table) is { } found ? new IcebergEvolution(found) : null;

    public void RequireFit(TablePlan plan) => IcebergBinding.RequireFit(plan, Table);

    public IEnumerable<LogEntry> FindDifferences(TablePlan plan) => IcebergDifferences.Find(plan, Table);

    private TableSettings Settings => new(Table.Metadata.Properties);

    public FileSettings FileSettings => new(ParquetSettings(Settings), Settings.TargetFileBytes, Settings.DistributionMode != DistributionMode.None);

    public CommitRetry CommitRetry => new(Settings.CommitRetryCountMax, Settings.CommitRetryTotalMax, Settings.CommitRetryWaitMin, Settings.CommitRetryWaitMax);

    public long? RowCount => Table.Head is { } head ? SnapshotTotals.Of(head.Summary)?.Records : 0;

    internal static ParquetWriterSettings ParquetSettings(TableSettings table) => new()
    {
        Compression = table.ParquetCompressionCodec switch
        {
            "zstd" => ParquetCompression.Zstd,
            "gzip" => ParquetCompression.Gzip,
            _ => ParquetCompression.None,
        },
        ZstdLevel = table.ParquetCompressionCodec == "zstd" ? table.ParquetCompressionLevel ?? ParquetWriterSettings.Default.ZstdLevel : ParquetWriterSettings.Default.ZstdLevel,
        UncompressedBytesMax = table.NamesParquetCodec ? 0 : ParquetWriterSettings.Default.UncompressedBytesMax,
        RowGroupBytes = table.ParquetRowGroupBytes,
        PageBytes = (int)Math.Min(table.ParquetPageBytes, 64 << 20),
        PageRowCountMax = Math.Min(table.ParquetPageRowsMax, 10_000_000),
        DictionaryBytesMax = (int)Math.Min(table.ParquetDictionaryBytes, 64 << 20),
    };

    public async ValueTask<ITableChange> PrepareAsync(IReadOnlyList<WrittenFile> files, ImmutableHashSet<string> removed, IIdSource ids, CancellationToken cancellationToken)
    {
        var removal = new FileRemoval(removed, KeepsRows: false);
        return new IcebergChange(catalog, await PreparedChange.PrepareAsync(Table, [.. files.Select(Plain)], removal, ids, cancellationToken), [.. files]);
    }

    /// <remarks>Manifests say which snapshot added a file, and keep that when they are rewritten.</remarks>
    public async ValueTask<ILookup<SnapshotId, WrittenFile>> FindAddedAsync(IReadOnlySet<SnapshotId> commits, CancellationToken cancellationToken)
    {
        var found = new List<(SnapshotId Commit, WrittenFile File)>();
        var manifests = (await ManifestsAsync(cancellationToken)).Where(manifest => manifest.Content == ManifestContent.Data);
        await foreach (var (_, contents) in SnapshotReader.ContentsAsync(Table, manifests, cancellationToken))
        {
            foreach (var entry in contents.Entries)
                if (entry.IsLive && commits.Contains(entry.SnapshotId)) found.Add((entry.SnapshotId, new IcebergFile(entry.File)));
        }
        return found.ToLookup(item => item.Commit, item => item.File);
    }

    public async ValueTask<FileFault?> FindFaultAsync(ImmutableHashSet<string> removed, CancellationToken cancellationToken) =>
        IcebergChange.FaultOf((await new RemovalSearch(new FileRemoval(removed, KeepsRows: false)).FindAsync(Table, await ManifestsAsync(cancellationToken), cancellationToken)).Fault);

    private async ValueTask<IReadOnlyList<ManifestFile>> ManifestsAsync(CancellationToken cancellationToken) =>
        Table.Head is { } head ? await SnapshotReader.ManifestsAsync(Table, head, cancellationToken) : [];

    public byte[] WriteDescriptions(IReadOnlyCollection<WrittenFile> files) => DataFileList.Write(Table, [.. files.Select(Plain)]);

    public IReadOnlyList<WrittenFile> ReadDescriptions(string shape, byte[] bytes, string origin) =>
        [.. DataFileList.Read(Table, IcebergBinding.SpecIdOf(shape), bytes, origin).Select(file => new IcebergFile(file))];

    private static DataFile Plain(WrittenFile file) => ((IcebergFile)file).File;
}
