using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Matih.Batches;
using Matih.Iceberg.Metadata;
using Matih.Sql;

namespace Matih.Engine.Tests.Iceberg;

/// <summary>What a query's rows change in a table's schema.</summary>
public sealed class SchemaEvolutionTests
{
    private const string Orders = """
        {"type":"struct","schema-id":0,"identifier-field-ids":[1],"fields":[
          {"id":1,"name":"id","required":true,"type":"int","doc":"the order"},
          {"id":2,"name":"price","required":true,"type":"decimal(8, 2)"},
          {"id":3,"name":"address","required":false,"type":{"type":"struct","fields":[
            {"id":4,"name":"city","required":true,"type":"string","initial-default":"?"}]}},
          {"id":5,"name":"lines","required":false,"type":{"type":"list","element-id":6,"element-required":true,"element":{"type":"struct","fields":[
            {"id":7,"name":"sku","required":false,"type":"string"}]}}},
          {"id":8,"name":"tags","required":false,"type":{"type":"map","key-id":9,"key":"string","value-id":10,"value-required":true,"value":"float"}}]}
        """;

    private const string Fitting = "id INT NOT NULL, price DECIMAL(8, 2) NOT NULL, address ROW<city STRING NOT NULL>, lines ARRAY<ROW<sku STRING> NOT NULL>, tags MAP<STRING, FLOAT NOT NULL>";

    [Fact]
    public void Rows_that_fit_change_nothing() => Assert.Null(Find(Table(Orders), Fitting, isFull: true).Evolution);

    [Fact]
    public void A_missing_column_becomes_an_optional_one_at_the_end_with_the_next_field_ids()
    {
        var (evolution, faults) = Find(Table(Orders), Fitting + ", extra ROW<a INT NOT NULL, b ARRAY<STRING>> NOT NULL, note STRING", isFull: false);

        Assert.Empty(faults);
        Assert.Equal(["adds column 'extra' of type struct<a: int, b: list<string>>", "adds column 'note' of type string"], evolution!.Changes);
        var extra = evolution.Schema.FindColumn("extra")!;
        Assert.Equal((11, false, "12 13 14"), (extra.Id, extra.IsRequired, $"{((IcebergType.Struct)extra.Type).Fields[0].Id} {((IcebergType.Struct)extra.Type).Fields[1].Id} {((IcebergType.List)((IcebergType.Struct)extra.Type).Fields[1].Type).ElementId}"));
        Assert.Equal(15, evolution.Schema.FindColumn("note")!.Id);
        Assert.Equal(["id", "price", "address", "lines", "tags", "extra", "note"], evolution.Schema.Fields.Select(field => field.Name));
    }

    [Fact]
    public void Missing_fields_are_added_within_structs_lists_and_maps()
    {
        var (evolution, faults) = Find(Table(Orders), "id INT NOT NULL, price DECIMAL(8, 2) NOT NULL, address ROW<zip STRING, city STRING NOT NULL>, lines ARRAY<ROW<sku STRING, qty INT> NOT NULL>, tags MAP<STRING, FLOAT NOT NULL>", isFull: false);

        Assert.Empty(faults);
        Assert.Equal(["adds column 'address.zip' of type string", "adds column 'lines.element.qty' of type int"], evolution!.Changes);
        Assert.Equal("struct<city: string, zip: string>", evolution.Schema.FindColumn("address")!.Type.Name);
    }

    [Fact]
    public void What_is_not_understood_of_the_schema_stays()
    {
        var json = Written(Find(Table(Orders), Fitting + ", note STRING", isFull: false).Evolution!.Schema.WithId(7));

        Assert.Contains("\"doc\":\"the order\"", json, StringComparison.Ordinal);
        Assert.Contains("\"initial-default\":\"?\"", json, StringComparison.Ordinal);
        Assert.Contains("\"schema-id\":7", json, StringComparison.Ordinal);
        Assert.DoesNotContain("\"schema-id\":0", json, StringComparison.Ordinal);
    }

    [Fact]
    public void Types_are_widened_and_columns_made_optional_only_when_everything_may_change()
    {
        const string Rows = "id BIGINT NOT NULL, price DECIMAL(12, 2), address ROW<city STRING>, lines ARRAY<ROW<sku STRING>>, tags MAP<STRING, DOUBLE>";

        Assert.Null(Find(Table(Orders), Rows, isFull: false).Evolution);
        Assert.Equal(
        [
            "widens column 'id' from int to long", "makes column 'price' optional", "widens column 'price' from decimal(8, 2) to decimal(12, 2)", "makes column 'address.city' optional",
            "makes column 'lines.element' optional", "makes column 'tags.value' optional", "widens column 'tags.value' from float to double",
        ], Find(Table(Orders), Rows, isFull: true).Evolution!.Changes);
    }

