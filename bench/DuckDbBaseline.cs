using System.Text.Json;
using Matih.Fixtures;

namespace Matih.Bench;

/// <summary>DuckDB in Node, with one thread: the converter that W1 is measured against, and the checker of every output.</summary>
public sealed class DuckDbBaseline(string modulesFolder)
{
    private readonly string _script = Path.Combine(SourceTree.Root, "bench", "duckdb.mjs");

    /// <summary>CPU seconds of a whole process that converts NDJSON to Parquet zstd.</summary>
    public async Task<double> ConvertAsync(string input, string output) =>
        (await CpuTime.OfProcessAsync("node", [_script, modulesFolder, "convert", input, output])).Seconds;

    /// <summary>Fails where the Parquet files do not hold exactly the workload's records.</summary>
    public async Task VerifyAsync(string glob, WorkloadFacts facts)
    {
        var output = (await ExternalProcess.RunAsync("node", [_script, modulesFolder, "verify", glob])).Expect().StandardOutput;
        var found = JsonDocument.Parse(output).RootElement;
        var (records, cents, ids) = (Number(found, "records"), Number(found, "cents"), Number(found, "ids"));
        if ((records, cents, ids) != (facts.Records, facts.AmountCents, facts.Records))
            throw new InvalidOperationException($"{glob}: {records} records, {cents} cents, {ids} ids; expected {facts}.");
    }

    /// <summary>A process that holds the input as a table in memory and writes it to Parquet on demand.</summary>
    public async Task<DuckDbEncoder> LoadAsync(string input, string output)
    {
        var process = ExternalProcess.Start("node", [_script, modulesFolder, "encode", input, output], keepInputOpen: true);
        await process.Output.WaitForAsync("loaded", TimeSpan.FromMinutes(5));
        return new DuckDbEncoder(process);
    }

    internal static long Number(JsonElement json, string name) => (long)json.GetProperty(name).GetDouble();
}

/// <summary>DuckDB with the workload in memory.</summary>
public sealed class DuckDbEncoder(ExternalProcess process) : IAsyncDisposable
{
    private int _answers;

    /// <summary>CPU seconds of one write of the table to Parquet zstd, and the file's size.</summary>
    public async Task<(double Seconds, long Bytes)> EncodeAsync()
    {
        _answers++;
        await process.Input.WriteLineAsync("go");
        await process.Input.FlushAsync();
        var seen = 0;
        var line = await process.Output.WaitForAsync(text => text.Contains("cpu", StringComparison.Ordinal) && ++seen == _answers);
        var answer = JsonDocument.Parse(line).RootElement;
        return (answer.GetProperty("cpu").GetDouble(), DuckDbBaseline.Number(answer, "bytes"));
    }

    public ValueTask DisposeAsync() => process.DisposeAsync();
}
