using System.Globalization;
using System.Text.Json;
using Matih.Definition.Yaml;

namespace Matih.Definition.Shapes;

/// <summary>Free text on which nothing is asked but its length.</summary>
internal sealed class TextShape(string words, int lengthMax = 1000) : ScalarShape<string>
{
    public override string Words => words;

    protected override bool TryParse(ResolvedText text, ReadState state, out string value, out string? problem)
    {
        value = text.Value;
        problem = null;
        if (value.Length <= lengthMax) return value.Length != 0;
        problem = $"has {Quantity.Of(value.Length, "character")}; at most {Quantity.Count(lengthMax)} are allowed";
        return false;
    }

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("type");
        writer.WriteStringValue("string");
        writer.WriteStringValue("number");
        writer.WriteStringValue("boolean");
        writer.WriteEndArray();
    }
}

/// <summary>Free text that is never shown in messages, because people put credentials in.</summary>
internal sealed class HiddenTextShape(string words, int lengthMax = 1000) : ScalarShape<string>
{
    public override string Words => words;

    protected override bool TryParse(ResolvedText text, ReadState state, out string value, out string? problem)
    {
        value = text.Value;
        problem = value.Length > lengthMax ? $"has {Quantity.Of(value.Length, "character")}; at most {Quantity.Count(lengthMax)} are allowed"
            : value.Length == 0 ? $"expected {Words}, found nothing"
            : null;
        return problem is null;
    }

    public override void WriteSchema(Utf8JsonWriter writer) => writer.WriteString("type", "string");
}

/// <summary>UTC, or a region of the tz database: names that mean the same to Java and to every machine.</summary>
internal sealed class TimeZoneShape : ScalarShape<string>
{
    public override string Words => "UTC or a region such as Europe/Berlin";

    protected override bool TryParse(ResolvedText text, ReadState state, out string value, out string? problem)
    {
        value = text.Value;
        problem = null;
        if (value == "UTC") return true;
        if (!value.Contains('/', StringComparison.Ordinal)) return false;
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(value, out _)) problem = $"is {text.Shown}, which this machine has no time zone data of (/usr/share/zoneinfo)";
        return problem is null;
    }

    public override void WriteSchema(Utf8JsonWriter writer) => writer.WriteString("type", "string");
}

/// <summary>Text of a <see cref="Grammar"/>.</summary>
internal sealed class NameShape(Grammar grammar) : ScalarShape<string>
{
    public override string Words => grammar.Words;

    protected override bool TryParse(ResolvedText text, ReadState state, out string value, out string? problem)
    {
        value = text.Value;
        problem = null;
        return grammar.Accepts(value);
    }

    public override void WriteSchema(Utf8JsonWriter writer) => WriteOrReference(writer, () =>
    {
        writer.WriteString("type", "string");
        writer.WriteString("pattern", grammar.Pattern);
        writer.WriteNumber("maxLength", grammar.LengthMax);
    });
}

/// <summary>One of a few words; words of later versions are known and refused with what to use instead.</summary>
internal sealed class ChoiceShape<T>((string Word, T Value)[] allowed, params (string Word, string Reason)[] notYet) : ScalarShape<T>
{
    public override string Words => allowed.Length == 1
        ? $"'{allowed[0].Word}'"
        : $"one of {string.Join(", ", allowed.Select(choice => choice.Word))}";

    public override string Cell => string.Join(", ", allowed.Select(choice => $"`{choice.Word}`"));

    public override bool EndsMapping(YamlNode node, ReadState state) =>
        EndsMappingWhenNotYet && node is YamlNode.Scalar scalar
        && Substitution.TryResolve(scalar, state.Inputs.Environment, (_, _) => { }, out var text)
        && notYet.Any(later => later.Word == text.Value);

    /// <summary>Whether the other keys of the mapping depend on this one, as those of a sink do on its type.</summary>
    public bool EndsMappingWhenNotYet { get; init; }

    protected override bool TryParse(ResolvedText text, ReadState state, out T value, out string? problem)
    {
        foreach (var choice in allowed)
        {
            if (choice.Word != text.Value) continue;
            value = choice.Value;
            problem = null;
            return true;
        }
        value = default!;
        var later = notYet.FirstOrDefault(choice => choice.Word == text.Value);
        var nearest = text.IsSubstituted ? null : Spelling.Nearest(text.Value, allowed.Select(choice => choice.Word));
        problem = later.Reason is not null ? $"'{later.Word}' {later.Reason}"
            : nearest is not null ? $"expected {Words}, found {text.Shown}; did you mean '{nearest}'?"
            : null;
        return false;
    }

