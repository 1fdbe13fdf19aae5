using Matih.Batches;
using Matih.Json;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;
using Matih.Sql.Syntax;

namespace Matih.Sql.Execution;

/// <summary>One JSON_QUERY of a group: an object or array as text, or any value in an array around it.</summary>
/// <remarks>Flink writes the value anew: without blanks, numbers as Java prints them, of equal names the last value at the first place.</remarks>
internal sealed class JsonQueryNode(Frame frame, JsonGroup group, JsonQuestion question, MemoryAccount account) : JsonNode(frame, group, question, account)
{
    private readonly JavaJsonWriter _writer = new();

    private readonly JsonWildcardWalk _walk = new();

    public override void Append(int row, JsonMatch match, ReadOnlySpan<byte> document)
    {
        if (!Path.IsDefinite)
        {
            AppendFound(row, match, document);
            return;
        }
        var isWrapped = Question.Wrapper == JsonWrapper.Always || (Question.Wrapper == JsonWrapper.UnlessArray && match.Kind != JsonKind.Array);
        if (match.Kind is JsonKind.Missing or JsonKind.Null) AppendMissing(row);
        else if (isWrapped || !match.IsScalar) Append(_writer.Write(match.TextIn(document)), isWrapped);
        else if (IsLax) AppendEmpty(row);
        else AppendError(row, "the value is not an object or array", Name(match.Kind));
    }

    /// <summary>What wildcards lead to is an array, which a conditional wrapper leaves as it is.</summary>
    private void AppendFound(int row, JsonMatch trunk, ReadOnlySpan<byte> document)
    {
        if (_walk.Run(document, trunk, Path) || IsLax) Append(_writer.WriteArray(document, _walk.Found), Question.Wrapper == JsonWrapper.Always);
        else AppendMissing(row);
    }

    private void Append(ReadOnlySpan<byte> text, bool isWrapped)
    {
        var result = (BytesColumn)Result;
        if (!isWrapped)
        {
            result.Append(text);
            return;
        }
        var target = result.Begin(text.Length + 2);
        target[0] = (byte)'[';
        text.CopyTo(target[1..]);
        target[text.Length + 1] = (byte)']';
        result.End(text.Length + 2);
    }
}
