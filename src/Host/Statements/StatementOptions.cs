using Matih.Decoding;
using Matih.Host.Runtime;
using Matih.Sql;

namespace Matih.Host.Statements;

/// <summary>What <c>--option</c> says, in the words of a definition.</summary>
/// <param name="Format">What a line of the sample is.</param>
internal sealed record StatementOptions(InputFormat Format, JsonDecodeSettings Json, QuerySettings Query)
{
    private const string FormatKey = "format", IgnoreKey = "json.ignore_parse_errors", MissingKey = "json.fail_on_missing_field",
        TimestampKey = "json.timestamp_format", ZoneKey = "time_zone", FlinkZoneKey = "table.local-time-zone";

    /// <exception cref="UsageException">An option is unknown, has no value, or one that it cannot have.</exception>
    public static StatementOptions Parse(IEnumerable<string> options)
    {
        var result = new StatementOptions(InputFormat.Json, new JsonDecodeSettings(), QuerySettings.Default);
        foreach (var option in options)
        {
            var equals = option.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0) throw new UsageException($"--option: '{option}' has no value; write name=value.");
            result = result.With(option[..equals], option[(equals + 1)..]);
        }
        if (result.Json is { FailOnMissingField: true, IgnoreParseErrors: true }) throw new UsageException($"--option: {MissingKey} and {IgnoreKey} cannot both be true.");
        return result;
    }

    private StatementOptions With(string name, string value) => name switch
    {
        FormatKey => this with
        {
            Format = value switch { "json" => InputFormat.Json, "raw" => InputFormat.Raw, _ => throw Refuse(name, value, "json or raw") },
        },
        IgnoreKey => this with { Json = Json with { IgnoreParseErrors = Truth(name, value) } },
        MissingKey => this with { Json = Json with { FailOnMissingField = Truth(name, value) } },
        TimestampKey => this with
        {
            Json = Json with
            {
                TimestampStandard = value switch { "sql" => TimestampStandard.Sql, "iso-8601" => TimestampStandard.Iso8601, _ => throw Refuse(name, value, "sql or iso-8601") },
            },
        },
        ZoneKey => this with { Query = Query with { TimeZone = Zone(value) } },
        _ => throw Unknown(name),
    };

    private static UsageException Unknown(string name)
    {
        string[] names = [FormatKey, IgnoreKey, MissingKey, TimestampKey, ZoneKey];
        var hint = name == FlinkZoneKey ? $"; did you mean '{ZoneKey}'?" : NearestName.Suggest(name, names);
        return new UsageException($"--option: there is no option '{name}'{hint} There are {string.Join(", ", names)}.");
    }

    private static bool Truth(string name, string value) => value switch { "true" => true, "false" => false, _ => throw Refuse(name, value, "true or false") };

    private static TimeZoneInfo Zone(string value) =>
        TimeZoneInfo.TryFindSystemTimeZoneById(value, out var zone) ? zone : throw Refuse(ZoneKey, value, "a time zone of this machine, such as UTC or America/New_York");

    private static UsageException Refuse(string name, string value, string allowed) => new($"--option: {name} is '{value}'; it can be {allowed}.");
}
