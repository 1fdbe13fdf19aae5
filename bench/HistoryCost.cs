using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using Matih.Delivery;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Storage;
using RestServer = Matih.Fixtures.RestCatalog;

namespace Matih.Bench;

/// <summary>
/// Workload W10: the engine's own commits (a ledger of four partitions, one small data file, the tag moved) on a table with
/// ten snapshots, against the same on one with thousands. Both tables have as many manifests. CPU is this process's;
/// a REST server is another process, whose work is in the time by the clock.
/// </summary>
public sealed class HistoryCost
{
    private const int FewSnapshots = 10;

    public async Task RunAsync(int rounds, int commitsPerRound, IReadOnlyList<string> catalogs, int manySnapshots)
    {
        foreach (var name in catalogs)
        {
            await using var few = await Side.StartAsync(name, FewSnapshots);
            await using var many = await Side.StartAsync(name, manySnapshots);
            await CompareAsync(name, few, many, Math.Max(rounds, Comparison.RoundsMin), commitsPerRound);
        }
    }

    private static async Task CompareAsync(string name, Side few, Side many, int rounds, int commitsPerRound)
    {
        Console.WriteLine(Format($"== W10, {name} catalog: a commit at {few.Snapshots:N0} and at {many.Snapshots:N0} snapshots, {commitsPerRound} commits a round"));
        var (fewCpu, manyCpu, fewTime, manyTime) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round <= rounds; round++)
        {
            var a = await few.RoundAsync(commitsPerRound);
            var b = await many.RoundAsync(commitsPerRound);
            if (round == 0) continue;
            fewCpu.Add(a.CpuMillis);
            manyCpu.Add(b.CpuMillis);
            fewTime.Add(a.Millis);
            manyTime.Add(b.Millis);
        }
        Report("CPU", fewCpu, manyCpu);
        Report("time", fewTime, manyTime);
        Console.WriteLine(Format($"   BYTES: the metadata file has {few.MetadataBytes:N0} and {many.MetadataBytes:N0} bytes"));

        void Report(string what, List<double> few, List<double> many)
        {
            var ratios = new Spread(few.Zip(many, (a, b) => b / a));
            Console.WriteLine(Format(
                $"   RATIO {name}, {what}: median {ratios.Median:F2}, quartiles {ratios.Quantile(0.25):F2} to {ratios.Quantile(0.75):F2}, range {ratios.Least:F2} to {ratios.Greatest:F2}, {ratios.Count} rounds; a commit {new Spread(few).Median:F2} ms and {new Spread(many).Median:F2} ms (medians)"));
        }
    }

    private static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>A table, its catalog and the flow that commits to it.</summary>
    private sealed class Side(string folder, FlowCommits commits, RestServer? server, HttpMessageHandler handler) : IAsyncDisposable
    {
        public int Snapshots { get; } = commits.Table.Metadata.Snapshots.Length;

        public long MetadataBytes => new FileInfo(LocalPath.Of(commits.Table.MetadataLocation)).Length;

        public static async Task<Side> StartAsync(string name, int snapshotCount)
        {
            var folder = TemporaryDirectory.NewUnowned();
            var environment = SystemEnvironment.Create(HostSettings.OfProcess());
            var store = new LocalStore(environment.Ids);
            var server = name == "rest" ? await RestServer.StartAsync(folder) : null;
            var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false };
            ICatalog catalog = server is null ? new FileCatalog(store, folder, environment.Ids, environment.Clock) : RequestCost.OpenRest(server, handler, store, environment);
            var commits = await FlowCommits.StartAsync(folder, environment, catalog, store);
            await commits.NextAsync();
            await commits.NextAsync();
            var grown = await GrowAsync(commits.Table, name == "file-gzip" ? "gzip" : "none", snapshotCount, environment.Ids, isOurs: server is null);
            if (server is not null) await RegisterAsync(server, commits.Table.Identifier, grown);
            await commits.ReloadAsync();
            return new Side(folder, commits, server, handler);
        }

        private static async Task<string> GrowAsync(Table table, string codec, int snapshotCount, IIdSource ids, bool isOurs)
        {
            var folder = $"{table.Metadata.Location.TrimEnd('/')}/metadata";
            Func<int, string> file = isOurs
                ? version => string.Create(CultureInfo.InvariantCulture, $"{folder}/v{version + 1}.metadata.json")
                : version => string.Create(CultureInfo.InvariantCulture, $"{folder}/{version:00000}-{Guid.NewGuid():D}.metadata.json");
            var grown = TableHistory.Grow(table.Metadata, snapshotCount, ids, file);
            grown = grown with { Properties = grown.Properties.SetItem("write.metadata.compression-codec", codec) };
            TableHistory.FillFolder(LocalPath.Of(folder), grown, isOurs ? version => LocalPath.Of(file(version)) : null, ids);
            var newest = file(snapshotCount);
            await File.WriteAllBytesAsync(LocalPath.Of(newest), CatalogMetadata.Write(grown, isZipped: false).ToArray());
            return newest;
        }

        /// <summary>The server takes the metadata file for the table's.</summary>
        private static async Task RegisterAsync(RestServer server, TableIdentifier identifier, string metadataFile)
        {
            using var http = new HttpClient();
            var space = $"{server.Uri}/v1/namespaces/{string.Join("%1F", identifier.Namespace)}";
            using var dropped = await http.DeleteAsync(new Uri($"{space}/tables/{identifier.Name}?purgeRequested=false"));
            dropped.EnsureSuccessStatusCode();
            using var registered = await http.PostAsJsonAsync(new Uri($"{space}/register"), new Dictionary<string, string> { ["name"] = identifier.Name, ["metadata-location"] = metadataFile });
            if (!registered.IsSuccessStatusCode) throw new InvalidOperationException($"The server did not register {metadataFile}: {await registered.Content.ReadAsStringAsync()}");
        }

        /// <summary>CPU and time of a commit, as means of a round; the table is looked at afterwards.</summary>
        public async Task<(double CpuMillis, double Millis)> RoundAsync(int count)
        {
            var before = commits.Table.Metadata.Snapshots.Length;
            var elapsed = TimeSpan.Zero;
            var cpu = await CpuTime.OfWorkAsync(async () =>
            {
                var startedAt = Stopwatch.GetTimestamp();
                for (var i = 0; i < count; i++) await commits.NextAsync();
                elapsed = Stopwatch.GetElapsedTime(startedAt);
            });
            // The memory of their pages is used again, as on a machine that has run for long; fresh pages cost a virtual machine several times a copy.
            foreach (var old in commits.Table.Metadata.MetadataLog.SkipLast(1)) File.Delete(LocalPath.Of(old.MetadataFile));
            var after = commits.Table.Metadata.Snapshots.Length;
            if (after != before + count) throw new InvalidOperationException($"{count} commits on {before} snapshots left {after}.");
            return (cpu * 1000 / count, elapsed.TotalMilliseconds / count);
        }

        public async ValueTask DisposeAsync()
        {
            handler.Dispose();
            if (server is not null) await server.DisposeAsync();
            TemporaryDirectory.Delete(folder);
        }
    }
}
