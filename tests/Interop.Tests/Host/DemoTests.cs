using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Host;

public sealed partial class DemoTests
{
    [Fact]
    public async Task A_demo_kills_its_worker_and_independent_readers_count_what_was_produced()
    {
        var directory = Path.Combine(TemporaryDirectory.New(), "run");

        var output = (await MatihProcess.RunAsync(["demo", "--for", "5s", "--rate", "5000", "--dir", directory])).Expect(0);

        var produced = Number("produced", output.StandardOutput);
        Assert.True(produced > 1000, output.StandardOutput);
        Assert.Equal(produced, Number("rows", output.StandardOutput));
        Assert.Contains("with SIGKILL", output.StandardError, StringComparison.Ordinal);
        var table = TableLine().Match(output.StandardOutput).Groups[1].Value;
        Assert.Equal(Path.Combine(directory, "warehouse", "analytics", "web", "clickstream_events"), table);
        await IcebergReference.CheckAsync(table);
        Assert.Equal(produced, await IcebergReference.CountAsync(table));
        Assert.Equal(produced, Assert.Single(await DuckDb.QueryAsync($"select count(*)::int n from iceberg_scan('{table}')")).GetProperty("n").GetInt32());
        await ExpectViewsAsync(table, produced, Number("snapshots", output.StandardOutput), Number("files", output.StandardOutput));
    }

    [Fact]
    public async Task Ctrl_c_ends_production_early_and_the_count_still_agrees()
    {
        var directory = Path.Combine(TemporaryDirectory.New(), "run");
        await using var demo = MatihProcess.Start(["demo", "--for", "10m", "--rate", "2000", "--partitions", "2", "--dir", directory]);
        var worker = WorkerId(await demo.Error.WaitForAsync("Worker "));
        await demo.Error.WaitForAsync(line => RowsLine().IsMatch(line));

        // A terminal sends it to both.
        ExternalProcess.Signal(worker, ProcessSignal.Interrupt);
        demo.Send(ProcessSignal.Interrupt);

        var output = (await demo.WaitForExitAsync()).Expect(0);
        Assert.True(Number("produced", output.StandardOutput) > 0);
        Assert.Equal(Number("produced", output.StandardOutput), Number("rows", output.StandardOutput));
    }

    [Fact, LongTest]
    public async Task A_worker_whose_demo_was_killed_stops_by_itself_and_leaves_a_closed_ledger()
    {
        var directory = Path.Combine(TemporaryDirectory.New(), "run");
        await using var demo = MatihProcess.Start(["demo", "--for", "10m", "--rate", "1000", "--dir", directory]);
        using var worker = Process.GetProcessById(WorkerId(await demo.Error.WaitForAsync("Worker ")));
        await demo.Error.WaitForAsync(line => RowsLine().IsMatch(line));

        demo.Send(ProcessSignal.Kill);

        await worker.WaitForExitAsync().WaitAsync(ExternalProcess.WaitMax);
        var ledger = await JsonAsync("ledger", Path.Combine(directory, "warehouse", "analytics", "web", "clickstream_events"));
        Assert.Equal("closed", ledger[0].GetProperty("state").GetString());
    }

    [Fact]
    public async Task A_folder_that_is_not_empty_is_refused()
    {
        var directory = TemporaryDirectory.New();
        await File.WriteAllTextAsync(Path.Combine(directory, "mine.txt"), "");

        var output = await MatihProcess.RunAsync(["demo", "--dir", directory]);

        Assert.Equal(2, output.ExitCode);
        Assert.Equal($"matih: --dir: {directory} exists and is not an empty folder; a demonstration starts with a fresh one.\n", output.StandardError);
    }

    private static async Task ExpectViewsAsync(string table, long rows, long snapshots, long files)
    {
        var show = await JsonAsync("show", table);
        Assert.Equal(rows, show.GetProperty("current_snapshot").GetProperty("total_records").GetInt64());
        Assert.Equal(["user_id", "event_type", "page_url", "event_timestamp"], show.GetProperty("columns").EnumerateArray().Select(column => column.GetProperty("name").GetString()));
        Assert.Equal("date", Assert.Single(show.GetProperty("partition_by").EnumerateArray()).GetProperty("name").GetString());

        Assert.Equal(snapshots, (await JsonAsync("snapshots", table)).GetArrayLength());
        var listed = (await JsonAsync("files", table)).EnumerateArray().ToList();
        Assert.Equal(files, listed.Count);
        Assert.Equal(rows, listed.Sum(file => file.GetProperty("records").GetInt64()));
        Assert.All(listed, file => Assert.Matches(@"^date=\d{4}-\d\d-\d\d$", file.GetProperty("partition").GetString()));

        var ledger = Assert.Single((await JsonAsync("ledger", table)).EnumerateArray());
        Assert.Equal("closed", ledger.GetProperty("state").GetString());
        Assert.Equal(2, ledger.GetProperty("epoch").GetInt64());
        Assert.Equal(rows, ledger.GetProperty("totals").GetProperty("added_rows").GetInt64());
        var positions = Assert.Single(ledger.GetProperty("sources").EnumerateArray()).GetProperty("partitions");
        Assert.Equal(rows, positions.EnumerateArray().Sum(partition => partition.GetProperty("next_offset").GetInt64()));
        foreach (var view in (string[])["show", "snapshots", "files", "ledger"])
            Assert.NotEmpty((await MatihProcess.RunAsync(["table", view, table])).Expect(0).StandardOutput);
    }

    private static async Task<JsonElement> JsonAsync(string view, string table)
    {
        var warehouse = Path.GetFullPath(Path.Combine(table, "..", "..", ".."));
        var output = (await MatihProcess.RunAsync(["table", view, "analytics.web.clickstream_events", "--warehouse", warehouse, "--json"])).Expect(0);
        return JsonDocument.Parse(output.StandardOutput).RootElement;
    }

    private static int WorkerId(string line) => int.Parse(WorkerLine().Match(line).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);

    private static long Number(string name, string output) =>
        long.Parse(Regex.Match(output, $@"^{name} (\d+)$", RegexOptions.Multiline).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^table (.+)$", RegexOptions.Multiline)]
    private static partial Regex TableLine();

    [GeneratedRegex(@"^Worker (\d+) runs")]
    private static partial Regex WorkerLine();

    [GeneratedRegex(@"[1-9][0-9,]* rows in the table")]
    private static partial Regex RowsLine();
}
