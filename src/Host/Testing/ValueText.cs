using System.Globalization;
using System.Numerics;
using System.Text.Encodings.Web;
using System.Text.Json;
using Matih.Batches;

namespace Matih.Host.Testing;

/// <summary>
/// Values as text that is the same for the same value: what a test compares and shows. Values come as JSON, from a person who
/// writes <c>2.5</c> and from a query that gives <c>"2.50"</c>.
/// </summary>
internal static class ValueText
{
    private const string Nothing = "NULL";
    private static readonly string[] Clocks = ["yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ss"];
    private static readonly JsonSerializerOptions Quoting = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="text">The value as text; where it is none of the type, what was expected: <c>expected BIGINT, found "x"</c>.</param>
    public static bool TryWrite(DataType type, JsonElement value, out string text)
    {
        var found = value.ValueKind == JsonValueKind.Null ? Nothing : type switch
        {
            DataType.Boolean => value.ValueKind switch { JsonValueKind.True => "TRUE", JsonValueKind.False => "FALSE", _ => null },
            DataType.TinyInt or DataType.SmallInt or DataType.Int or DataType.BigInt => Integer(Plain(value), type),
            DataType.Decimal number => Decimal(Plain(value), number),
            DataType.Float => float.TryParse(Plain(value), NumberStyles.Float, CultureInfo.InvariantCulture, out var single) ? (single == 0 ? 0 : single).ToString("R", CultureInfo.InvariantCulture) : null,
            DataType.Double => double.TryParse(Plain(value), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? (number == 0 ? 0 : number).ToString("R", CultureInfo.InvariantCulture) : null,
            DataType.Char or DataType.Varchar => Plain(value) is { } characters ? Quote(characters) : null,
            DataType.Binary or DataType.Varbinary => value.ValueKind == JsonValueKind.String && value.TryGetBytesFromBase64(out var bytes) ? Quote(Convert.ToBase64String(bytes)) : null,
            DataType.Date => DateOnly.TryParseExact(Plain(value), "yyyy-MM-dd", out var date) ? date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) : null,
            DataType.Time(var precision) => Time(Plain(value), precision),
            DataType.Timestamp(var precision) => Clock(Plain(value), precision)?.Text,
            DataType.TimestampLtz(var precision) => Instant(Plain(value), precision),
            _ => null,
        };
        if (found is not null)
        {
            text = found;
            return true;
        }
        switch (type)
        {
            case DataType.Array array when value.ValueKind == JsonValueKind.Array: return TryJoin("[", value.EnumerateArray().Select(item => ("", array.Element, item)), "]", out text);
            case DataType.Row row when value.ValueKind == JsonValueKind.Object: return TryWriteRow(row.Type, value, out text);
            case DataType.Map map when value.ValueKind == JsonValueKind.Object: return TryWriteMap(map, value, out text);
        }
        text = $"expected {type.OrNull()}{Form(type)}, found {value.GetRawText()}";
        return false;
    }

    private static string Form(DataType type) => type switch
    {
        DataType.Date => " as 2026-05-01",
        DataType.Time => " as 12:00:00",
        DataType.Timestamp => " as 2026-05-01 12:00:00",
        DataType.TimestampLtz => " with its zone, as 2026-05-01T12:00:00Z",
        DataType.Binary or DataType.Varbinary => " in base64",
        DataType.Array => " as a list",
        DataType.Row or DataType.Map => " as a mapping",
        _ => "",
    };

    /// <summary>The text of a scalar; numbers, true and false as they are written.</summary>
    private static string? Plain(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => null,
    };

    private static string Quote(string text) => JsonSerializer.Serialize(text, Quoting);

