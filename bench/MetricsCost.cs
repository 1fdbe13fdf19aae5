using System.Net;
using System.Net.Sockets;
using Matih.Fixtures;

namespace Matih.Bench;

/// <summary>
/// What metrics cost: workload W1 end to end with the metrics page scraped every second, against the same without a listener.
/// With <c>scrape=no</c> neither is scraped, so that two executables are compared.
/// </summary>
/// <param name="against">The executable of the other side.</param>
public sealed class MetricsCost(string matih, string against, bool scrapes, DuckDbBaseline duckDb, string input, WorkloadFacts facts, int partitions)
{
    private static readonly TimeSpan ScrapeInterval = TimeSpan.FromSeconds(1);

    public async Task RunAsync(int rounds)
    {
        await using var broker = await KafkaBroker.StartAsync();
        var client = await broker.ClientAsync();
        await client.CreateTopicAsync("w1", partitions);
        await client.ProduceFileAsync("w1", input, partitions);
        var folder = TemporaryDirectory.NewUnowned();
        try
        {
            var pipeline = new PipelineProcess(broker, folder, duckDb, facts, partitions);
            var comparison = new Comparison(
                scrapes ? "W1 with a scrape every second, against without metrics" : $"W1 by {matih}, against {against}",
                new Contender(scrapes ? "scraped" : "matih", () => scrapes ? RunScrapedAsync(pipeline) : pipeline.RunAsync(matih, "--health", "off")),
                new Contender("without", () => pipeline.RunAsync(against, "--health", "off")),
                facts.Records);
            await comparison.RunAsync(rounds);
        }
        finally
        {
            TemporaryDirectory.Delete(folder);
        }
    }

    private async Task<double> RunScrapedAsync(PipelineProcess pipeline)
    {
        var port = FreePort();
        using var end = new CancellationTokenSource();
        var scraping = ScrapeAsync(new Uri($"http://127.0.0.1:{port}/metrics"), end.Token);
        var seconds = await pipeline.RunAsync(matih, "--health", $"{port}");
        await end.CancelAsync();
        if (await scraping == 0) throw new InvalidOperationException("The page was never read: the run is too short.");
        return seconds;
    }

    /// <returns>How many pages were read.</returns>
    private static async Task<int> ScrapeAsync(Uri page, CancellationToken cancellationToken)
    {
        using var client = new HttpClient();
        var count = 0;
        try
        {
            while (true)
            {
                await Task.Delay(ScrapeInterval, cancellationToken);
                try
                {
                    var text = await client.GetStringAsync(page, cancellationToken);
                    if (text.Contains("matih_records_read_total", StringComparison.Ordinal)) count++;
                }
                catch (HttpRequestException)
                {
                    // The process is not there yet, or no longer.
                }
            }
        }
        catch (OperationCanceledException)
        {
            return count;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
