using Matih.Decoding;
using Matih.Definition.Shapes;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Delivery.Topics;

/// <summary>
/// Warns, once in a run, of fields of the schema that none of the topic's first records had: each gives NULL in every row, and
/// is probably misspelt. Used by the coordinator alone.
/// </summary>
internal sealed class FieldCheck(FlowPlan plan, FieldPresence presence, IEngineLog log)
{
    /// <summary>Fewer records than this decide nothing while more may come: a field may be rare.</summary>
    private const int RecordCountMin = 1_000;

    private const int NamesShownMax = 8;

    private bool _isDecided;

    /// <summary>To be called at every checkpoint.</summary>
    /// <param name="isEnd">The run ends with this one, so that what was read has to do.</param>
    public void Judge(bool isEnd)
    {
        var count = presence.RecordCount;
        if (_isDecided || count == 0 || count < RecordCountMin && !isEnd) return;
        _isDecided = true;
        presence.End();
        var (missing, names) = presence.Result();
        foreach (var field in missing) Warn(field, names, count);
    }

    private void Warn(string field, IReadOnlyList<string> names, long count)
    {
        var nearest = Spelling.Nearest(field, names);
        var shown = string.Join(", ", names.Take(NamesShownMax).Select(name => $"'{name}'"));
        var hint = nearest is not null ? $" Did you mean '{nearest}', which the records have?"
            : names.Count == 0 ? "" : $" Members that the records have and the schema has not: {shown}{(names.Count > NamesShownMax ? ", …" : "")}.";
        log.Warning("field-missing",
            $"Flow {plan.Name}: field '{field}' of source '{plan.SourceName}' is in none of the first {count:N0} records of topic '{plan.Topic}', so that it is NULL in every row.{hint} Names are case-sensitive. If the field is only rare, nothing is wrong.",
            ("flow", plan.Name.ToString()), ("source", plan.SourceName), ("topic", plan.Topic), ("field", field), ("nearest", nearest), ("records", count));
    }
}
