using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Matih.Definition;

namespace Matih.Flink;

/// <summary>An option of the session.</summary>
/// <param name="Name">Flink's name.</param>
/// <param name="Statement">Its <c>SET</c> statement.</param>
public sealed record FlinkSetting(string Name, FlinkStatement Statement);

/// <summary>A pipeline as a job of Flink SQL.</summary>
public sealed record FlinkScript
{
    /// <summary>Shorter secrets are part of many words: they are taken out only where they stand alone.</summary>
    private const int LongSecretCharsMin = 6;

    /// <summary>The job's name.</summary>
    public required string JobName { get; init; }

    /// <summary>Options of the session: <c>SET</c> statements.</summary>
    public required ImmutableArray<FlinkSetting> Settings { get; init; }

    /// <summary>Catalogs, databases, sources and views, in the order in which Flink needs them.</summary>
    public required ImmutableArray<FlinkStatement> Definitions { get; init; }

    public required ImmutableArray<FlinkTable> Tables { get; init; }

    /// <summary>What the job reads, in the order in which Flink recognizes its sources: <see cref="SourceOrder"/>.</summary>
    public ImmutableArray<string> Topics { get; init; } = [];

    /// <summary>The job itself.</summary>
    public required FlinkStatement Insert { get; init; }

    /// <summary>Has the planner look at the whole job; needs the tables.</summary>
    public required FlinkStatement Explain { get; init; }

    /// <summary>What is not as in a run of this engine, full sentences.</summary>
    public ImmutableArray<string> Notes { get; init; } = [];

    /// <summary>
    /// What the transformations and the insert are recognized by: of their text without secrets, and with one blank wherever there is white space.
    /// </summary>
    public string StatementHash => Hash(string.Join(";\n",
        Definitions.Where(statement => statement.Subject.StartsWith("transformations.", StringComparison.Ordinal)).Append(Insert).Select(statement => Regex.Replace(statement.ToString(), @"\s+", " ").Trim())));

    /// <summary>What the topics and their order are recognized by.</summary>
    public string TopicHash => Hash(string.Join('\n', Topics));

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];

    /// <summary>The statement that gives an option a value.</summary>
    public static FlinkStatement Set(string name, string value) => Set(name, (FlinkValue)value);

    internal static FlinkStatement Set(string name, FlinkValue value) =>
        new FlinkSql().Text("SET ").Text(FlinkSql.Literal(name)).Text(" = ").Value(value).Build($"orchestration.flink.{name}");

    /// <summary>The text with placeholders for every secret of the script: Flink repeats options in its errors, and hides few of them.</summary>
    public string Mask(string text) => Secrets.OrderByDescending(secret => secret.Value.Length).Aggregate(text, (masked, secret) => secret.Value.Length >= LongSecretCharsMin
        ? masked.Replace(secret.Value, secret.Placeholder, StringComparison.Ordinal)
        : Regex.Replace(masked, $@"(?<![\p{{L}}\p{{N}}]){Regex.Escape(secret.Value)}(?![\p{{L}}\p{{N}}])", _ => secret.Placeholder, RegexOptions.CultureInvariant));

    /// <summary>Places of secrets that the author wrote into the file itself, where the text holds them, such as <c>connections.main.security.password</c>.</summary>
    public IEnumerable<string> FindLiteralSecrets(string text) =>
        // A reference's placeholder is a variable's name, without dots.
        Secrets.Where(secret => secret.Placeholder.Contains('.', StringComparison.Ordinal) && text.Contains(secret.Value, StringComparison.Ordinal)).Select(secret => secret.Placeholder[2..^1]).Distinct();

    private IEnumerable<(string Value, string Placeholder)> Secrets => Settings.Select(setting => setting.Statement).Concat(Definitions).SelectMany(statement => statement.Secrets).Distinct();

    /// <summary>The script for a SQL client, with placeholders for secrets.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var note in Notes) text.Append(FlinkComment.Of(note)).Append('\n');
        foreach (var setting in Settings) text.Append($"{setting.Statement};\n");
        foreach (var statement in Definitions) text.Append($"\n{statement};\n");
        foreach (var table in Tables) text.Append(table.Create is { } create ? $"\n{create};\n" : $"\n{FlinkComment.Of($"{table.Name} has to exist: {table.Why}")}\n");
        return text.Append($"\n{Insert};\n").ToString();
    }
}

internal static class FlinkComment
{
    /// <summary>A comment line, whatever the text holds.</summary>
    public static string Of(string text) => "-- " + string.Concat(text.Select(letter => char.IsControl(letter) ? ' ' : letter));
}
