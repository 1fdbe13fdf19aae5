using System.Text;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Iceberg;

public sealed class MetricsSelectionTests
{
    [Theory]
    [InlineData("Customer#000001500", 16, "Customer#0000015", "Customer#0000016")]
    [InlineData("Hello, world!", 5, "Hello", "Hellp")]
    [InlineData("short", 16, "short", "short")]
    [InlineData("ab\U0010FFFFx", 3, "ab\U0010FFFF", "ac")]
    [InlineData("a\uD7FFx", 2, "a\uD7FF", "a\uE000")]
    [InlineData("\U0010FFFF\U0010FFFFx", 2, "\U0010FFFF\U0010FFFF", null)]
    [InlineData("東京都", 2, "東京", "東亭")]
    public void Text_bounds_are_cut_so_that_they_enclose(string value, int length, string lower, string? upper)
    {
        var bytes = Encoding.UTF8.GetBytes(value);

        Assert.Equal(lower, Encoding.UTF8.GetString(Bounds.TruncateLower(new IcebergType.String(), bytes, length)));
        var cut = Bounds.TruncateUpper(new IcebergType.String(), bytes, length);
        Assert.Equal(upper, cut is null ? null : Encoding.UTF8.GetString(cut));
    }

    [Theory]
    [InlineData("0102FF03", 3, "0102FF", "0103")]
    [InlineData("FFFFFF", 2, "FFFF", null)]
    [InlineData("0102", 2, "0102", "0102")]
    public void Binary_bounds_are_cut_so_that_they_enclose(string value, int length, string lower, string? upper)
    {
        var bytes = Convert.FromHexString(value);

        Assert.Equal(lower, Convert.ToHexString(Bounds.TruncateLower(new IcebergType.Binary(), bytes, length)));
        var cut = Bounds.TruncateUpper(new IcebergType.Binary(), bytes, length);
        Assert.Equal(upper, cut is null ? null : Convert.ToHexString(cut));
    }

    [Fact]
    public void A_column_is_told_of_as_the_table_s_properties_say()
    {
        var selection = new MetricsSelection(Table(4, ("write.metadata.metrics.default", "counts"), ("write.metadata.metrics.column.c1", "none"), ("write.metadata.metrics.column.c2", "full"), ("write.metadata.metrics.column.c3", "truncate(2)")));

        Assert.Null(selection.Select(Metrics(1))?.LowerBound);
        Assert.Equal(10, selection.Select(Metrics(1))?.ValueCount);
        Assert.Null(selection.Select(Metrics(2)));
        Assert.Equal("abcdef", Encoding.UTF8.GetString(selection.Select(Metrics(3))!.Value.UpperBound!));
        Assert.Equal("ac", Encoding.UTF8.GetString(selection.Select(Metrics(4))!.Value.UpperBound!));
    }

    [Fact]
    public void Columns_beyond_the_first_hundred_are_not_told_of_unless_asked_for()
    {
        var silent = new MetricsSelection(Table(101));
        var asked = new MetricsSelection(Table(101, ("write.metadata.metrics.default", "truncate(16)")));

        Assert.NotNull(silent.Select(Metrics(100)));
        Assert.Null(silent.Select(Metrics(101)));
        Assert.NotNull(asked.Select(Metrics(101)));
    }

    [Fact]
    public void A_mode_that_is_none_is_refused_by_name()
    {
        var exception = Assert.Throws<UnsupportedTableException>(() => new MetricsSelection(Table(1, ("write.metadata.metrics.column.c0", "truncate(0)"))));

        Assert.Equal("The table property write.metadata.metrics.column.c0 is 'truncate(0)'; expected none, counts, truncate(16) or full.", exception.Message);
    }

    private static ColumnMetrics Metrics(int id) => new(id, 100, 10, 1, null, "abcdef"u8.ToArray(), "abcdef"u8.ToArray());

    private static TableMetadata Table(int columnCount, params (string, string)[] properties) =>
        TableMetadataSamples.New(new Schema(0, [.. Enumerable.Range(0, columnCount).Select(i => new NestedField(i + 1, $"c{i}", false, new IcebergType.String()))])) with
        {
            Properties = TableMetadataSamples.Properties(properties),
        };
}
