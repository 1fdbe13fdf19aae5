using Matih.Batches;
using Matih.Json;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Execution;

/// <summary>All JSON_VALUE calls of a frame over one document: answered together, in one pass over each document.</summary>
internal sealed class JsonGroup(Frame frame, Node document)
{
    private readonly List<JsonValueNode> _members = [];
    private JsonPathExtractor? _extractor;
    private int[] _pathOfMember = [];
    private long _version = -2;

    public void Add(JsonValueNode member) => _members.Add(member);

    /// <summary>Fills the results of all members for the frame's rows, once.</summary>
    public void Fill()
    {
        if (_version == frame.Version) return;
        _extractor ??= CreateExtractor();
        var operand = document.Evaluate();
        var bytes = new BytesReader((BytesColumn)operand.Column, operand.Mask);
        foreach (var member in _members) member.Begin();
        for (var row = 0; row < frame.Count; row++)
        {
            if (operand.IsNull(row))
            {
                foreach (var member in _members) member.AppendNull();
                continue;
            }
            var text = bytes[row];
            // A byte order mark is no part of JSON text: Flink passes over it in bytes, but not in strings.
            var hasMark = text.StartsWith("\uFEFF"u8);
            var isDocument = !hasMark && _extractor.Extract(text);
            for (var i = 0; i < _members.Count; i++)
            {
                if (isDocument && _extractor.RootKind == JsonKind.Null) _members[i].AppendOfNull(row);
                else if (isDocument) _members[i].Append(row, _extractor[_pathOfMember[i]], text);
                else _members[i].AppendMalformed(row, hasMark ? "it begins with a byte order mark" : _extractor.Error!);
            }
        }
        _version = frame.Version;
    }

    private JsonPathExtractor CreateExtractor()
    {
        var paths = new List<JsonPath>();
        _pathOfMember = new int[_members.Count];
        for (var i = 0; i < _pathOfMember.Length; i++)
        {
            var at = paths.FindIndex(path => path.Text == _members[i].Path.Text);
            if (at < 0)
            {
                at = paths.Count;
                paths.Add(_members[i].Path);
            }
            _pathOfMember[i] = at;
        }
        return new JsonPathExtractor(paths, allowTrailingText: true);
    }
}

/// <summary>One JSON_VALUE of a group: what its clauses make of what the path leads to.</summary>
/// <remarks>
/// As Flink 1.20: a value that is missing, or null, is an error in strict mode and empty in lax mode, as is a text that is
/// no JSON; an object or array is an error in strict mode and empty in lax mode. In the document <c>null</c> every path is an error.
/// RETURNING converts nothing.
/// </remarks>
internal sealed class JsonValueNode : Node
{
    private readonly JsonGroup _group;
    private readonly JsonQuestion _question;
    private readonly Column _result;
    private readonly bool _isLax;

    public JsonValueNode(Frame frame, JsonGroup group, JsonQuestion question, MemoryAccount account) : base(frame)
    {
        if (!JsonPath.TryParse(question.Path, out var path, out var error, out _)) throw new InvalidOperationException($"'{question.Path}': {error}");
        _group = group;
        _question = question;
        Path = path;
        _isLax = path.Mode == JsonPathMode.Lax;
        _result = Column.Create(question.Type, account);
        group.Add(this);
    }

    public JsonPath Path { get; }

    protected override Operand Compute()
    {
        _group.Fill();
        return new Operand(_result, IsScalar: false);
    }

    public void Begin() => _result.Clear();

    public void AppendNull() => _result.AppendNull();

    public void AppendMalformed(int row, string error)
    {
        if (_isLax) AppendEmpty(row);
        else AppendError(row, "the text is not JSON", error);
    }

    public void AppendOfNull(int row) => AppendError(row, "the document is null", null);

    public void Append(int row, JsonMatch match, ReadOnlySpan<byte> document)
    {
        if (match.IsScalar) AppendScalar(row, match, document);
        else if (_isLax) AppendEmpty(row);
        else if (match.Kind == JsonKind.Missing) AppendError(row, "there is no value", null);
        else AppendError(row, "the value is not a scalar", Name(match.Kind));
    }

    private void AppendEmpty(int row)
    {
        if (_question.Empty is { } empty) empty.AppendTo(_result);
        else Reject(row, "there is no value, and ON EMPTY asks for an error");
    }

    private void AppendError(int row, string what, string? detail)
    {
        if (_question.Error is { } error) error.AppendTo(_result);
        else Reject(row, what, detail);
    }

    private void Reject(int row, string what, string? detail = null)
    {
        Frame.Reject(row, $"JSON_VALUE(…, '{Path}'): {(detail is null ? what : $"{what} ({detail})")}.", $"JSON_VALUE(…, '{Path}'): {what}.");
        _result.AppendNull();
    }

    private void AppendScalar(int row, JsonMatch match, ReadOnlySpan<byte> document)
    {
        var text = match.In(document);
        switch (_result)
        {
            case BytesColumn column:
                AppendText(column, match, text);
                return;
            case FixedColumn<int> column when match.IsInteger && JsonNumber.TryParseInt64(text, out var number) && number == (int)number:
                column.Append((int)number);
                return;
            case FixedColumn<double> column when match.Kind == JsonKind.Number && !match.IsInteger:
                JsonNumber.TryParseDouble(text, out var value);
                column.Append(value);
                return;
            case FixedColumn<byte> column when match.Kind is JsonKind.True or JsonKind.False:
                column.Append(match.Kind == JsonKind.True ? (byte)1 : (byte)0);
                return;
        }
        Reject(row, $"the value is {Name(match.Kind)}, RETURNING {_question.Type.Name} does not convert it (use CAST(JSON_VALUE(…) AS {_question.Type.Name}))");
    }

    private static void AppendText(BytesColumn column, JsonMatch match, ReadOnlySpan<byte> text)
    {
        switch (match.Kind)
        {
            case JsonKind.String when match.HasEscapes: column.End(JsonText.Unescape(text, column.Begin(text.Length))); break;
            case JsonKind.Number:
                var target = column.Begin(Math.Max(text.Length, JsonNumber.FractionTextLengthMax));
                column.End(JsonNumber.WriteScalarText(text, match.IsInteger, target));
                break;
            default: column.Append(text); break;
        }
    }

    private static string Name(JsonKind kind) => kind switch
    {
        JsonKind.Object => "an object",
        JsonKind.Array => "an array",
        JsonKind.String => "a string",
        JsonKind.Number => "a number",
        JsonKind.Null => "null",
        _ => "a boolean",
    };

    public override void Dispose() => _result.Dispose();
}
