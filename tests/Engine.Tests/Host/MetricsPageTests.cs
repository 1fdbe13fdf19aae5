using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using Matih.Host.Health;

namespace Matih.Engine.Tests.Host;

/// <summary>The page for Prometheus, by the rules of its text format 0.0.4.</summary>
public sealed class MetricsPageTests : IDisposable
{
    private readonly Meter _meter = new($"test-{Guid.NewGuid():N}");
    private readonly MetricsPage _page;

    public MetricsPageTests() => _page = new MetricsPage(_meter.Name);

    public void Dispose()
    {
        _page.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public void A_counter_is_added_up_by_its_attributes()
    {
        var counter = _meter.CreateCounter<long>("shop.orders.read", "{order}", "Orders read.");
        counter.Add(3, new KeyValuePair<string, object?>("shop", "north"));
        counter.Add(4, new KeyValuePair<string, object?>("shop", "south"));
        counter.Add(5, new KeyValuePair<string, object?>("shop", "north"));

        Assert.Equal("""
            # HELP shop_orders_read_total Orders read.
            # TYPE shop_orders_read_total counter
            shop_orders_read_total{shop="north"} 8
            shop_orders_read_total{shop="south"} 4

            """, Text());
    }

    [Fact]
    public void A_gauge_is_as_it_is_when_the_page_is_asked_for()
    {
        var values = new List<Measurement<long>> { new(7, new KeyValuePair<string, object?>("partition", 0)), new(9, new KeyValuePair<string, object?>("partition", 1)) };
        _meter.CreateObservableGauge("shop.lag", () => values, "{order}", "Lag.");
        Text();
        values.RemoveAt(0);

        Assert.Equal("""
            # HELP shop_lag Lag.
            # TYPE shop_lag gauge
            shop_lag{partition="1"} 9

            """, Text());
    }

    [Fact]
    public void A_histogram_has_cumulative_buckets_with_their_upper_bounds_included()
    {
        var histogram = _meter.CreateHistogram("shop.wait", "s", "Wait.", tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1] });
        foreach (var value in new[] { 0.25, 0.5, 0.75, 1, 8 }) histogram.Record(value);

        Assert.Equal("""
            # HELP shop_wait_seconds Wait.
            # TYPE shop_wait_seconds histogram
            shop_wait_seconds_bucket{le="0.5"} 2
            shop_wait_seconds_bucket{le="1"} 4
            shop_wait_seconds_bucket{le="+Inf"} 5
            shop_wait_seconds_sum 10.5
            shop_wait_seconds_count 5

            """, Text());
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("a\"b", "a\\\"b")]
    [InlineData("a\\b", "a\\\\b")]
    [InlineData("a\nb", "a\\nb")]
    [InlineData("größe", "größe")]
    public void Label_values_are_escaped(string value, string shown)
    {
        _meter.CreateCounter<long>("orders").Add(1, new KeyValuePair<string, object?>("shop.name", value));

        Assert.EndsWith($"\norders_total{{shop_name=\"{shown}\"}} 1\n", Text(), StringComparison.Ordinal);
    }

    [Fact]
    public void Help_is_one_line()
    {
        _meter.CreateCounter<long>("orders", description: "a\\b\nc").Add(1);

        Assert.StartsWith("# HELP orders_total a\\\\b\\nc\n# TYPE ", Text(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(0.1, "0.1")]
    [InlineData(9007199254740991, "9007199254740991")]
    public void Numbers_have_a_point_whatever_the_culture(double value, string shown)
    {
        var before = CultureInfo.CurrentCulture;
        var german = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        german.NumberFormat.NumberDecimalSeparator = ",";
        CultureInfo.CurrentCulture = german;
        try
        {
            _meter.CreateObservableGauge("level", () => value);

            Assert.EndsWith($"\nlevel {shown}\n", Text(), StringComparison.Ordinal);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData("shop.memory.used", "By", "shop_memory_used_bytes")]
    [InlineData("shop.seconds", "s", "shop_seconds")]
    [InlineData("shop.lag", "{order}", "shop_lag")]
    [InlineData("9lives", "", "_9lives")]
    public void Units_are_spelled_out_and_names_have_letters_that_are_allowed(string name, string unit, string shown)
    {
        _meter.CreateObservableGauge(name, () => 1L, unit);

        Assert.EndsWith($"\n{shown} 1\n", Text(), StringComparison.Ordinal);
    }

    [Fact]
    public void Families_come_in_the_order_of_their_names_and_not_without_a_value()
    {
        _meter.CreateCounter<long>("b").Add(1);
        _meter.CreateCounter<long>("a").Add(1);
        _meter.CreateCounter<long>("c");

        Assert.Equal("a_total 1\nb_total 1\n", string.Concat(Text().Split('\n').Where(line => line.Length != 0 && line[0] != '#').Select(line => $"{line}\n")));
    }

    [Fact]
    public void Writers_and_pages_side_by_side_lose_nothing()
    {
        var counter = _meter.CreateCounter<long>("orders");
        var level = 0L;
        _meter.CreateObservableGauge("level", () => Interlocked.Increment(ref level));

        Parallel.For(0, 8, lane =>
        {
            for (var i = 0; i < 1000; i++) counter.Add(1, new KeyValuePair<string, object?>("lane", lane % 2));
            Assert.Single(Text().Split('\n'), line => line.StartsWith("level ", StringComparison.Ordinal));
        });

        Assert.Contains("\norders_total{lane=\"0\"} 4000\norders_total{lane=\"1\"} 4000\n", Sorted(Text()), StringComparison.Ordinal);
    }

    private static string Sorted(string text) => $"\n{string.Join('\n', text.Split('\n').Order(StringComparer.Ordinal))}\n";

    private string Text() => Encoding.UTF8.GetString(_page.Answer().Body);
}