    [Fact]
    public void A_required_column_that_the_query_lacks_is_made_optional_but_for_one_that_identifies_rows() =>
        Assert.Equal(["makes column 'price' optional"], Find(Table(Orders), "tags MAP<STRING, FLOAT NOT NULL>", isFull: true).Evolution!.Changes);

    [Theory]
    [InlineData("id STRING NOT NULL")]
    [InlineData("id INT NOT NULL, price DECIMAL(8, 3) NOT NULL")]
    public void What_Iceberg_cannot_widen_is_left(string rows) =>
        Assert.DoesNotContain(Find(Table(Orders), rows, isFull: true).Evolution?.Changes ?? [], change => change.StartsWith("widens", StringComparison.Ordinal));

    [Fact]
    public void A_name_that_differs_by_case_only_is_refused() =>
        Assert.Equal("it has a column 'id', and the query's 'ID' differs from it by case only, which many engines cannot tell apart: select it AS id", Assert.Single(Find(Table(Orders), "ID INT", isFull: false).Faults));

    [Theory]
    [InlineData("Note STRING, note STRING", "Note", "note")]
    [InlineData("address ROW<city STRING NOT NULL, Zip STRING, zip STRING>", "address.Zip", "address.zip")]
    public void Two_new_names_that_differ_by_case_only_are_refused(string rows, string first, string second) =>
        Assert.Equal($"it lacks the query's columns '{first}' and '{second}', which differ by case only, so that many engines could not tell them apart: give one of them another name", Assert.Single(Find(Table(Orders), rows, isFull: false).Faults));

    [Theory]
    [InlineData(4, "note STRING", "note")]
    [InlineData(4, "address ROW<city STRING NOT NULL, note STRING>", "address.note")]
    [InlineData(99, "note STRING", null)]
    public void A_column_is_not_called_like_a_partition_field_of_another(int sourceId, string rows, string? name)
    {
        var older = new PartitionSpec(0, [new PartitionField(sourceId, 1000, name ?? "note", Transform.Parse("bucket[4]"))]);
        var table = Table(Orders) with { PartitionSpecs = [older, new PartitionSpec(1, [])], DefaultSpecId = 1 };

        var (_, faults) = Find(table, rows, isFull: false);

        Assert.Equal(name is null ? [] : [$"it has a partition field called '{name}', and Iceberg's engines read no table with a column of that name beside it: give the query's '{name}' another name, or rename the partition field"], faults);
    }

    [Fact]
    public void A_column_that_somebody_renamed_is_not_added_again()
    {
        var table = Table(Orders, Orders.Replace("\"tags\"", "\"labels\"", StringComparison.Ordinal).Replace("\"sku\"", "\"article\"", StringComparison.Ordinal));

        Assert.Equal(
        [
            "its column 'tags' (field 8) was renamed, and is 'labels' now: select it AS labels, or add a column 'tags' to the table yourself if a new one is meant",
            "its column 'lines.element.sku' (field 7) was renamed, and is 'article' now: select it AS article, or add a column 'sku' to the table yourself if a new one is meant",
        ], Find(table, "tags MAP<STRING, FLOAT>, lines ARRAY<ROW<sku STRING>>", isFull: false).Faults);
    }

    [Fact]
    public void A_column_that_somebody_dropped_is_not_added_again()
    {
        var table = Table(Orders, """{"type":"struct","schema-id":1,"fields":[{"id":1,"name":"id","required":true,"type":"int"}]}""");

        Assert.Equal("its column 'price' (field 2) was dropped: take it out of the query, or add it to the table yourself if it is to come back", Assert.Single(Find(table, "id INT NOT NULL, price DECIMAL(8, 2)", isFull: true).Faults));
    }

    [Fact]
    public void Ids_count_on_from_the_highest_that_the_table_ever_gave()
    {
        var table = Table(Orders) with { LastColumnId = 40 };

        Assert.Equal(41, Find(table, Fitting + ", note STRING", isFull: false).Evolution!.Schema.FindColumn("note")!.Id);
    }

    private static (SchemaEvolution? Evolution, List<string> Faults) Find(TableMetadata table, string rows, bool isFull)
    {
        var faults = new List<string>();
        Assert.True(DataTypeSyntax.TryParseColumns(rows, out var columns, out _));
        return (SchemaEvolution.Find(table, columns, isFull, faults), faults);
    }

    /// <summary>A table that had these schemas, of which the last counts.</summary>
    private static TableMetadata Table(params string[] schemas)
    {
        ImmutableArray<Schema> read = [.. schemas.Select((text, id) => SchemaJson.ReadSchema(JsonDocument.Parse(text).RootElement).WithId(id))];
        return new TableMetadata
        {
            FormatVersion = 2, TableUuid = "u", Location = "/t", LastUpdatedMillis = 1, Schemas = read, CurrentSchemaId = read[^1].SchemaId, LastColumnId = 10,
        };
    }

    private static string Written(Schema schema)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream)) SchemaJson.WriteSchema(writer, schema);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
