using System.Globalization;
using Matih.Connectors.Rest;
using Matih.Connectors.Sql;
using Matih.Definition;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Iceberg.Catalogs;
using Matih.Storage;
using RestServer = Matih.Fixtures.RestCatalog;

namespace Matih.Bench;

/// <summary>
/// How many requests a commit makes, and how many bytes they carry, with each kind of catalog: the engine's own commits (a
/// ledger of four partitions, one data file), each of which loads the table first, as those of a run do.
/// </summary>
public sealed class RequestCost
{
    /// <summary>As many as go by between two merges of manifests, so that one is counted.</summary>
    private const int Measured = 100;

    private const double SecondsOfMonth = 30 * 24 * 3600;

    // bench/README.md says where these prices come from.
    private const double S3Write = 0.005 / 1000, S3Read = 0.0004 / 1000, BlobWrite = 0.055 / 10_000, BlobRead = 0.0044 / 10_000;

    public async Task RunAsync(IReadOnlyList<string> catalogs, IReadOnlyList<int> snapshotCounts)
    {
        Console.WriteLine($"requests per commit, mean of {Measured}, after so many snapshots:");
        Console.WriteLine("| Catalog | Snapshots | PUT | GET | HEAD | LIST | DELETE | to the catalog | sent | received | S3, a commit a second | a minute | Blob, a commit a second | a minute |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (var name in catalogs)
        {
            var folder = TemporaryDirectory.NewUnowned();
            try
            {
                await MeasureAsync(name, folder, snapshotCounts);
            }
            finally
            {
                TemporaryDirectory.Delete(folder);
            }
        }
    }

    private static async Task MeasureAsync(string name, string folder, IReadOnlyList<int> snapshotCounts)
    {
        var environment = SystemEnvironment.Create(HostSettings.OfProcess());
        var count = new RequestCount();
        var store = new CountingStore(new LocalStore(environment.Ids), count);
        await using var server = name == "rest" ? await RestServer.StartAsync(folder) : null;
        using var handler = new CountingHandler(count);
        await using var database = new CountingDatabase(new SqliteCatalogDatabase(new SqlDatabase.Sqlite(Path.Combine(folder, "catalog.db"))), count);
        ICatalog catalog = name switch
        {
            "file" => new FileCatalog(store, folder, environment.Ids, environment.Clock),
            "rest" => OpenRest(server!, handler, store, environment),
            _ => new SqlCatalog(new CatalogDefinition.Sql("lake", new SqlDatabase.Sqlite(""), folder, "lake"), database, store, environment.Ids, environment.Clock),
        };
        var commits = await FlowCommits.StartAsync(folder, environment, catalog, store);
        foreach (var snapshots in snapshotCounts)
        {
            while (commits.Count < snapshots) await commits.NextAsync();
            var before = count.Copy();
            for (var i = 0; i < Measured; i++) await commits.NextAsync();
            Console.WriteLine($"| `{name}` | {snapshots.ToString("N0", CultureInfo.InvariantCulture)} | {count.PerCommit(before, Measured)} | {Costs(S3Write, S3Read)} | {Costs(BlobWrite, BlobRead)} |");

            string Costs(double write, double read) => string.Create(
                CultureInfo.InvariantCulture,
                $"${count.Cost(before, Measured, SecondsOfMonth, write, read):0.00} | ${count.Cost(before, Measured, SecondsOfMonth / 60, write, read):0.00}");
        }
    }

    internal static Connectors.Rest.RestCatalog OpenRest(RestServer server, HttpMessageHandler handler, IStore store, EngineEnvironment environment)
    {
        if (!EndpointUrl.TryParse(server.Uri, out var uri)) throw new InvalidOperationException($"{server.Uri} is no address.");
        var parts = new RestParts(handler, _ => throw new InvalidOperationException("No keys are needed."), (_, _) => throw new InvalidOperationException("No token is needed."), Lending: null);
        return Connectors.Rest.RestCatalog.Open(new CatalogDefinition.Rest("lake", uri!, null) { IsVendingAsked = false }, store, environment.Ids, environment.Clock, parts);
    }
}
