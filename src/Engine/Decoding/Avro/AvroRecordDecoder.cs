using Matih.Batches;
using Matih.Registry;

namespace Matih.Decoding.Avro;

/// <summary>
/// Decodes <c>format: avro</c> with a schema registry: each value names the schema that it was written with, which is fetched once and
/// compiled into steps that fill the columns. Schemas may change from record to record.
/// </summary>
public sealed class AvroRecordDecoder : IRecordDecoder
{
    private readonly RecordColumns _columns;
    private readonly Column[] _filled;
    private readonly ISchemaRegistry _registry;
    private readonly string? _readerText;
    private readonly AvroTarget _root;
    private readonly Dictionary<SchemaKey, Plan> _plans = [];
    private SchemaKey _lastKey;
    private Plan? _lastPlan;

    /// <param name="columns">What is needed of a record.</param>
    /// <param name="reader">What the values are taken for; null where the columns alone say it.</param>
    /// <param name="registry">Knows the writers' schemas.</param>
    /// <param name="topic">For the topic column.</param>
    /// <exception cref="NotSupportedException">The reader's schema cannot be used. Says why.</exception>
    public AvroRecordDecoder(IReadOnlyList<InputColumn> columns, RegisteredSchema? reader, ISchemaRegistry registry, string topic, MemoryAccount account)
    {
        _columns = new RecordColumns(columns, topic, account);
        _registry = registry;
        _readerText = reader?.Text;
        try
        {
            _root = AvroTarget.Root(columns, index => _columns[index], reader is null ? null : AvroSchemaParser.Parse(reader));
        }
        catch (AvroSchemaException fault)
        {
            throw new NotSupportedException($"The schema of topic '{topic}' cannot be used: {fault.Message}.");
        }
        _filled = [.. _root.Columns];
    }

    public RowType Type => _columns.Type;

    public async ValueTask PrepareAsync(RawBatch batch, RowErrors errors, CancellationToken cancellationToken)
    {
        foreach (var key in FindUnknown(batch, errors))
        {
            var schema = await _registry.FindAsync(key, cancellationToken);
            _plans[key] = schema is null ? new Plan(null, $"value: the schema registry has no schema of {key}", IsUnknown: true) : Compile(key, schema);
        }
    }

    public ColumnBatch Decode(RawBatch batch, RowErrors errors)
    {
        _columns.Clear();
        for (var row = 0; row < batch.Count; row++)
        {
            if (!errors.IsLeftOut(row)) TryRead(batch, row, errors);
            if (!errors.IsLeftOut(row)) continue;
            foreach (var column in _filled)
            {
                column.Truncate(row);
                column.AppendNull();
            }
        }
        ForgetUnknown();
        return _columns.Finish(batch, errors);
    }

    public void Dispose() => _columns.Dispose();

    /// <summary>A key that the registry did not know may be known by the next batch.</summary>
    private void ForgetUnknown()
    {
        if (_lastPlan is { IsUnknown: true }) _lastPlan = null;
        foreach (var (key, plan) in _plans)
            if (plan.IsUnknown) _plans.Remove(key);
    }

    /// <summary>The keys of the batch whose schemas are not compiled yet.</summary>
    private List<SchemaKey> FindUnknown(RawBatch batch, RowErrors errors)
    {
        var unknown = new List<SchemaKey>();
        for (var row = 0; row < batch.Count; row++)
        {
            if (errors.IsLeftOut(row) || batch.Records[row].ValueLength < 0 || SchemaFraming.Read(batch, row, out var key, out _) is not null) continue;
            if ((_lastPlan is null || key != _lastKey) && !_plans.ContainsKey(key) && !unknown.Contains(key)) unknown.Add(key);
        }
        return unknown;
    }

    private Plan Compile(SchemaKey key, RegisteredSchema schema)
    {
        if (schema.Language != SchemaLanguage.Avro) return Plan.Unusable($"value: the schema of {key} is {schema.Language}, expected Avro");
        try
        {
            var writer = AvroSchemaParser.Parse(schema);
            return new Plan(new AvroCompiler().Compile(writer, _root), null, IsUnknown: false);
        }
        catch (AvroSchemaException fault)
        {
            return Plan.Unusable($"value: the schema of {key} does not fit the source's columns: {fault.Message}. It is {schema.Text}{(_readerText is null ? "" : $"; expected {_readerText}")}");
        }
    }

    private void TryRead(RawBatch batch, int row, RowErrors errors)
    {
        if (batch.Records[row].ValueLength < 0)
        {
            errors.Drop(row);
            return;
        }
        if (_columns.Check(batch, row) is { } reason)
        {
            errors.Reject(row, reason);
            return;
        }
        if (SchemaFraming.Read(batch, row, out var key, out var body) is { } fault)
        {
            errors.Reject(row, $"value: {fault}", "value: no schema id");
            return;
        }
        if (_lastPlan is null || key != _lastKey) (_lastKey, _lastPlan) = (key, _plans.GetValueOrDefault(key) ?? throw new InvalidOperationException($"The batch was not prepared: {key} is not known."));
        if (_lastPlan.Steps is not { } steps)
        {
            errors.Reject(row, _lastPlan.Fault!);
            return;
        }
        var reader = new AvroReader(body);
        steps.Read(ref reader);
        if (reader.Remaining != 0) reader.Fail($"{Quantity.Of(reader.Remaining, "byte")} behind the end of the value", "bytes behind the end of the value");
        if (reader.Fault is { } broken) errors.Reject(row, $"value of schema {key}: {broken}", $"value of schema {key}: {reader.FaultKind}");
    }

    /// <param name="Steps">Null where the schema cannot be used.</param>
    /// <param name="Fault">Why not.</param>
    /// <param name="IsUnknown">Whether the registry had no answer.</param>
    private sealed record Plan(AvroNode? Steps, string? Fault, bool IsUnknown)
    {
        public static Plan Unusable(string fault) => new(null, fault, IsUnknown: false);
    }
}
