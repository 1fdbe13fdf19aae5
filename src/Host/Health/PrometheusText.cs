using System.Globalization;
using System.Text;

namespace Matih.Host.Health;

/// <summary>
/// Prometheus' text format, version 0.0.4, with names made of OpenTelemetry's as its specification says ("Prometheus and
/// OpenMetrics Compatibility"): dots become underscores, the unit is spelled out at the end, and counters end in <c>_total</c>.
/// </summary>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>The families that have a series, in the order of their names.</summary>
    public static string Write(IEnumerable<MetricFamily> families)
    {
        var text = new StringBuilder();
        foreach (var (family, name) in families.Select(family => (family, NameOf(family))).OrderBy(pair => pair.Item2, StringComparer.Ordinal)) WriteFamily(text, family, name);
        return text.ToString();
    }

    internal static string NameOf(MetricFamily family)
    {
        var name = Sanitized(family.Name);
        var unit = family.Unit switch
        {
            "s" => "seconds",
            "By" => "bytes",
            // What stands in braces says what is counted, and is no unit.
            "" or ['{', ..] => null,
            _ => throw new InvalidOperationException($"Instrument {family.Name} has the unit {family.Unit}, which has no name here."),
        };
        if (unit is not null && !name.EndsWith(unit, StringComparison.Ordinal)) name = $"{name}_{unit}";
        return family.Kind == MetricKind.Counter ? $"{name}_total" : name;
    }

    private static void WriteFamily(StringBuilder text, MetricFamily family, string name)
    {
        var isFirst = true;
        family.Visit(series =>
        {
            if (isFirst)
            {
                text.Append("# HELP ").Append(name).Append(' ').Append(family.Description.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal)).Append('\n');
                text.Append("# TYPE ").Append(name).Append(' ').Append(TypeOf(family.Kind)).Append('\n');
            }
            isFirst = false;
            if (family.Kind == MetricKind.Histogram) WriteHistogram(text, name, series);
            else WriteSample(text, name, series, null, series.Sum);
        });
    }

    private static string TypeOf(MetricKind kind) => kind switch
    {
        MetricKind.Counter => "counter",
        MetricKind.Gauge => "gauge",
        _ => "histogram",
    };

    /// <summary>Each bucket holds those below it, too.</summary>
    private static void WriteHistogram(StringBuilder text, string name, MetricSeries series)
    {
        var count = 0L;
        for (var i = 0; i < series.Counts.Count; i++)
        {
            count += series.Counts[i];
            WriteSample(text, $"{name}_bucket", series, i < series.Boundaries.Count ? series.Boundaries[i] : double.PositiveInfinity, count);
        }
        WriteSample(text, $"{name}_sum", series, null, series.Sum);
        WriteSample(text, $"{name}_count", series, null, count);
    }

    private static void WriteSample(StringBuilder text, string name, MetricSeries series, double? bound, double value)
    {
        text.Append(name);
        var separator = '{';
        foreach (var (key, content) in series.Attributes) WriteLabel(key, Convert.ToString(content, CultureInfo.InvariantCulture) ?? "");
        if (bound is { } upper) WriteLabel("le", Number(upper));
        if (separator == ',') text.Append('}');
        text.Append(' ').Append(Number(value)).Append('\n');

        void WriteLabel(string key, string content)
        {
            text.Append(separator).Append(Sanitized(key)).Append("=\"");
            foreach (var character in content)
            {
                if (character == '\n') text.Append(@"\n");
                else if (character is '\\' or '"') text.Append('\\').Append(character);
                else text.Append(character);
            }
            text.Append('"');
            separator = ',';
        }
    }

    private static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf" : double.IsNegativeInfinity(value) ? "-Inf" : value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>Letters, digits and underscores, as names of metrics and labels must be; the first is no digit.</summary>
    private static string Sanitized(string name)
    {
        var characters = name.Select(character => char.IsAsciiLetterOrDigit(character) ? character : '_');
        return string.Concat(char.IsAsciiDigit(name[0]) ? characters.Prepend('_') : characters);
    }
}
