using System.Collections.Immutable;
using System.Text;
using Matih.Definition;

namespace Matih.Flink;

/// <summary>A table that the job writes.</summary>
/// <param name="Flow">The flow's definition.</param>
/// <param name="Name">Catalog, namespace and name, quoted.</param>
/// <param name="Create">Makes it where it does not exist; null where Flink's DDL cannot say it, or the columns are known to Flink alone.</param>
/// <param name="Why">Why there is no such statement.</param>
public sealed record FlinkTable(FlowDefinition Flow, string Name, FlinkStatement? Create, string? Why)
{
    /// <summary>Asks for the columns of the rows that it gets.</summary>
    public FlinkStatement Describe => new FlinkSql().Text("DESCRIBE ").Name(Flow.Sink.Input).Build($"sinks.{Flow.Sink.Name}.input");

    /// <summary>Has the planner look at the query of its rows.</summary>
    public FlinkStatement Explain => new FlinkSql().Text("EXPLAIN SELECT * FROM ").Name(Flow.Sink.Input).Build($"sinks.{Flow.Sink.Name}.input");
}

/// <summary>A pipeline as a job of Flink SQL.</summary>
public sealed record FlinkScript
{
    /// <summary>The job's name.</summary>
    public required string JobName { get; init; }

    /// <summary>Options of the session: <c>SET</c> statements.</summary>
    public required ImmutableArray<KeyValuePair<string, string>> Settings { get; init; }

    /// <summary>Catalogs, databases, sources and views, in the order in which Flink needs them.</summary>
    public required ImmutableArray<FlinkStatement> Definitions { get; init; }

    public required ImmutableArray<FlinkTable> Tables { get; init; }

    /// <summary>The job itself.</summary>
    public required FlinkStatement Insert { get; init; }

    /// <summary>Has the planner look at the whole job; needs the tables.</summary>
    public required FlinkStatement Explain { get; init; }

    /// <summary>What is not as in a run of this engine, full sentences.</summary>
    public ImmutableArray<string> Notes { get; init; } = [];

    /// <summary>The statement that gives an option a value.</summary>
    public static string Set(string name, string value) => $"SET {FlinkSql.Literal(name)} = {FlinkSql.Literal(value)}";

    /// <summary>The script for a SQL client, with placeholders for secrets.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var note in Notes) text.Append(FlinkComment.Of(note)).Append('\n');
        foreach (var (name, value) in Settings) text.Append($"{Set(name, value)};\n");
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
