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
        // The array that wildcards lead to is there, also where nothing is in it.
        var isThere = Path.IsDefinite ? match.Kind != JsonKind.Missing : IsLax || JsonWildcardWalk.Fits(document, match, Path);
        if (isThere) ((FixedColumn<byte>)Result).Append(Path.IsDefinite && match.Kind == JsonKind.Null ? (byte)0 : (byte)1);
        else AppendMissing(row);
    }
}
