using Matih.Definition;
using Matih.Engine.Simulation.Scenarios;
using Matih.Engine.Simulation.World;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Kafka;
using Matih.Registry;
using Matih.Storage;
using Matih.Verification;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>
/// A second opinion on what a scenario left: verification, which knows only what the table tells, must find nothing wrong where
/// the promise held.
/// </summary>
internal sealed class VerifiedTables(SimulatedWorld world) : IConnectors
{
    /// <exception cref="AuditException">It found a violation.</exception>
    public void Require(PipelineSetup pipeline)
    {
        var report = SimulatedWorld.Completed(new ValueTask<VerificationReport>(new PipelineVerifier(this).VerifyAsync(pipeline.Plan(), new VerificationRequest(IsOffline: true), default)));
        foreach (var flow in report.Flows)
            if (flow.Violations.FirstOrDefault() is { } violation) throw new AuditException($"Verification of {flow.Flow} finds {violation}");
    }

    public IRecordSource OpenSource(SourceDefinition source, long queueBytes) => throw new NotSupportedException("The topic is not asked.");

    public IGroupMember JoinGroup(SourceDefinition source, string group) => throw new NotSupportedException("No group is joined.");

    public IStore OpenStore(CatalogDefinition catalog) => world.View;

    public ICatalog OpenCatalog(CatalogDefinition catalog, IStore store) => new Catalog(world);

    public ISchemaRegistry OpenRegistry(RegistryDefinition registry) => throw new NotSupportedException("No schema is asked for.");

    private sealed class Catalog(SimulatedWorld world) : ICatalog
    {
        public string Name => "the catalog, seen from its own side";

        public ValueTask<Table?> LoadAsync(TableIdentifier identifier, CancellationToken cancellationToken) => new(world.Load(identifier));

        public ValueTask<(Table Table, bool IsCreated)> CreateAsync(TableIdentifier identifier, NewTable table, CancellationToken cancellationToken) =>
            throw new NotSupportedException("Verification creates nothing.");

        public ValueTask<CommitResult> CommitAsync(
            Table baseTable, IReadOnlyList<TableRequirement> requirements, IReadOnlyList<TableUpdate> updates, CancellationToken cancellationToken) =>
            throw new NotSupportedException("Verification changes nothing.");
    }
}