    public override void WriteSchema(Utf8JsonWriter writer) => WriteOrReference(writer, () =>
    {
        writer.WriteStartArray("enum");
        foreach (var (word, _) in allowed) writer.WriteStringValue(word);
        writer.WriteEndArray();
    });
}

/// <summary><c>true</c> or <c>false</c>.</summary>
internal sealed class FlagShape : ScalarShape<bool>
{
    public override string Words => "true or false";

    protected override bool TryParse(ResolvedText text, ReadState state, out bool value, out string? problem)
    {
        problem = null;
        value = text.Value is "true" or "True" or "TRUE";
        return value || text.Value is "false" or "False" or "FALSE";
    }

    public override void WriteSchema(Utf8JsonWriter writer) => WriteOrReference(writer, () => writer.WriteString("type", "boolean"));
}

/// <summary><c>true</c>, <c>false</c>, or left out, where that means something else than either.</summary>
internal sealed class OptionalFlagShape : ScalarShape<bool?>
{
    private readonly FlagShape _flag = new();

    public override string Words => _flag.Words;

    protected override bool TryParse(ResolvedText text, ReadState state, out bool? value, out string? problem)
    {
        problem = null;
        value = text.Value switch { "true" or "True" or "TRUE" => true, "false" or "False" or "FALSE" => false, _ => null };
        return value is not null;
    }

    public override void WriteSchema(Utf8JsonWriter writer) => _flag.WriteSchema(writer);
}

/// <summary>A decimal integer within bounds.</summary>
internal sealed class IntegerShape(long least, long most) : ScalarShape<long>
{
    public override string Words => $"an integer from {least} to {most}";

    protected override bool TryParse(ResolvedText text, ReadState state, out long value, out string? problem)
    {
        problem = null;
        return long.TryParse(text.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value) && value >= least && value <= most;
    }

    public override void WriteSchema(Utf8JsonWriter writer) => WriteOrReference(writer, () =>
    {
        writer.WriteString("type", "integer");
        writer.WriteNumber("minimum", least);
        writer.WriteNumber("maximum", most);
    });
}

/// <summary>http or https address. Never shown in messages, because people put credentials in.</summary>
internal sealed class UrlShape : ScalarShape<EndpointUrl>
{
    public override string Words => "an http:// or https:// address";

    protected override bool TryParse(ResolvedText text, ReadState state, out EndpointUrl value, out string? problem)
    {
        var isUrl = EndpointUrl.TryParse(text.Value, out var url);
        value = url!;
        problem = isUrl ? null : $"expected {Words} with a host and a port from 1 to 65535 or none, found something else (not shown: it may hold credentials)";
        return isUrl;
    }

    public override void WriteSchema(Utf8JsonWriter writer) => WriteOrReference(writer, () =>
    {
        writer.WriteString("type", "string");
        writer.WriteString("pattern", "^https?://");
    });
}

/// <summary><c>earliest</c>, <c>latest</c> or an instant.</summary>
internal sealed class StartOffsetShape : ScalarShape<StartOffset>
{
    public override string Words => "earliest, latest or a time with its zone such as 2026-05-01T00:00:00Z";

    public override string Cell => "`earliest`, `latest` or an ISO 8601 time with its zone";

    protected override bool TryParse(ResolvedText text, ReadState state, out StartOffset value, out string? problem)
    {
        problem = null;
        var isStart = StartOffset.TryParse(text.Value, out var start);
        value = start!;
        if (!isStart && !text.IsSubstituted && Spelling.Nearest(text.Value, ["earliest", "latest"]) is { } nearest)
            problem = $"expected {Words}, found {text.Shown}; did you mean '{nearest}'?";
        else if (!isStart && StartOffset.TryParse(text.Value + "Z", out _))
            problem = $"the time {text.Shown} needs its zone: a Z at its end for UTC, or an offset such as +02:00";
        return isStart;
    }

    public override void WriteSchema(Utf8JsonWriter writer) => WriteOrReference(writer, () =>
    {
        writer.WriteString("type", "string");
        writer.WriteString("pattern", "^(earliest|latest|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2}))$");
    });
}

/// <summary>A statement; kept with the places of its characters.</summary>
internal sealed class SqlShape : ScalarShape<SqlText>
{
    public override string Words => "a SQL statement";

    protected override bool TryParse(ResolvedText text, ReadState state, out SqlText value, out string? problem)
    {
        value = new SqlText(text.Value, text.Positions);
        problem = string.IsNullOrWhiteSpace(text.Value) ? "the statement is empty; the least is SELECT * FROM {{ input }}" : null;
        return problem is null;
    }

    public override void WriteSchema(Utf8JsonWriter writer) => writer.WriteString("type", "string");
}
