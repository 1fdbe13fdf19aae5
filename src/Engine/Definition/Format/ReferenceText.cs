using System.Text;
using Matih.Definition.Shapes;
using Matih.Definition.Yaml;

namespace Matih.Definition.Format;

/// <summary>Writes the format as a document: <c>docs/definition.md</c>.</summary>
internal static class ReferenceText
{
    public static string Write()
    {
        var text = new StringBuilder();
        Line(text, "# The definition");
        Line(text, "");
        Line(text, "<!-- Generated from src/Engine/Definition/Format; a test compares it. -->");
        Line(text, "");
        Line(text, "A pipeline is one YAML file. `matih validate FILE` lists everything wrong with it, each with file, line and column.");
        Line(text, "Editors complete and check it with `samples/matih.schema.json`: `# yaml-language-server: $schema=matih.schema.json`.");
        Line(text, "");
        Line(text, "## Rules for all of it");
        Line(text, "");
        foreach (var rule in Rules) Line(text, "- " + rule);
        foreach (var set in PipelineFormat.Sets) AppendSet(text, set);
        AppendProperties(text);
        return text.ToString();
    }

    private static string[] Rules =>
    [
        "Unknown keys, keys that stand twice, and YAML tags are errors. A key with nothing after it counts as left out, and so does an optional one whose variables come to nothing.",
        $"Limits: {YamlLimits.FileBytesMax >> 20} MiB, {Quantity.Of(YamlLimits.DepthMax, "level")}, {Quantity.Of(YamlLimits.AliasCountMax, "alias", "aliases")}, {Quantity.Of(YamlLimits.NodeCountMax, "value")} (an alias counts as everything that it stands for). Anchors and aliases work within them; merge keys (`<<`) do not.",
        "`${NAME}` in a value is replaced by the environment variable, `${NAME:-default}` by the default where the variable is unset or empty; `$${` stands for `${`. Every other `$` stands for itself. An unset variable without a default is an error, except in `schema_registry`. Replacement comes after YAML is parsed, so that a value cannot add keys. Inside `{ }` and `[ ]` YAML wants quotes around it.",
        "Values that came from the environment are never shown in messages, nor are the values of secrets and of properties.",
        "A secret is text (best as `${NAME}`), `{ from_env: NAME }` or `{ from_file: PATH }` (its last line break is left out). Text that stands in the file itself gives a warning, and so does the default of `${NAME:-default}` where it is taken.",
        "Durations have a unit: `500ms`, `60s`, `5m`, `1h`, `1d`. So have sizes: `64MB` is 64,000,000 bytes, `64MiB` is 67,108,864.",
        "`--set path=value` replaces a value before everything is checked: `--set orchestration.checkpoint_interval=2s`, `--set transformations.parse_events.input=clicks`, `--set 'sinks.lake.partition_by=[day(ts)]'`. List items are named by their `name` or their index from 0. An empty value takes the key away.",
    ];

    private static void AppendSet(StringBuilder text, KeySet set)
    {
        Line(text, "");
        Line(text, $"## {set.Title}");
        Line(text, "");
        Line(text, set.Meaning);
        Line(text, "");
        Line(text, "| Key | Value | Default | Meaning |");
        Line(text, "|---|---|---|---|");
        foreach (var key in set.Keys)
        {
            var standard = key.IsRequired ? "required" : key.DefaultText.Length == 0 ? "" : $"`{key.DefaultText}`";
            Line(text, $"| `{key.Name}` | {Cell(key.Shape.Cell)} | {standard} | {Cell(key.Meaning)} |");
        }
    }

    private static void AppendProperties(StringBuilder text)
    {
        Line(text, "");
        Line(text, "## Kafka properties that cannot be set");
        Line(text, "");
        Line(text, "| Property | Why, or what to use |");
        Line(text, "|---|---|");
        foreach (var (name, reason) in KafkaPropertyNames.Reserved) Line(text, $"| `{name}` | reserved: {Cell(reason)} |");
        foreach (var (name, key) in KafkaPropertyNames.Dedicated) Line(text, $"| `{name}` | use {key} |");
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);

    private static void Line(StringBuilder text, string line) => text.Append(line).Append('\n');
}
