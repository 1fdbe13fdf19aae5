using Matih.Batches;
using Matih.Json;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Execution;

/// <summary>One JSON_EXISTS of a group: whether the path leads to a value other than null.</summary>
internal sealed class JsonExistsNode(Frame frame, JsonGroup group, JsonQuestion question, MemoryAccount account) : JsonNode(frame, group, question, account)
{
    public override void Append(int row, JsonMatch match, ReadOnlySpan<byte> document)
    {
        if (match.Kind == JsonKind.Missing) AppendMissing(row);
        else ((FixedColumn<byte>)Result).Append(match.Kind == JsonKind.Null ? (byte)0 : (byte)1);
    }
}
