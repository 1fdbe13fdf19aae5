using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Iceberg;

/// <summary>The table property that says what columns of files without field ids are.</summary>
public sealed class NameMappingTests
{
    private const string Mapping = """[{"field-id":1,"names":["id","ID"]},{"field-id":2,"names":["lines"],"fields":[{"field-id":3,"names":["element"],"fields":[{"field-id":4,"names":["sku"]}]}]},{"names":["ignored"]}]""";

    [Fact]
    public void A_table_without_the_property_has_none() => Assert.Null(NameMapping.Find(TableMetadataSamples.New(Of(new NestedField(1, "id", false, new IcebergType.Long())))));

    [Fact]
    public void Names_stand_for_fields_level_by_level_and_are_written_as_they_were()
    {
        var mapping = Read(Mapping);

        Assert.Equal(1, NameMapping.FindIn(mapping.Fields, "ID")!.Id);
        Assert.Null(NameMapping.FindIn(mapping.Fields, "sku"));
        Assert.Null(NameMapping.FindIn(mapping.Fields, "ignored")!.Id);
        Assert.Equal(4, NameMapping.FindIn(NameMapping.FindIn(NameMapping.FindIn(mapping.Fields, "lines")!.Fields, "element")!.Fields, "sku")!.Id);
        Assert.Equal(Mapping, mapping.Write());
    }

    [Fact]
    public void Added_columns_get_their_names_which_stand_for_no_other_field_any_more()
    {
        var lines = new IcebergType.List(3, new IcebergType.Struct([new(4, "sku", false, new IcebergType.String()), new(6, "qty", false, new IcebergType.Int())]), false);
        var schema = Of(new NestedField(1, "key", false, new IcebergType.Long()), new NestedField(2, "lines", false, lines), new NestedField(5, "id", false, new IcebergType.String()));

        Assert.Equal(
            """[{"field-id":1,"names":["ID"]},{"field-id":2,"names":["lines"],"fields":[{"field-id":3,"names":["element"],"fields":[{"field-id":4,"names":["sku"]},{"field-id":6,"names":["qty"]}]}]},{"names":["ignored"]},{"field-id":5,"names":["id"]}]""",
            Read(Mapping).With(schema).Write());
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("""[{"field-id":"x","names":["a"]}]""")]
    [InlineData("not JSON")]
    public void A_text_that_is_no_mapping_is_refused(string text) =>
        Assert.Contains("schema.name-mapping.default is no name mapping", Assert.Throws<InvalidTableException>(() => Read(text)).Message, StringComparison.Ordinal);

    private static Schema Of(params NestedField[] fields) => new(0, [.. fields]);

    private static NameMapping Read(string text) =>
        NameMapping.Find(TableMetadataSamples.New(Of(new NestedField(1, "id", false, new IcebergType.Long()))) with { Properties = TableMetadataSamples.Properties((NameMapping.Property, text)) })!;
}
