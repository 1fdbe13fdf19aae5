using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Iceberg;

public sealed class TableMetadataJsonTests
{
    [Fact]
    public void What_another_engine_wrote_is_written_back_whole()
    {
        var metadata = Read(TableMetadataSamples.Foreign);

        var written = JsonNode.Parse(TableMetadataJson.Write(metadata).ToArray());

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(TableMetadataSamples.Foreign), written), written!.ToJsonString());
    }

    [Fact]
    public void What_another_engine_wrote_survives_our_commit()
    {
        var snapshot = TableMetadataSamples.Snapshot(77, 3055729675574597004, 35, 1602638573600);

        var metadata = TableUpdates.Apply(
            Read(TableMetadataSamples.Foreign),
            [new TableUpdate.AddSnapshot(snapshot), new TableUpdate.SetSnapshotRef("main", new SnapshotRef(new(77), SnapshotRefKind.Branch, 5, 9))],
            0);

        var before = JsonNode.Parse(TableMetadataSamples.Foreign)!.AsObject();
        var after = JsonNode.Parse(TableMetadataJson.Write(metadata).ToArray())!.AsObject();
        string[] changed = ["snapshots", "refs", "current-snapshot-id", "last-sequence-number", "last-updated-ms", "snapshot-log"];
        foreach (var (name, value) in before)
            if (!changed.Contains(name)) Assert.True(JsonNode.DeepEquals(value, after[name]), name);
        Assert.True(JsonNode.DeepEquals(before["snapshots"]![0], after["snapshots"]![0]));
        Assert.True(JsonNode.DeepEquals(before["refs"]!["old"], after["refs"]!["old"]));
        Assert.Equal(5, after["refs"]!["main"]!["min-snapshots-to-keep"]!.GetValue<int>());
        Assert.Equal(3, after["snapshots"]!.AsArray().Count);
    }

    [Fact]
    public void The_typed_values_are_those_of_the_file()
    {
        var metadata = Read(TableMetadataSamples.Foreign);

        Assert.Equal("s3://b/t", metadata.Folder);
        Assert.Equal("map<string, double>", metadata.CurrentSchema.FindColumn("m")!.Type.Name);
        Assert.IsType<IcebergType.Other>(metadata.CurrentSchema.FindField(8)!.Type);
        Assert.Equal(9, metadata.CurrentSchema.HighestFieldId);
        Assert.Equal("local-1", metadata.Snapshots[0].Summary["spark.app.id"]);
        Assert.Equal(long.MaxValue, metadata.Refs["old"].MaxRefAgeMillis);
        Assert.Equal([3055729675574597004, 3051729675574597004], metadata.Lineage().Select(item => item.Id.Value));
    }

    [Fact]
    public void A_version_1_file_of_old_days_is_read()
    {
        var metadata = Read(
            """
            {"format-version":1,"location":"/t","last-updated-ms":5,"last-column-id":1,"schema":{"type":"struct","fields":[{"id":1,"name":"x","required":true,"type":"long"}]},
             "partition-spec":[{"name":"x_bucket","transform":"bucket[4]","source-id":1}],"properties":{},"current-snapshot-id":-1,"snapshots":[]}
            """);

        Assert.Equal(1, metadata.FormatVersion);
        Assert.Equal(1000, metadata.DefaultSpec.Fields[0].FieldId);
        Assert.Null(metadata.CurrentSnapshot);
        Assert.Equal("", metadata.TableUuid);
    }

    [Fact]
    public void A_version_from_the_future_is_refused()
    {
        var exception = Assert.Throws<UnsupportedTableException>(() => Read("""{"format-version":4}"""));

        Assert.Equal("v1.metadata.json has format version 4; versions 1 to 3 can be read. Use a newer build.", exception.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"format-version\":\"2\"}")]
    [InlineData("{\"format-version\":2,\"table-uuid\":7}")]
    public void What_is_no_metadata_is_told_with_its_file(string json) =>
        Assert.StartsWith("v1.metadata.json is not the metadata of a table", Assert.Throws<InvalidTableException>(() => Read(json)).Message);

    [Fact]
    public void Metadata_cut_anywhere_is_never_taken_for_whole()
    {
        var bytes = Encoding.UTF8.GetBytes(TableMetadataSamples.Foreign);

        for (var length = 0; length < bytes.Length; length += 7)
            Assert.Throws<InvalidTableException>(() => TableMetadataJson.Read(bytes[..length], "v1.metadata.json"));
    }

    [Fact]
    public void A_current_snapshot_that_the_file_does_not_hold_is_told() =>
        Assert.Throws<InvalidTableException>(() => Read(TableMetadataSamples.Foreign.Replace("\"current-snapshot-id\":3055729675574597004", "\"current-snapshot-id\":5")));

    [Fact]
    public void The_identity_is_found_in_as_much_as_holds_it()
    {
        var bytes = Encoding.UTF8.GetBytes(TableMetadataSamples.Foreign);
        var identity = ("9c12d441-03fe-4693-9a96-a0705ddf69c1", 1602638573590L);

        Assert.Equal(identity, TableMetadataJson.FindIdentity(bytes, isWhole: true));
        for (var length = 0; length <= bytes.Length; length++)
            Assert.Contains(TableMetadataJson.FindIdentity(bytes[..length], isWhole: false), new (string, long)?[] { null, identity });
        Assert.Equal(identity, TableMetadataJson.FindIdentity(bytes[..400], isWhole: false));
        Assert.Null(TableMetadataJson.FindIdentity("""{"properties":{"table-uuid":"x","last-updated-ms":5}"""u8.ToArray(), isWhole: false));
        Assert.Equal(("", 5), TableMetadataJson.FindIdentity("""{"properties":{"table-uuid":"x"},"last-updated-ms":5}"""u8.ToArray(), isWhole: true));
    }

    private static TableMetadata Read(string json) => TableMetadataJson.Read(Encoding.UTF8.GetBytes(json), "v1.metadata.json");
}
