using System.Globalization;
using Matih.Iceberg;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;
using System.Text.Json;

namespace Matih.Engine.Tests.Iceberg;

public sealed class DefaultValueTests
{
    [Theory]
    [InlineData("boolean", "true", "1")]
    [InlineData("int", "-34", "-34")]
    [InlineData("long", "9223372036854775807", "9223372036854775807")]
    [InlineData("decimal(9, 2)", "\"-14.20\"", "-1420")]
    [InlineData("decimal(38, 0)", "\"99999999999999999999999999999999999999\"", "99999999999999999999999999999999999999")]
    [InlineData("date", "\"1969-12-31\"", "-1")]
    [InlineData("time", "\"22:31:08.123456\"", "81068123456")]
    [InlineData("timestamp", "\"2017-11-16T22:31:08.123456\"", "1510871468123456")]
    [InlineData("timestamptz", "\"1969-12-31T23:59:59+00:00\"", "-1000000")]
    [InlineData("timestamp_ns", "\"2017-11-16T22:31:08.123456789\"", "1510871468123456789")]
    [InlineData("timestamp_ns", "\"1969-12-31T23:59:59.9\"", "-100000000")]
    [InlineData("timestamptz_ns", "\"1970-01-01T00:00:01+00:00\"", "1000000000")]
    [InlineData("string", "\"a\\\"b\"", "0x612262")]
    [InlineData("uuid", "\"f79c3e09-677c-4bbd-a479-3f349cb785e7\"", "0xF79C3E09677C4BBDA4793F349CB785E7")]
    [InlineData("fixed[4]", "\"000102ff\"", "0x000102FF")]
    [InlineData("binary", "\"\"", "0x")]
    public void A_default_is_the_value_that_its_text_says(string type, string json, string expected) => Assert.Equal(expected, Print(DefaultValue.Parse(TypeOf(type), json)!.Value));

    [Fact]
    public void Floats_are_kept_as_bits()
    {
        Assert.Equal(PartitionValue.OfFloat(1.5f), DefaultValue.Parse(new IcebergType.Float(), "1.5"));
        Assert.Equal(PartitionValue.OfDouble(-0.1), DefaultValue.Parse(new IcebergType.Double(), "-0.1"));
    }

    [Fact]
    public void No_default_is_NULL() => Assert.True(DefaultValue.Parse(new IcebergType.Int(), null)!.Value.IsNull);

    [Theory]
    [InlineData("int", "\"7\"")]
    [InlineData("int", "3000000000")]
    [InlineData("decimal(9, 2)", "\"2E+20\"")]
    [InlineData("decimal(9, 2)", "\"1.5\"")]
    [InlineData("date", "\"16.11.2017\"")]
    [InlineData("timestamptz", "\"2017-11-16T22:31:08+02:00\"")]
    [InlineData("fixed[4]", "\"00\"")]
    [InlineData("binary", "\"0\"")]
    [InlineData("variant", "\"x\"")]
    [InlineData("timestamp_ns", "\"2017-11-16T22:31:08.\"")]
    [InlineData("timestamp_ns", "\"2017-11-16T22:31:08.1234567890\"")]
    [InlineData("timestamp_ns", "\"2262-04-12T00:00:00\"")]
    public void What_is_no_value_of_the_type_is_told_from_NULL(string type, string json) => Assert.Null(DefaultValue.Parse(TypeOf(type), json));

    private static IcebergType TypeOf(string name)
    {
        using var json = JsonDocument.Parse(JsonSerializer.Serialize(name));
        return SchemaJson.ReadType(json.RootElement);
    }

    private static string Print(PartitionValue value) => value.IsBytes ? "0x" + Convert.ToHexString(value.Bytes) : value.Number.ToString(CultureInfo.InvariantCulture);
}
