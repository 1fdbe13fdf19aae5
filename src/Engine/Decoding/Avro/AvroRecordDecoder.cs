using System.Text.Unicode;
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
    private readonly BytesColumn[] _texts;
    private readonly ISchemaRegistry _registry;
    private readonly string? _readerText;
    private readonly AvroTarget _root;
    private readonly Dictionary<SchemaKey, Plan> _plans = [];
    private readonly Plan _unframed = new(null, null, IsUnknown: false);
    private Plan[] _planOfRow = [];
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
        _texts = [.. _filled.SelectMany(TextsIn)];
    }

    public RowType Type => _columns.Type;

    public async ValueTask PrepareAsync(RawBatch batch, RowErrors errors, CancellationToken cancellationToken)
    {
        if (_planOfRow.Length < batch.Count) _planOfRow = new Plan[Math.Max(batch.Count, 2 * _planOfRow.Length)];
        for (var row = FindPlans(batch, errors, 0, out var key); row < batch.Count; row = FindPlans(batch, errors, row, out key))
        {
            var schema = await _registry.FindAsync(key, cancellationToken);
            _plans[key] = schema is null ? new Plan(null, $"value: the schema registry has no schema of {key}", IsUnknown: true) : Compile(key, schema);
        }
    }

    public ColumnBatch Decode(RawBatch batch, RowErrors errors)
    {
        ReadRows(batch, errors, checksTexts: false);
        // Texts are checked a column at a time; where one is broken, the batch is read again to find its record.
        if (!_texts.All(IsText)) ReadRows(batch, errors, checksTexts: true);
        ForgetUnknown();
        return _columns.Finish(batch, errors);
    }

    public void Dispose() => _columns.Dispose();

    private static IEnumerable<BytesColumn> TextsIn(Column column) => column switch
    {
        BytesColumn { Type: DataType.Char or DataType.Varchar } text => [text],
        ListColumn list => TextsIn(list.Elements),
        RowColumn row => row.Fields.ToArray().SelectMany(TextsIn),
        _ => [],
    };

    /// <summary>Whether every value is valid UTF-8: all of it together, and none of them begins within a character.</summary>
    private static bool IsText(BytesColumn column)
    {
        var data = column.Data;
        if (System.Text.Ascii.IsValid(data)) return true;
        if (!Utf8.IsValid(data)) return false;
        foreach (var start in column.Offsets)
            if (start < data.Length && (data[start] & 0xC0) == 0x80) return false;
        return true;
    }

    /// <summary>A key that the registry did not know may be known by the next batch.</summary>
    private void ForgetUnknown()
    {
        if (_lastPlan is { IsUnknown: true }) _lastPlan = null;
        foreach (var (key, plan) in _plans)
            if (plan.IsUnknown) _plans.Remove(key);
    }

    /// <summary>Finds the plans of rows from one on.</summary>
    /// <returns>The row whose schema has to be fetched, by its key; the batch's count where none has.</returns>
    private int FindPlans(RawBatch batch, RowErrors errors, int from, out SchemaKey key)
    {
        key = default;
        for (var row = from; row < batch.Count; row++)
        {
            _planOfRow[row] = _unframed;
            if (errors.IsLeftOut(row) || batch.Records[row].ValueLength < 0 || !SchemaFraming.TryRead(batch, row, out key)) continue;
            if (_lastPlan is null || key != _lastKey)
            {
                if (!_plans.TryGetValue(key, out var plan)) return row;
                (_lastKey, _lastPlan) = (key, plan);
            }
            _planOfRow[row] = _lastPlan;
        }
        return batch.Count;
    }

    private Plan Compile(SchemaKey key, RegisteredSchema schema)
    {
        if (schema.Language != SchemaLanguage.Avro) return Unusable($"the schema of {key} is {schema.Language}, expected Avro");
        try
        {
            return new Plan(new AvroCompiler().Compile(AvroSchemaParser.Parse(schema), _root), null, IsUnknown: false) { Key = key };
        }
        catch (AvroSchemaException fault)
        {
            return Unusable($"the schema of {key} does not fit the source's columns: {fault.Message}. It is {schema.Text}{(_readerText is null ? "" : $"; expected {_readerText}")}");
        }

        static Plan Unusable(string fault) => new(null, "value: " + fault, IsUnknown: false);
    }

    private void ReadRows(RawBatch batch, RowErrors errors, bool checksTexts)
    {
        _columns.Clear();
        for (var row = 0; row < batch.Count; row++)
        {
            if (!errors.IsLeftOut(row) && TryRead(batch, row, errors, checksTexts)) continue;
            foreach (var column in _filled)
            {
                column.Truncate(row);
                column.AppendNull();
            }
        }
    }

    private bool TryRead(RawBatch batch, int row, RowErrors errors, bool checksTexts)
    {
        var plan = _planOfRow[row];
        if (plan.Steps is not { } steps || _columns.Check(batch, row) is not null) return LeaveOut(batch, row, errors);
        var reader = new AvroReader(batch.Value(row)[SchemaFraming.FrameLength(plan.Key)..], checksTexts);
        steps.Read(ref reader);
        if (reader.Remaining != 0) reader.Fail($"{Quantity.Of(reader.Remaining, "byte")} behind the end of the value", "bytes behind the end of the value");
        if (reader.Fault is not { } broken) return true;
        errors.Reject(row, $"value of schema {plan.Key}: {broken}", $"value of schema {plan.Key}: {reader.FaultKind}");
        return false;
    }

    /// <summary>Says why nothing is read of a row.</summary>
    private bool LeaveOut(RawBatch batch, int row, RowErrors errors)
    {
        if (batch.Records[row].ValueLength < 0) errors.Drop(row);
        else if (_columns.Check(batch, row) is { } reason) errors.Reject(row, reason);
        else if (_planOfRow[row].Fault is { } fault) errors.Reject(row, fault);
        else errors.Reject(row, "value: " + SchemaFraming.FaultOf(batch, row), "value: no schema id");
        return false;
    }

    /// <param name="Steps">Null where the schema cannot be used.</param>
    /// <param name="Fault">Why not; null where the value names no schema.</param>
    /// <param name="IsUnknown">Whether the registry had no answer.</param>
    private sealed record Plan(AvroNode? Steps, string? Fault, bool IsUnknown)
    {
        public SchemaKey Key { get; init; }
    }
}
