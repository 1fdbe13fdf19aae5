using System.Text;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;

namespace Matih.Engine.Tests.Iceberg;

/// <summary>The values are the table spec's own: Appendix B and "Partition Transforms".</summary>
public sealed class TransformTests
{
    private const int Most = int.MaxValue;

    [Theory]
    [InlineData(34L, 2017239379)]
    [InlineData(17486L, -653330422)]
    [InlineData(81068000000L, -662762989)]
    [InlineData(1510871468000000L, -2047944441)]
    [InlineData(1510871468000001L, -1207196810)]
    public void Numbers_hash_as_the_spec_says(long value, int hash) => Assert.Equal((hash & Most) % Most, TransformArithmetic.Bucket(value, Most));

    [Fact]
    public void Decimals_hash_as_the_spec_says() => Assert.Equal(-500754589 & Most, TransformArithmetic.Bucket((Int128)1420, Most));

    [Theory]
    [InlineData("iceberg", 1210000089)]
    [InlineData("", 0)]
    public void Texts_hash_as_the_spec_says(string text, int hash) => Assert.Equal(hash, Murmur3.Hash32(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Bytes_hash_as_the_spec_says() => Assert.Equal(-188683207, Murmur3.Hash32([0, 1, 2, 3]));

    [Fact]
    public void Uuids_hash_as_the_spec_says() =>
        Assert.Equal(1488055340, Murmur3.Hash32(Guid.Parse("f79c3e09-677c-4bbd-a479-3f349cb785e7").ToByteArray(bigEndian: true)));

    [Theory]
    [InlineData(1, 0)]
    [InlineData(-1, -10)]
    [InlineData(0, 0)]
    [InlineData(-10, -10)]
    [InlineData(int.MaxValue, 2147483640)]
    public void Numbers_are_rounded_down(int value, int expected)
    {
        Assert.Equal(expected, TransformArithmetic.Truncate(value, 10));
        Assert.Equal(expected, TransformArithmetic.Truncate((long)value, 10));
        Assert.Equal(expected, TransformArithmetic.Truncate((Int128)value, 10));
    }

    [Fact]
    public void Decimals_are_rounded_down_in_their_own_scale() => Assert.Equal(1050, TransformArithmetic.Truncate((Int128)1065, 50));

    [Theory]
    [InlineData("iceberg", 3, "ice")]
    [InlineData("iceberg", 7, "iceberg")]
    [InlineData("東京都", 2, "東京")]
    [InlineData("🚀🚀🚀", 1, "🚀")]
    [InlineData("", 1, "")]
    public void Texts_are_cut_at_code_points(string text, int width, string expected) =>
        Assert.Equal(expected, Encoding.UTF8.GetString(TransformArithmetic.TruncateText(Encoding.UTF8.GetBytes(text), width)));

    [Fact]
    public void Dates_of_every_year_agree_with_the_calendar()
    {
        var first = new DateOnly(1, 1, 1);
        var epoch = new DateOnly(1970, 1, 1).DayNumber;

        for (var date = first; date < new DateOnly(9999, 12, 1); date = date.AddDays(17))
        {
            var days = date.DayNumber - epoch;
            Assert.Equal(date.Year - 1970, TransformArithmetic.YearsOfDays(days));
            var months = (date.Year - 1970) * 12 + date.Month - 1;
            Assert.Equal(months, TransformArithmetic.MonthsOfDays(days));
            Assert.Equal(new DateOnly(date.Year, date.Month, 1).DayNumber - epoch, TransformArithmetic.DaysOfMonth(months));
        }
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(-1, -1, -1)]
    [InlineData(86_400_000_000, 1, 24)]
    [InlineData(-86_400_000_000, -1, -24)]
    [InlineData(-86_400_000_001, -2, -25)]
    public void Instants_before_1970_belong_to_the_day_and_hour_they_lie_in(long micros, long days, long hours)
    {
        Assert.Equal(days, TransformArithmetic.DaysOfMicros(micros));
        Assert.Equal(hours, TransformArithmetic.FloorDivide(micros, TransformArithmetic.MicrosPerHour));
    }

    [Theory]
    [InlineData("identity")]
    [InlineData("bucket[16]")]
    [InlineData("truncate[4]")]
    [InlineData("year")]
    [InlineData("month")]
    [InlineData("day")]
    [InlineData("hour")]
    [InlineData("void")]
    [InlineData("zorder(3)")]
    [InlineData("bucket[0]")]
    public void A_transform_prints_as_it_was_read(string text) => Assert.Equal(text, Transform.Parse(text).ToString());

    [Fact]
    public void What_is_not_known_is_unknown()
    {
        Assert.IsType<Transform.Unknown>(Transform.Parse("zorder(3)"));
        Assert.IsType<Transform.Unknown>(Transform.Parse("bucket[0]"));
        Assert.IsType<Transform.Unknown>(Transform.Parse("truncate[1,2]"));
    }

    [Theory]
    [InlineData("day", "date", 20_455, "2026-01-02")]
    [InlineData("month", "int", 672, "2026-01")]
    [InlineData("month", "int", -1, "1969-12")]
    [InlineData("year", "int", 56, "2026")]
    [InlineData("year", "int", -1, "1969")]
    [InlineData("hour", "int", 490_925, "2026-01-02-05")]
    [InlineData("hour", "int", -1, "1969-12-31-23")]
    [InlineData("identity", "date", -1, "1969-12-31")]
    [InlineData("identity", "time", 81_068_000_000, "22%3A31%3A08")]
    [InlineData("identity", "timestamp", 1_512_123_175_038_194, "2017-12-01T10%3A12%3A55.038194")]
    [InlineData("identity", "timestamptz", -1, "1969-12-31T23%3A59%3A59.999999%2B00%3A00")]
    [InlineData("identity", "decimal(9, 2)", -5, "-0.05")]
    [InlineData("identity", "decimal(9, 2)", 1420, "14.20")]
    [InlineData("identity", "boolean", 1, "true")]
    [InlineData("bucket[16]", "int", 3, "3")]
    public void A_value_names_its_folder_as_the_reference_implementation_does(string transform, string type, long value, string expected) =>
        Assert.Equal(expected, PartitionText.Escape(PartitionText.Of(Transform.Parse(transform), SchemaJson.ReadPrimitive(type), PartitionValue.Of(value))));

    [Theory]
    [InlineData("a b/c", "a+b%2Fc")]
    [InlineData("..", "..")]
    [InlineData("ü", "%C3%BC")]
    [InlineData("a=b&c%", "a%3Db%26c%25")]
    public void A_text_is_encoded_as_one_folder_name(string text, string expected) => Assert.Equal(expected, PartitionText.Escape(text));

    [Fact]
    public void Long_texts_that_start_alike_get_folders_of_their_own_that_any_file_system_takes()
    {
        var one = PartitionText.Escape(new string('ü', 500) + "1");
        var two = PartitionText.Escape(new string('ü', 500) + "2");

        Assert.NotEqual(one, two);
        Assert.True(one.Length < 200);
    }

    [Fact]
    public void A_partition_field_is_not_named_like_another_column()
    {
        var schema = new Schema(0, [new(1, "date", false, new IcebergType.String()), new(2, "at", false, new IcebergType.Timestamp())]);

        var exception = Assert.Throws<ArgumentException>(() => PartitionSpec.Create(schema, [("at", new Transform.Day(), "date")]));

        Assert.Equal("The partition field 'date' would have the name of a column. Name it otherwise.", exception.Message);
    }

    [Fact]
    public void A_partition_of_fixed_values_is_refused_because_engines_disagree_on_them()
    {
        var schema = new Schema(0, [new(1, "f", false, new IcebergType.Fixed(4))]);

        Assert.Throws<ArgumentException>(() => PartitionSpec.Create(schema, [("f", new Transform.Identity(), null)]));
    }
}
