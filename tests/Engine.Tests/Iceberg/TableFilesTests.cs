using Matih.Iceberg;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;

namespace Matih.Engine.Tests.Iceberg;

public sealed class TableFilesTests
{
    private static readonly Schema Schema = new(0, [new(1, "id", false, new IcebergType.Long())]);
    private static readonly PartitionKey None = PartitionKey.Of(PartitionSpec.Unpartitioned, [], []);

    [Fact]
    public void Files_lie_below_the_table_s_folder()
    {
        var files = new TableFiles(TableMetadataSamples.New(Schema));

        Assert.Equal("/warehouse/t/data/a.parquet", files.DataLocation(None, "a.parquet"));
        Assert.Equal("/warehouse/t/metadata/m.avro", files.MetadataLocation("m.avro"));
    }

    [Fact]
    public void Properties_move_them()
    {
        var files = With(("write.data.path", "s3://other/d/"), ("write.metadata.path", "s3://other/m"));

        Assert.Equal("s3://other/d/a.parquet", files.DataLocation(None, "a.parquet"));
        Assert.Equal("s3://other/m/m.avro", files.MetadataLocation("m.avro"));
    }

    /// <summary>The hashes are those that the reference implementation and PyIceberg give for these names.</summary>
    [Theory]
    [InlineData("a", "0101/0110/1001/10110010")]
    [InlineData("b", "1110/0111/1110/00000011")]
    [InlineData("c", "0010/1101/0110/01011111")]
    [InlineData("d", "1001/0001/0100/01110011")]
    public void An_object_store_s_load_is_spread_by_a_hash(string name, string folders) =>
        Assert.Equal($"/warehouse/t/data/{folders}/{name}", With(("write.object-storage.enabled", "true")).DataLocation(None, name));

    private static TableFiles With(params (string, string)[] properties) =>
        new(TableMetadataSamples.New(Schema) with { Properties = TableMetadataSamples.Properties(properties) });
}
