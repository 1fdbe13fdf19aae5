using System.Text.Json;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Tables;
using Matih.Engine.Tests.Delivery;
using Matih.Host.Output;
using Matih.Host.Tables;
using Matih.Host.Verification;
using Matih.Hosting;
using Matih.Iceberg.Catalogs;
using Matih.Telemetry;
using Matih.Verification;

namespace Matih.Engine.Tests.Host;

/// <summary>The JSON that commands print about a real table, as a program reads it whose numbers are doubles.</summary>
public sealed class JsonOutputTests : IDisposable
{
    private const long SafeNumberMax = (1L << 53) - 1;

    private readonly FlowHarness _flow = new();

    public void Dispose() => _flow.Dispose();

    [Fact]
    public async Task Snapshot_ids_are_strings_everywhere_and_no_number_loses_digits()
    {
        var table = await FillAsync();
        var head = table.Metadata.CurrentSnapshotId!.Value.ToString();
        var files = await FileReport.ReadAsync(table, default);
        var ledgers = await LedgerInspection.ReadAsync(new IcebergHistory(table), default);
        var report = await new PipelineVerifier(_flow).VerifyAsync(_flow.Plan(), new VerificationRequest(IsOffline: true), default);

        var health = await Matih.Maintenance.TableHealth.ReadAsync(table, default);
        var show = Print(json => TableReport.WriteJson(table, health, json));
        var snapshots = Print(json => SnapshotReport.WriteJson(table, json));
        var ledger = Print(json => LedgerReport.WriteJson(ledgers, json));
        var verified = Print(json => VerificationJson.Write(report, TimeProvider.System, json));
        Print(json => FileReport.WriteJson(table, files, json));
        var log = Logged();

        Assert.Equal(head, show.GetProperty("current_snapshot").GetProperty("snapshot_id").GetString());
        Assert.All(show.GetProperty("refs").EnumerateObject(), item => Assert.NotEmpty(item.Value.GetProperty("snapshot_id").GetString()!));
        Assert.Equal(head, snapshots[snapshots.GetArrayLength() - 1].GetProperty("snapshot_id").GetString());
        Assert.Equal(snapshots[0].GetProperty("snapshot_id").GetString(), snapshots[1].GetProperty("parent_id").GetString());
        Assert.Equal(JsonValueKind.Null, snapshots[0].GetProperty("parent_id").ValueKind);
        Assert.Equal(head, ledger[0].GetProperty("snapshot_id").GetString());
        Assert.Equal(head, verified.GetProperty("flows")[0].GetProperty("snapshot_id").GetString());
        Assert.Contains(log, entry => entry.TryGetProperty("snapshot", out var id) && id.GetString() == head);
    }

    [Fact]
    public async Task A_ledger_has_in_json_what_its_text_shows()
    {
        var table = await FillAsync();
        await _flow.ReplayAsync((await _flow.DataCommitsAsync())[0]);
        table = await _flow.TableAsync();

        var ledger = Print(json => LedgerReport.WriteJson(LedgerInspection.ReadAsync(new IcebergHistory(table), default).AsTask().Result, json))[0];

        Assert.Equal("orders/lake", ledger.GetProperty("flow").GetString());
        Assert.Equal(("test", 1), (ledger.GetProperty("writer").GetProperty("host").GetString(), ledger.GetProperty("writer").GetProperty("process_id").GetInt32()));
        var partition = ledger.GetProperty("sources")[0].GetProperty("partitions")[1];
        Assert.Equal(9, partition.GetProperty("last_record").GetProperty("offset").GetInt64());
        Assert.Equal(JsonValueKind.Number, partition.GetProperty("last_record").GetProperty("timestamp_ms").ValueKind);
        var replayed = ledger.GetProperty("replay").GetProperty("ranges")[0];
        Assert.Equal((0, 10), (replayed.GetProperty("from_offset").GetInt64(), replayed.GetProperty("to_offset").GetInt64()));
    }

    private async Task<Table> FillAsync()
    {
        _flow.Produce(0, 20);
        await _flow.CatchUpAsync();
        return await _flow.TableAsync();
    }

    /// <summary>Every entry that the run logged, as its line of JSON.</summary>
    private List<JsonElement> Logged()
    {
        var lines = new StringWriter();
        var log = new EngineLogWriter(LogForm.Json, LogSeverity.Debug, TimeProvider.System, lines.WriteLine);
        foreach (var entry in _flow.Entries) log.Write(entry);
        return [.. lines.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Checked(line))];
    }

    private static JsonElement Print(Action<Utf8JsonWriter> write)
    {
        using var output = new MemoryStream();
        JsonOutput.Write(output, write);
        return Checked(output.ToArray());
    }

    private static JsonElement Checked(ReadOnlyMemory<byte> text) => Checked(System.Text.Encoding.UTF8.GetString(text.Span));

    private static JsonElement Checked(string text)
    {
        var json = JsonDocument.Parse(text).RootElement;
        Check(json, "$");
        return json;
    }

    private static void Check(JsonElement value, string path)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var property in value.EnumerateObject())
                {
                    if (property.Name is "snapshot_id" or "parent_id") Assert.True(property.Value.ValueKind is JsonValueKind.String or JsonValueKind.Null, $"{path}.{property.Name}");
                    Check(property.Value, $"{path}.{property.Name}");
                }
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray()) Check(item, $"{path}[]");
                break;
            case JsonValueKind.Number:
                Assert.True(Math.Abs(value.GetDouble()) <= SafeNumberMax, $"{path} is {value}, which a double does not hold.");
                break;
        }
    }
}
