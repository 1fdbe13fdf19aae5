using Matih.Batches;
using Matih.Json;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;
using Matih.Sql.Syntax;

namespace Matih.Sql.Execution;

/// <summary>One question of a group: what its clauses make of what the path leads to.</summary>
/// <remarks>
/// As Flink 1.20: a value that is missing, or null, is an error in strict mode and empty in lax mode, as is a text that is
/// no JSON. In the document <c>null</c> every path is an error.
/// </remarks>
internal abstract class JsonNode : Node
{
    private readonly JsonGroup _group;
    private readonly Column _result;

    protected JsonNode(Frame frame, JsonGroup group, JsonQuestion question, MemoryAccount account) : base(frame)
    {
        if (!JsonPath.TryParse(question.Path, out var path, out var error, out _)) throw new InvalidOperationException($"'{question.Path}': {error}");
        _group = group;
        Question = question;
        Path = path;
        IsLax = path.Mode == JsonPathMode.Lax;
        _result = Column.Create(question.Type, account);
        group.Add(this);
    }

    public static JsonNode Create(Frame frame, JsonGroup group, JsonQuestion question, MemoryAccount account) => question.Function switch
    {
        JsonFunction.Value => new JsonValueNode(frame, group, question, account),
        JsonFunction.Query => new JsonQueryNode(frame, group, question, account),
        _ => new JsonExistsNode(frame, group, question, account),
    };

    public JsonPath Path { get; }

    protected JsonQuestion Question { get; }
    protected bool IsLax { get; }
    protected Column Result => _result;

    protected override Operand Compute()
    {
        _group.Fill();
        return new Operand(_result, IsScalar: false);
    }

    public void Begin() => _result.Clear();

    public void AppendNull() => _result.AppendNull();

    public void AppendMalformed(int row, string error)
    {
        if (IsLax) AppendEmpty(row);
        else AppendError(row, "the text is not JSON", error);
    }

    public void AppendOfNull(int row) => AppendError(row, "the document is null", null);

    /// <summary>Appends what the match in a valid document gives.</summary>
    public abstract void Append(int row, JsonMatch match, ReadOnlySpan<byte> document);

    protected void AppendEmpty(int row)
    {
        if (Question.Empty is { } empty) empty.AppendTo(_result);
        else Reject(row, "there is no value, and ON EMPTY asks for an error");
    }

    protected void AppendError(int row, string what, string? detail)
    {
        if (Question.Error is { } error) error.AppendTo(_result);
        else Reject(row, what, detail);
    }

    /// <summary>Appends what becomes of a path that leads to nothing, or to null.</summary>
    protected void AppendMissing(int row)
    {
        if (IsLax) AppendEmpty(row);
        else AppendError(row, "there is no value", null);
    }

    protected void Reject(int row, string what, string? detail = null)
    {
        var call = $"{Question.Name}(…, '{Path}')";
        Frame.Reject(row, $"{call}: {(detail is null ? what : $"{what} ({detail})")}.", $"{call}: {what}.");
        _result.AppendNull();
    }

    protected static string Name(JsonKind kind) => kind switch
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
