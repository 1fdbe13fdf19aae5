using System.Text.Json;
using Matih.Fixtures;
using Matih.Interop.Tests.Delivery;

namespace Matih.Interop.Tests.Verification;

/// <summary><c>matih verify</c> as users run it, on tables that other engines have written to, and on broken ones.</summary>
public sealed class VerifyTests(SharedKafka kafka)
{
    [Fact, LongTest]
    public async Task A_table_that_was_killed_into_and_appended_to_and_compacted_and_expired_by_another_engine_is_proven()
    {
        var (client, pipeline) = await NewAsync("verified", partitions: 2);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await using (var worker = pipeline.Start())
        {
            await worker.Error.WaitForAsync(line => line.Contains("\"committed\""));
            worker.Send(ProcessSignal.Kill);
            await worker.WaitForExitAsync();
        }
        await pipeline.CatchUpAsync();
        await IcebergReference.AppendAsync(pipeline.TableFolder, ["""{"id":-1,"note":"foreign","partition":0,"offset":-1,"event_timestamp":"2024-01-02T03:04:05"}"""]);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(100, 100), partition: 1);
        await pipeline.CatchUpAsync();

        var before = await pipeline.VerifiedAsync(0, "--count-all");
        await IcebergReference.WriteAsync("rewrite-data-files", pipeline.TableFolder);
        var compacted = await pipeline.VerifiedAsync(0, "--count-all");
        await IcebergReference.WriteAsync("rewrite-manifests", pipeline.TableFolder);
        await IcebergReference.WriteAsync("expire-snapshots", pipeline.TableFolder, "--retain-last", "1");
        var expired = await pipeline.VerifiedAsync();
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(200, 100));
        await pipeline.CatchUpAsync();
        var after = await pipeline.VerifiedAsync();

        Assert.Equal(200, before.GetProperty("added_rows").GetInt64());
        Assert.Equal(["added-by-others"], Codes(before, "not_provable"));
        Assert.Contains("rewritten", Codes(compacted, "proved"));
        Assert.Equal(["added-by-others"], Codes(compacted, "not_provable"));
        Assert.Contains("books", Codes(expired, "not_provable"));
        Assert.Contains("history", Codes(expired, "proved"));
        Assert.Contains("history", Codes(after, "proved"));
        Assert.Equal(300, after.GetProperty("added_rows").GetInt64());
        Assert.All(after.GetProperty("lag").GetProperty("partitions").EnumerateArray(), place => Assert.Equal(0, place.GetProperty("uncommitted").GetInt64()));
    }

    [Theory, LongTest]
    [InlineData("copy", "removed-by-others")]
    [InlineData("position", "delete-files")]
    [InlineData("equality", "delete-files")]
    public async Task Rows_that_another_engine_deleted_are_said(string mode, string said)
    {
        var (client, pipeline) = await NewAsync($"deleted-{mode}", partitions: 1);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await pipeline.CatchUpAsync();
        await IcebergReference.WriteAsync("delete-where", pipeline.TableFolder, "--where", "id in (1, 2)", "--mode", mode);

        var deleted = await pipeline.VerifiedAsync();
        await IcebergReference.WriteAsync("rewrite-data-files", pipeline.TableFolder);
        var compacted = await pipeline.VerifiedAsync();

        Assert.Equal([said], Codes(deleted, "not_provable"));
        Assert.Contains("removed-by-others", Codes(compacted, "not_provable"));
        Assert.Equal(98, (await pipeline.CountAsync()).Rows);
    }

    [Fact]
    public async Task A_file_that_is_gone_is_named_in_the_text_with_what_to_do()
    {
        var (client, pipeline) = await NewAsync("gone", partitions: 1);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await pipeline.CatchUpAsync();
        var file = Directory.GetFiles(pipeline.TableFolder, "*.parquet", SearchOption.AllDirectories)[0];
        File.Delete(file);

        var output = (await pipeline.VerifyAsync("--sink", "lake")).Expect(5);

        Assert.Contains($"VIOLATION   file-missing: {file}", output.StandardOutput, StringComparison.Ordinal);
        Assert.Contains("next: Bring the file back from a backup.", output.StandardOutput, StringComparison.Ordinal);
        Assert.EndsWith("1 violation.\n", output.StandardOutput, StringComparison.Ordinal);
        Assert.Empty(output.StandardError);
    }

    [Fact]
    public async Task A_file_that_a_copy_on_write_of_another_engine_added_and_that_is_gone_is_found()
    {
        var (client, pipeline) = await NewAsync("copied", partitions: 1);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await pipeline.CatchUpAsync();
        var before = DataFiles(pipeline);
        await IcebergReference.WriteAsync("delete-where", pipeline.TableFolder, "--where", "id in (1, 2)", "--mode", "copy");
        var added = DataFiles(pipeline).Except(before).ToList();
        var whole = await pipeline.VerifiedAsync();
        Assert.NotEmpty(added);
        File.Delete(added[0]);

        var violated = await pipeline.VerifiedAsync(5);

        Assert.Contains("files", Codes(whole, "proved"));
        Assert.Equal(["file-missing"], Codes(violated, "violations"));
        Assert.DoesNotContain("files", Codes(violated, "proved"));
    }

    [Fact]
    public async Task A_manifest_entry_that_an_engine_dropped_is_found()
    {
        var (client, pipeline) = await NewAsync("dropped", partitions: 1);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await pipeline.CatchUpAsync();
        await IcebergReference.WriteAsync("rewrite-manifests", pipeline.TableFolder);
        await PyIceberg.RunAsync(
            """
            import fastavro, glob, io, json, os, sys
            from pyiceberg.table import StaticTable
            for manifest in StaticTable.from_metadata(sys.argv[1]).current_snapshot().manifests(__import__("pyiceberg.io.pyarrow", fromlist=["PyArrowFileIO"]).PyArrowFileIO()):
                path = manifest.manifest_path.removeprefix("file://")
                with open(path, "rb") as f:
                    reader = fastavro.reader(f)
                    schema, metadata, rows = reader.writer_schema, reader.metadata, list(reader)
                if not any(row["status"] != 2 for row in rows): continue
                meta = {k: v for k, v in metadata.items() if not k.startswith("avro.")}
                with open(path, "wb") as f:
                    fastavro.writer(f, schema, [], metadata=meta)
                print(json.dumps(path))
            """,
            NewestMetadata(pipeline));

        var violated = await pipeline.VerifiedAsync(5);

        Assert.Contains("file-unlisted", Codes(violated, "violations"));
    }

    [Fact, LongTest]
    public async Task What_PyIceberg_wrote_is_followed_and_found_once_it_vanishes_from_the_manifests()
    {
        var (client, pipeline) = await NewAsync("overwritten", partitions: 1);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await pipeline.CatchUpAsync();
        var before = DataFiles(pipeline);
        await PyIceberg.RunAsync(
            """
            import datetime, os, shutil, sys
            import pyarrow
            from pyiceberg.catalog.sql import SqlCatalog
            metadata, folder = sys.argv[1:]
            catalog = SqlCatalog("default", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
            catalog.create_namespace("shop")
            table = catalog.register_table("shop.orders", f"file://{metadata}")
            row = {"id": -1, "note": "foreign", "partition": 0, "offset": -1, "event_timestamp": datetime.datetime(2024, 1, 2, 3, 4, 5)}
            rows = pyarrow.Table.from_pylist([row], schema=table.schema().as_arrow())
            table.append(rows)
            table.delete("id in (1, 2)")
            table.overwrite(rows, overwrite_filter="id in (3, 4)")
            version = int(os.path.basename(metadata)[1:].split(".")[0])
            newest = catalog.load_table("shop.orders").metadata_location.removeprefix("file://")
            shutil.copy(newest, os.path.join(os.path.dirname(metadata), f"v{version + 1}.metadata.json"))
            """,
            NewestMetadata(pipeline), TemporaryDirectory.New());
        var foreign = DataFiles(pipeline).Except(before).ToList();
        var whole = await pipeline.VerifiedAsync();
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(100, 100));
        await pipeline.CatchUpAsync();
        var after = await pipeline.VerifiedAsync();
        var dropped = await PyIceberg.RunAsync(
            """
            import fastavro, json, sys
            metadata, *files = sys.argv[1:]
            path = lambda location: location.removeprefix("file://")
            def read(file):
                with open(file, "rb") as f:
                    reader = fastavro.reader(f)
                    return reader.writer_schema, {k: v for k, v in reader.metadata.items() if not k.startswith("avro.")}, list(reader)
            table = json.load(open(metadata))
            head = next(s for s in table["snapshots"] if s["snapshot-id"] == table["current-snapshot-id"])
            schema, meta, manifests = read(path(head["manifest-list"]))
            live = lambda manifest: {path(e["data_file"]["file_path"]) for e in read(path(manifest["manifest_path"]))[2] if e["status"] != 2}
            for manifest in manifests:
                gone = live(manifest) & set(files)
                if not gone: continue
                with open(path(head["manifest-list"]), "wb") as f:
                    fastavro.writer(f, schema, [other for other in manifests if other is not manifest], metadata=meta)
                for file in gone: print(json.dumps(file))
                break
            """,
            [NewestMetadata(pipeline), .. foreign]);

        var violated = await pipeline.VerifiedAsync(5);

        Assert.Equal(["removed-by-others", "removed-by-others", "added-by-others"], Codes(whole, "not_provable"));
        Assert.Contains("listing", Codes(after, "proved"));
        Assert.NotEmpty(dropped);
        Assert.Equal(dropped.Select(_ => "file-unlisted"), Codes(violated, "violations"));
        Assert.DoesNotContain("listing", Codes(violated, "proved"));
    }

    [Fact, LongTest]
    public async Task Snapshots_that_PyIceberg_expired_stop_no_run_and_are_no_violation()
    {
        var (client, pipeline) = await NewAsync("expired", partitions: 1);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await pipeline.CatchUpAsync();
        await PyIceberg.RunAsync(
            """
            import datetime, os, shutil, sys
            import pyarrow
            from pyiceberg.catalog.sql import SqlCatalog
            metadata, folder = sys.argv[1:]
            catalog = SqlCatalog("default", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
            catalog.create_namespace("shop")
            table = catalog.register_table("shop.orders", f"file://{metadata}")
            row = {"id": -1, "note": "foreign", "partition": 0, "offset": -1, "event_timestamp": datetime.datetime(2024, 1, 2, 3, 4, 5)}
            for _ in range(2): table.append(pyarrow.Table.from_pylist([row], schema=table.schema().as_arrow()))
            table.maintenance.expire_snapshots().older_than(datetime.datetime.now() + datetime.timedelta(days=1)).commit()
            assert table.current_snapshot().parent_snapshot_id is None
            version = int(os.path.basename(metadata)[1:].split(".")[0])
            shutil.copy(table.metadata_location.removeprefix("file://"), os.path.join(os.path.dirname(metadata), f"v{version + 1}.metadata.json"))
            """,
            NewestMetadata(pipeline), TemporaryDirectory.New());
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(100, 100));

        var expired = await pipeline.VerifiedAsync();
        await pipeline.CatchUpAsync();
        var after = await pipeline.VerifiedAsync(0, "--count-all");

        Assert.Contains("history", Codes(expired, "proved"));
        Assert.Equal(200, after.GetProperty("added_rows").GetInt64());
        Assert.Equal(202, (await pipeline.CountAsync()).Rows);
    }

    [Fact, LongTest]
    public async Task Kafka_that_cannot_be_reached_ends_with_3_and_offline_with_0()
    {
        var (client, pipeline) = await NewAsync("unreachable", partitions: 1);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await pipeline.CatchUpAsync();

        var unreachable = await pipeline.VerifiedAsync(3, "--set", "sources.src.connection=127.0.0.1:1");
        var offline = await pipeline.VerifiedAsync(0, "--set", "sources.src.connection=127.0.0.1:1", "--offline");

        Assert.Contains("files", Codes(unreachable, "proved"));
        Assert.Equal(["kafka-unreachable"], Codes(unreachable, "unreachable"));
        Assert.Equal(["offline"], Codes(offline, "not_provable"));
    }

    [Fact]
    public async Task A_pipeline_that_never_ran_has_nothing_to_verify_and_a_sink_must_exist()
    {
        var (_, pipeline) = await NewAsync("never", partitions: 1);

        var never = (await pipeline.VerifyAsync()).Expect(0);
        var wrong = (await pipeline.VerifyAsync("--sink", "lkae")).Expect(2);

        Assert.EndsWith("Nothing to verify: never run.\n", never.StandardOutput, StringComparison.Ordinal);
        Assert.Equal("matih: --sink: there is no sink 'lkae'; the definition has lake.\n", wrong.StandardError);
    }

    private static string[] Codes(JsonElement flow, string kind) => [.. flow.GetProperty(kind).EnumerateArray().Select(finding => finding.GetProperty("code").GetString()!)];

    private static string[] DataFiles(OrderPipeline pipeline) => Directory.GetFiles(pipeline.TableFolder, "*.parquet", SearchOption.AllDirectories);

    private static string NewestMetadata(OrderPipeline pipeline) =>
        Directory.GetFiles(Path.Combine(pipeline.TableFolder, "metadata"), "v*.metadata.json").MaxBy(path => int.Parse(Path.GetFileName(path)[1..^".metadata.json".Length], System.Globalization.CultureInfo.InvariantCulture))!;

    private async Task<(KafkaClient Client, OrderPipeline Pipeline)> NewAsync(string stem, int partitions)
    {
        var client = await kafka.ClientAsync();
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), (await kafka.BrokerAsync()).Bootstrap, KafkaBroker.NewName(stem));
        await client.CreateTopicAsync(pipeline.Topic, partitions);
        return (client, pipeline);
    }
}
