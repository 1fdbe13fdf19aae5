using Matih.Fixtures;
using Matih.Iceberg.Manifests;

namespace Matih.Interop.Tests.Iceberg;

public sealed class ForeignTableTests
{
    [Fact]
    public async Task A_table_with_nested_columns_and_a_sort_order_is_kept_whole_by_our_commit()
    {
        var data = new ForeignData();
        await IcebergReference.CreateAsync(data.PathOf("java"), "id long required, tags list<string>, m map<string, long>, s struct<a:int, b:string>", "bucket[4](id)");
        await IcebergReference.AppendAsync(data.PathOf("java"), ["""{"id":1,"tags":["a"],"m":[{"key":"k","value":2}],"s":{"a":1,"b":"x"}}"""]);
        var before = await IcebergReference.InfoAsync(data.PathOf("java"));

        await data.AppendAsync(await data.LoadAsync("java"), []);

        await IcebergReference.CheckAsync(data.PathOf("java"));
        var after = await IcebergReference.InfoAsync(data.PathOf("java"));
        foreach (var name in (string[])["schemas", "partition-specs", "sort-orders"])
            if (before.TryGetProperty(name, out var value)) Assert.Equal(value.GetRawText(), after.GetProperty(name).GetRawText());
        Assert.Equal(1, await IcebergReference.CountAsync(data.PathOf("java")));
    }

    [Fact]
    public async Task Manifests_of_PyIceberg_are_read_merged_and_kept()
    {
        var data = new ForeignData();
        var path = data.PathOf("py");
        await PyIceberg.RunAsync(
            """
            import datetime, json, os, shutil, sys
            import pyarrow as pa
            from pyiceberg.catalog.sql import SqlCatalog
            from pyiceberg.partitioning import PartitionSpec, PartitionField
            from pyiceberg.transforms import DayTransform, BucketTransform, IdentityTransform
            folder, path = sys.argv[1:]
            os.makedirs(folder, exist_ok=True)
            catalog = SqlCatalog("c", uri=f"sqlite:///{folder}/cat.db", warehouse=f"file://{folder}")
            catalog.create_namespace("ns")
            rows = pa.table({
                "id": pa.array([1, 2, 3], pa.int64()),
                "at": pa.array([datetime.datetime(1969, 12, 31, 23), datetime.datetime(2026, 1, 2), None], pa.timestamp("us")),
                "d": pa.array([None, "1.25", "-3.50"]).cast(pa.decimal128(12, 2)),
                "s": pa.array(["x", None, "ü"]),
            })
            table = catalog.create_table("ns.py", rows.schema, location=f"file://{path}", properties={"commit.manifest.min-count-to-merge": "2"})
            with table.update_spec() as update:
                update.add_field("at", DayTransform(), "day")
                update.add_field("s", IdentityTransform(), "s_id")
                update.add_field("d", IdentityTransform(), "d_id")
            table.append(rows)
            table.append(rows)
            last = table.metadata_location.replace("file://", "")
            shutil.copy(last, os.path.join(path, "metadata", "v1.metadata.json"))
            """,
            data.Folder,
            path);
        var table = await data.LoadAsync("py");
        var before = await ForeignData.FilesOfAsync(table);

        table = await data.AppendAsync(table, [.. data.Copies([.. before.Select(file => file with { Path = file.Path.Replace("file://", "") })], Path.Combine(path, "data"))]);

        await IcebergReference.CheckAsync(path);
        Assert.Equal(12, await IcebergReference.CountAsync(path));
        Assert.Equal(12, (await PyIceberg.ScanAsync(table.MetadataLocation)).Count);
        Assert.True((await SnapshotReader.ManifestsAsync(table, table.Metadata.CurrentSnapshot!, default)).Count < 3);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("deflate")]
    [InlineData("snappy")]
    public async Task Avro_files_of_another_writer_are_read_in_every_codec(string codec)
    {
        var file = Path.Combine(TemporaryDirectory.New(), "m.avro");
        await PyIceberg.RunAsync(
            """
            import io, json, sys, zlib
            import fastavro, pyarrow
            schema = fastavro.parse_schema({"type": "record", "name": "manifest_file", "fields": [
                {"name": "manifest_path", "type": "string"}, {"name": "extra", "type": {"type": "map", "values": ["null", "double"]}},
                {"name": "manifest_length", "type": "long"}, {"name": "partition_spec_id", "type": "int"},
                {"name": "added_snapshot_id", "type": ["null", "long"]}]})
            rows = [{"manifest_path": "p" * (i % 300) + str(i), "extra": {"a": None, "b": 1.5}, "manifest_length": i, "partition_spec_id": 0, "added_snapshot_id": 7} for i in range(5000)]
            def compress(data):
                if sys.argv[2] == "null": return data
                if sys.argv[2] == "deflate": return zlib.compress(data, wbits=-15)
                return pyarrow.Codec("snappy").compress(data, asbytes=True) + zlib.crc32(data).to_bytes(4, "big")
            def encode(value, type):
                out = io.BytesIO()
                fastavro.schemaless_writer(out, fastavro.parse_schema(type), value)
                return out.getvalue()
            sync = bytes(range(16))
            with open(sys.argv[1], "wb") as out:
                out.write(b"Obj\x01")
                out.write(encode({"avro.schema": json.dumps(schema).encode(), "avro.codec": sys.argv[2].encode()}, {"type": "map", "values": "bytes"}))
                out.write(sync)
                for start in range(0, 5000, 1000):
                    block = io.BytesIO()
                    for row in rows[start:start + 1000]: fastavro.schemaless_writer(block, schema, row)
                    out.write(encode(1000, "long") + encode(compress(block.getvalue()), "bytes") + sync)
            """,
            file,
            codec);

        var manifests = ManifestListFile.Read(await File.ReadAllBytesAsync(file), file);

        Assert.Equal(Enumerable.Range(0, 5000).Select(i => (long)i), manifests.Select(manifest => manifest.LengthBytes));
        Assert.Equal(Enumerable.Range(0, 5000).Select(i => new string('p', i % 300) + i), manifests.Select(manifest => manifest.Path));
        Assert.Null(manifests[0].AddedFilesCount);
    }
}