    private static string? Integer(string? text, DataType type)
    {
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)) return null;
        var (least, most) = type switch
        {
            DataType.TinyInt => (sbyte.MinValue, sbyte.MaxValue),
            DataType.SmallInt => (short.MinValue, short.MaxValue),
            DataType.Int => (int.MinValue, int.MaxValue),
            _ => (long.MinValue, long.MaxValue),
        };
        return value >= least && value <= most ? value.ToString(CultureInfo.InvariantCulture) : null;
    }

    /// <summary>With all digits of the scale; null where the number has more than the type.</summary>
    private static string? Decimal(string? text, DataType.Decimal type)
    {
        if (text is null) return null;
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        var (whole, fraction) = dot < 0 ? (text, "") : (text[..dot], text[(dot + 1)..].TrimEnd('0'));
        if (fraction.Length > type.Scale || !fraction.All(char.IsAsciiDigit)) return null;
        if (!BigInteger.TryParse(whole + fraction.PadRight(type.Scale, '0'), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var unscaled)) return null;
        var digits = BigInteger.Abs(unscaled).ToString(CultureInfo.InvariantCulture);
        if (digits.TrimStart('0').Length > type.Precision) return null;
        digits = digits.PadLeft(type.Scale + 1, '0');
        return $"{(unscaled.Sign < 0 ? "-" : "")}{digits[..^type.Scale]}{(type.Scale == 0 ? "" : ".")}{digits[^type.Scale..]}";
    }

    private static string? Time(string? text, int precision) =>
        text is not null && Clock($"2000-01-01 {text}", precision) is { } clock ? clock.Text["2000-01-01 ".Length..] : null;

    private static string? Instant(string? text, int precision)
    {
        if (text is null) return null;
        var offset = TimeSpan.Zero;
        if (text.EndsWith('Z')) text = text[..^1];
        else if (text.Length > 6 && text[^6] is '+' or '-' && TimeSpan.TryParseExact(text[^5..], @"hh\:mm", CultureInfo.InvariantCulture, out var span))
            (offset, text) = (text[^6] == '-' ? -span : span, text[..^6]);
        else return null;
        return Clock(text, precision) is { } clock ? Show(clock.Whole - offset, 'T', clock.Fraction) + "Z" : null;
    }

    /// <summary>A date and a time of day with at most as many digits of the second as the precision has.</summary>
    private static (DateTime Whole, string Fraction, string Text)? Clock(string? text, int precision)
    {
        if (text is null) return null;
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        var fraction = dot < 0 ? "" : text[(dot + 1)..];
        if ((dot >= 0 && fraction.Length == 0) || !fraction.All(char.IsAsciiDigit)) return null;
        fraction = fraction.TrimEnd('0');
        if (fraction.Length > precision || !DateTime.TryParseExact(dot < 0 ? text : text[..dot], Clocks, CultureInfo.InvariantCulture, DateTimeStyles.None, out var whole)) return null;
        return (whole, fraction, Show(whole, ' ', fraction));
    }

    private static string Show(DateTime whole, char between, string fraction) =>
        $"{whole.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}{between}{whole.ToString("HH:mm:ss", CultureInfo.InvariantCulture)}{(fraction.Length == 0 ? "" : ".")}{fraction}";

    /// <summary>Every field, those that are left out as NULL.</summary>
    private static bool TryWriteRow(RowType type, JsonElement value, out string text)
    {
        foreach (var member in value.EnumerateObject())
        {
            if (type.Fields.Any(field => field.Name == member.Name)) continue;
            text = $"has no field '{member.Name}'{NearestName.Suggest(member.Name, type.Fields.Select(field => field.Name))} It has {string.Join(", ", type.Fields.Select(field => field.Name))}.";
            return false;
        }
        return TryJoin("{", type.Fields.Select(field => ($"{field.Name}: ", field.Type, value.TryGetProperty(field.Name, out var found) ? found : default)), "}", out text);
    }

    /// <summary>The entries by the text of their keys: a map has no order.</summary>
    private static bool TryWriteMap(DataType.Map type, JsonElement value, out string text)
    {
        var entries = new SortedDictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var member in value.EnumerateObject())
        {
            using var key = JsonDocument.Parse(JsonSerializer.Serialize(member.Name));
            if (!TryWrite(type.Key, key.RootElement, out text)) return false;
            entries[text] = member.Value;
        }
        return TryJoin("{", entries.Select(entry => ($"{entry.Key}: ", type.Value, entry.Value)), "}", out text);
    }

    /// <param name="parts">What stands before each value, its type and the value; an undefined one is NULL.</param>
    private static bool TryJoin(string open, IEnumerable<(string Before, DataType Type, JsonElement Value)> parts, string close, out string text)
    {
        var texts = new List<string>();
        foreach (var (before, type, value) in parts)
        {
            if (value.ValueKind == JsonValueKind.Undefined) texts.Add(before + Nothing);
            else if (TryWrite(type, value, out text)) texts.Add(before + text);
            else return false;
        }
        text = open + string.Join(", ", texts) + close;
        return true;
    }
}
