using System.Globalization;
using System.Text.Json;

namespace Matih.Definition.Shapes;

/// <summary>A number with a unit.</summary>
internal abstract class QuantityShape<T>(decimal least, decimal most, string leastText, string mostText) : ScalarShape<T>
{
    protected string LeastText => leastText;

    protected string MostText => mostText;

    protected abstract string Example { get; }

    protected abstract string UnitNames { get; }

    protected abstract string SchemaPattern { get; }

    /// <summary>How many of the base unit one unit is; null for an unknown unit.</summary>
    protected abstract decimal? UnitFactor(string unit);

    protected abstract T ToValue(decimal baseUnits);

    protected sealed override bool TryParse(ResolvedText text, ReadState state, out T value, out string? problem)
    {
        value = default!;
        problem = null;
        var number = text.Value.AsSpan().Trim();
        var numberLength = 0;
        while (numberLength < number.Length && (char.IsAsciiDigit(number[numberLength]) || number[numberLength] == '.')) numberLength++;
        var unit = number[numberLength..].Trim().ToString();
        if (numberLength > 15 || !decimal.TryParse(number[..numberLength], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count))
            return false;
        if (unit.Length == 0 && count != 0)
        {
            problem = $"{text.Shown} needs a unit ({UnitNames}), for example {Example}";
            return false;
        }
        if (UnitFactor(unit) is not { } factor) return false;
        var baseUnits = count * factor;
        if (baseUnits < least || baseUnits > most || baseUnits != decimal.Truncate(baseUnits)) return false;
        value = ToValue(baseUnits);
        return true;
    }

    public sealed override void WriteSchema(Utf8JsonWriter writer) => WriteOrReference(writer, () =>
    {
        writer.WriteString("type", "string");
        writer.WriteString("pattern", SchemaPattern);
    });
}

/// <summary>A length of time: <c>500ms</c>, <c>60s</c>, <c>5m</c>, <c>1h</c>, <c>1d</c>.</summary>
internal sealed class DurationShape(TimeSpan least, string leastText, TimeSpan most, string mostText)
    : QuantityShape<TimeSpan>((decimal)least.TotalMilliseconds, (decimal)most.TotalMilliseconds, leastText, mostText)
{
    public override string Words => $"a duration from {LeastText} to {MostText}, such as {Example}";

    public override string Cell => $"duration from {LeastText} to {MostText}";

    protected override string Example => "60s";

    protected override string UnitNames => "ms, s, m, h or d";

    protected override string SchemaPattern => "^[0-9]+(\\.[0-9]+)? ?(ms|s|m|min|h|d)$";

    protected override decimal? UnitFactor(string unit) => unit switch
    {
        "ms" => 1,
        "s" => 1000,
        "m" or "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => null,
    };

    protected override TimeSpan ToValue(decimal baseUnits) => TimeSpan.FromMilliseconds((double)baseUnits);
}

/// <summary>A number of bytes: <c>512MiB</c> (1024²), <c>64MB</c> (1000²).</summary>
internal sealed class SizeShape(long least, string leastText, long most, string mostText)
    : QuantityShape<long>(least, most, leastText, mostText)
{
    public override string Words => $"a size from {LeastText} to {MostText}, such as {Example}";

    public override string Cell => $"size from {LeastText} to {MostText}";

    protected override string Example => "512MiB";

    protected override string UnitNames => "B, KB, MB, GB, KiB, MiB or GiB";

    protected override string SchemaPattern => "^[0-9]+(\\.[0-9]+)? ?(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$";

    protected override decimal? UnitFactor(string unit) => unit switch
    {
        "B" => 1,
        "KB" or "kB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1L << 10,
        "MiB" => 1L << 20,
        "GiB" => 1L << 30,
        "TiB" => 1L << 40,
        _ => null,
    };

    protected override long ToValue(decimal baseUnits) => (long)baseUnits;
}
