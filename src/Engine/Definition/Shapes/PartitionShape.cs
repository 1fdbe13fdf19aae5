using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Matih.Definition.Shapes;

/// <summary>An entry of <c>partition_by</c>: a column, or a transform of one in Iceberg's words.</summary>
/// <remarks>Iceberg table spec, "Partition Transforms".</remarks>
internal sealed partial class PartitionShape : ScalarShape<PartitionDefinition>
{
    private const int BucketCountMax = 1_000_000;

    private static readonly (string Word, PartitionTransform Transform, bool HasParameter)[] Transforms =
    [
        ("identity", PartitionTransform.Identity, false),
        ("year", PartitionTransform.Year, false),
        ("month", PartitionTransform.Month, false),
        ("day", PartitionTransform.Day, false),
        ("hour", PartitionTransform.Hour, false),
        ("bucket", PartitionTransform.Bucket, true),
        ("truncate", PartitionTransform.Truncate, true),
    ];

    public override string Words => "a column, or year(c), month(c), day(c), hour(c), bucket(N, c), truncate(N, c), with AS name where the partition field needs one";

    protected override bool TryParse(ResolvedText text, ReadState state, out PartitionDefinition value, out string? problem)
    {
        value = null!;
        problem = null;
        var entry = text.Value.Trim();
        var position = text.Positions.PositionAt(0);
        string? fieldName = null;
        if (Named().Match(entry) is { Success: true } named)
        {
            fieldName = named.Groups["name"].Value;
            entry = named.Groups["entry"].Value;
        }
        if (entry.Contains('(', StringComparison.Ordinal) != entry.Contains(')', StringComparison.Ordinal))
        {
            problem = $"found {text.Shown}, half of a transform: in [ ] an entry with a comma needs quotes, such as ['bucket(16, user_id)']";
            return false;
        }
        if (!entry.Contains('(', StringComparison.Ordinal))
        {
            value = new PartitionDefinition(entry, PartitionTransform.Identity, null, entry, position) { FieldName = fieldName };
            return Grammars.Column.Accepts(entry);
        }
        var call = Call().Match(entry);
        if (!call.Success) return false;
        var word = call.Groups["transform"].Value;
        var index = Array.FindIndex(Transforms, transform => transform.Word == word.ToLowerInvariant());
        if (index < 0)
        {
            var nearest = Spelling.Nearest(word, Transforms.Select(transform => transform.Word));
            problem = text.IsSubstituted ? null
                : $"unknown transform '{word}'{(nearest is null ? ". " : $"; did you mean '{nearest}'? ")}Allowed: {string.Join(", ", Transforms.Select(transform => transform.Word))}";
            return false;
        }
        var (_, kind, hasParameter) = Transforms[index];
        var column = call.Groups["column"].Value.Trim();
        int? parameter = null;
        if (hasParameter != call.Groups["parameter"].Success
            || (hasParameter && !TryParseParameter(call.Groups["parameter"].Value, out parameter)))
        {
            problem = hasParameter
                ? $"expected {word}(N, column) with N from 1 to {BucketCountMax} first, found {text.Shown}"
                : $"expected {word}(column), found {text.Shown}";
            return false;
        }
        value = new PartitionDefinition(entry, kind, parameter, column, position) { FieldName = fieldName };
        return Grammars.Column.Accepts(column);
    }

    private static bool TryParseParameter(string text, out int? parameter)
    {
        var isNumber = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= BucketCountMax;
        parameter = number;
        return isNumber;
    }

    public override void WriteSchema(Utf8JsonWriter writer) => writer.WriteString("type", "string");

    [GeneratedRegex(@"^(?<entry>.*\S)\s+[Aa][Ss]\s+(?<name>[A-Za-z_][A-Za-z0-9_]{0,99})$")]
    private static partial Regex Named();

    [GeneratedRegex(@"^(?<transform>[A-Za-z_]{1,32})\s*\(\s*((?<parameter>[^,()]*[^,()\s])\s*,)?(?<column>[^,()]+)\)$")]
    private static partial Regex Call();
}
