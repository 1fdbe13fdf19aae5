using System.Text.Json;
using Matih.Host.Testing;
using Matih.Sql;

namespace Matih.Engine.Tests.Host;

/// <summary>A value as a person writes it and as a query gives it is one text, and another value is another text.</summary>
public sealed class ValueTextTests
{
    [Theory]
    [InlineData("BOOLEAN", "true", "TRUE")]
    [InlineData("BOOLEAN", "\"true\"", "expected BOOLEAN, found \"true\"")]
    [InlineData("TINYINT", "-128", "-128")]
    [InlineData("TINYINT", "128", "expected TINYINT, found 128")]
    [InlineData("SMALLINT", "40000", "expected SMALLINT, found 40000")]
    [InlineData("INT NOT NULL", "2147483648", "expected INT, found 2147483648")]
    [InlineData("BIGINT", "\"-9223372036854775808\"", "-9223372036854775808")]
    [InlineData("BIGINT", "1.0", "expected BIGINT, found 1.0")]
    [InlineData("DECIMAL(4, 2)", "2.5", "2.50")]
    [InlineData("DECIMAL(4, 2)", "\"2.50\"", "2.50")]
    [InlineData("DECIMAL(4, 2)", "-0.500", "-0.50")]
    [InlineData("DECIMAL(4, 2)", "-0", "0.00")]
    [InlineData("DECIMAL(4, 2)", "2.505", "expected DECIMAL(4, 2), found 2.505")]
    [InlineData("DECIMAL(4, 2)", "100", "expected DECIMAL(4, 2), found 100")]
    [InlineData("DECIMAL(4, 2)", "\"1.-5\"", "expected DECIMAL(4, 2), found \"1.-5\"")]
    [InlineData("DECIMAL(38, 0)", "99999999999999999999999999999999999999", "99999999999999999999999999999999999999")]
    [InlineData("FLOAT", "0.1", "0.1")]
    [InlineData("DOUBLE", "1e3", "1000")]
    [InlineData("DOUBLE", "-0.0", "0")]
    [InlineData("DOUBLE", "\"NaN\"", "NaN")]
    [InlineData("DOUBLE", "\"x\"", "expected DOUBLE, found \"x\"")]
    [InlineData("STRING", "\"a\\n\\\"é\"", "\"a\\n\\\"é\"")]
    [InlineData("STRING", "1.50", "\"1.50\"")]
    [InlineData("VARCHAR(3)", "{}", "expected VARCHAR(3), found {}")]
    [InlineData("BYTES", "\"AAE=\"", "\"AAE=\"")]
    [InlineData("BYTES", "\"a!\"", "expected BYTES in base64, found \"a!\"")]
    [InlineData("DATE", "\"2026-05-01\"", "2026-05-01")]
    [InlineData("DATE", "\"2026-02-30\"", "expected DATE as 2026-05-01, found \"2026-02-30\"")]
    [InlineData("TIME(3)", "\"10:00:00.500\"", "10:00:00.5")]
    [InlineData("TIME(0)", "\"10:00:00\"", "10:00:00")]
    [InlineData("TIME(0)", "\"10:00:00.5\"", "expected TIME(0) as 12:00:00, found \"10:00:00.5\"")]
    [InlineData("TIMESTAMP(3)", "\"2026-05-01T12:00:00\"", "2026-05-01 12:00:00")]
    [InlineData("TIMESTAMP(3)", "\"2026-05-01 12:00:00.250\"", "2026-05-01 12:00:00.25")]
    [InlineData("TIMESTAMP(3)", "\"2026-05-01 12:00:00.2505\"", "expected TIMESTAMP(3) as 2026-05-01 12:00:00, found \"2026-05-01 12:00:00.2505\"")]
    [InlineData("TIMESTAMP(3)", "\"2026-05-01\"", "expected TIMESTAMP(3) as 2026-05-01 12:00:00, found \"2026-05-01\"")]
    [InlineData("TIMESTAMP_LTZ(6)", "\"2026-05-01T00:30:00.000001+02:00\"", "2026-04-30T22:30:00.000001Z")]
    [InlineData("TIMESTAMP_LTZ(6)", "\"2026-05-01 12:00:00-00:30\"", "2026-05-01T12:30:00Z")]
    [InlineData("TIMESTAMP_LTZ(6)", "\"2026-05-01 12:00:00\"", "expected TIMESTAMP_LTZ(6) with its zone, as 2026-05-01T12:00:00Z, found \"2026-05-01 12:00:00\"")]
    [InlineData("ARRAY<INT>", "[1, null]", "[1, NULL]")]
    [InlineData("ARRAY<INT>", "[\"x\"]", "expected INT, found \"x\"")]
    [InlineData("ARRAY<INT>", "1", "expected ARRAY<INT> as a list, found 1")]
    [InlineData("ROW<a INT, b STRING>", "{\"b\": \"x\"}", "{a: NULL, b: \"x\"}")]
    [InlineData("ROW<a INT>", "{\"c\": 1}", "has no field 'c'; did you mean 'a'? It has a.")]
    [InlineData("MAP<STRING, INT>", "{\"b\": 1, \"a\": null}", "{\"a\": NULL, \"b\": 1}")]
    [InlineData("MAP<INT, INT>", "{\"10\": 1, \"9\": 2}", "{10: 1, 9: 2}")]
    [InlineData("MAP<INT, INT>", "{\"x\": 1}", "expected INT, found \"x\"")]
    [InlineData("INT", "null", "NULL")]
    public void A_value_has_one_text(string type, string json, string expected)
    {
        Assert.True(DataTypeSyntax.TryParseColumns($"c {type}", out var columns, out _));
        using var value = JsonDocument.Parse(json);

        var isValue = ValueText.TryWrite(columns[0].Type, value.RootElement, out var text);

        Assert.Equal(expected, text);
        Assert.Equal(!expected.StartsWith("expected", StringComparison.Ordinal) && !expected.StartsWith("has no", StringComparison.Ordinal), isValue);
    }
}
