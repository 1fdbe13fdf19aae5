using System.Collections.Immutable;
using Matih.Batches;
using Matih.Definition;
using Matih.Delivery;
using Matih.Flink;
using Matih.Planning;
using Matih.Sql;

namespace Matih.Hosting.Flink;

/// <summary>The statements of a script, run in one session of the gateway. No failure shows a secret of the script.</summary>
internal sealed class ScriptRun(GatewaySession session, FlinkScript script)
{
    /// <summary>Sets the options, then runs the definitions.</summary>
    public async Task PrepareAsync(IEnumerable<FlinkStatement> definitions, CancellationToken cancellationToken)
    {
        foreach (var setting in script.Settings) await SetAsync(setting.Name, setting.Statement, cancellationToken);
        foreach (var statement in definitions) await RunAsync(statement, cancellationToken);
    }

    public Task SetAsync(string name, string value, CancellationToken cancellationToken) => SetAsync(name, FlinkScript.Set(name, value), cancellationToken);

    private async Task SetAsync(string name, FlinkStatement statement, CancellationToken cancellationToken)
    {
        var result = await session.ExecuteAsync(statement, cancellationToken);
        if (result.Failure is { } failure) throw FlinkHttp.Failed($"Flink refuses the option {name} ({statement}): {script.Mask(failure.Cause)}", "Correct it under orchestration.flink in the definition.");
    }

    /// <exception cref="FlinkRefusalException">Flink refuses the statement.</exception>
    public async Task<StatementResult> RunAsync(FlinkStatement statement, CancellationToken cancellationToken)
    {
        var result = await session.ExecuteAsync(statement, cancellationToken);
        return result.Failure is { } failure ? throw FlinkRefusalException.Of(script, statement, failure) : result;
    }

    /// <summary>Has the planner look at a query. Iceberg's sink takes updates and deletions without upsert, too, and makes each another row.</summary>
    /// <exception cref="PipelineException">The query changes rows that it gave before, and the sink appends.</exception>
    public async Task CheckChangesAsync(FlinkTable table, CancellationToken cancellationToken)
    {
        var plan = string.Join('\n', (await RunAsync(table.Explain, cancellationToken)).Rows.Select(row => row[0]));
        var sink = table.Flow.Sink;
        if (sink.Mode == SinkMode.Upsert || ChangelogMode.Of(plan) is not { IsAppend: false } changes) return;
        throw Wrong(sink, "mode", $"the query gives {changes}, and append would make each of them another row. Set mode: upsert with a key, or change the query, such as by a window.");
    }

    /// <summary>What to create; columns that this engine does not know are those that Flink's planner gives.</summary>
    public async Task<IReadOnlyList<(FlinkTable Table, HandedFlow Handed)>> TablesAsync(ImmutableArray<PlannedFlow> planned, CancellationToken cancellationToken)
    {
        var tables = new List<(FlinkTable, HandedFlow)>();
        foreach (var table in script.Tables)
        {
            if (planned.FirstOrDefault(flow => flow.Definition.Sink.Name == table.Flow.Sink.Name) is { } known)
            {
                tables.Add((table, new HandedFlow(table.Flow, known.Plan.Table, known) { StatementHash = new DeployedHash(script.StatementHash, script.TopicHash) }));
                continue;
            }
            var errors = new List<DefinitionError>();
            var plan = PipelinePlanner.PlanTable(table.Flow, await ColumnsAsync(table, cancellationToken), errors);
            tables.Add((table, new HandedFlow(table.Flow, plan ?? throw new PipelineException(FailureKind.BadDefinition, errors[0].ToString(), "Correct the definition."), null) { StatementHash = new DeployedHash(script.StatementHash, script.TopicHash) }));
        }
        return tables;
    }

    private async Task<RowType> ColumnsAsync(FlinkTable table, CancellationToken cancellationToken)
    {
        var result = await RunAsync(table.Describe, cancellationToken);
        var fields = ImmutableArray.CreateBuilder<Field>();
        foreach (var row in result.Rows)
        {
            // A time attribute says so behind its type: TIMESTAMP(3) *ROWTIME*.
            var text = row[1]!.Split(" *", 2)[0];
            if (!DataTypeSyntax.TryParse(text, out var type, out _))
                throw new PipelineException(FailureKind.BadDefinition, $"sinks.{table.Flow.Sink.Name}: column '{row[0]}' has Flink's type {text}, which no table that this program creates can hold.", "Cast it in the SQL, or create the table and say create: false.");
            fields.Add(new Field(row[0]!, "false".Equals(row[2], StringComparison.OrdinalIgnoreCase) ? type.NotNull() : type));
        }
        return new RowType(fields.ToImmutable());
    }

    /// <summary>Creates a table through Flink.</summary>
    /// <exception cref="PipelineException">Flink's DDL cannot say it.</exception>
    public async Task CreateAsync(FlinkTable table, TablePlan plan, CancellationToken cancellationToken)
    {
        if (!table.Flow.Sink.CreatesTable) return;
        if (table.CreateOf(plan) is not { } create)
        {
            var hidden = FlinkTable.HiddenOf(plan)!;
            throw Wrong(table.Flow.Sink, "partition_by", $"Flink creates this table, and its DDL cannot say {hidden.Transform} of {hidden.Column}. Partition by columns, or create the table another way and say create: false.");
        }
        await RunAsync(create, cancellationToken);
    }

    /// <summary>Upsert deletes by the table's identifier fields, whatever the definition says.</summary>
    /// <exception cref="PipelineException">The table has another key than the sink.</exception>
    public async Task CheckKeyAsync(FlinkTable table, CancellationToken cancellationToken)
    {
        var sink = table.Flow.Sink;
        if (sink.Mode != SinkMode.Upsert) return;
        var described = await RunAsync(table.DescribeTable, cancellationToken);
        var key = described.Rows.Where(row => row[3]?.StartsWith("PRI(", StringComparison.Ordinal) == true).Select(row => row[0]!).ToHashSet(StringComparer.Ordinal);
        if (key.SetEquals(sink.Key)) return;
        throw Wrong(sink, "key", $"table {sink.Table} identifies rows by {(key.Count == 0 ? "nothing" : string.Join(", ", key.Order(StringComparer.Ordinal)))}, and the sink by {string.Join(", ", sink.Key)}. Give the table these identifier fields, or the sink another table.");
    }

    private static PipelineException Wrong(SinkDefinition sink, string key, string message) =>
        new(FailureKind.BadDefinition, new DefinitionError(sink.Position.File, sink.Position.Line, sink.Position.Column, $"sinks.{sink.Name}.{key}", message).ToString(), "Correct the definition.");
}
