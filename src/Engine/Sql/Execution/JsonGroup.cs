using Matih.Batches;
using Matih.Json;
using Matih.Sql.Kernels;

namespace Matih.Sql.Execution;

/// <summary>All JSON_VALUE, JSON_QUERY and JSON_EXISTS calls of a frame over one document: answered together, in one pass over each document.</summary>
internal sealed class JsonGroup(Frame frame, Node document)
{
    private readonly List<JsonNode> _members = [];
    private JsonPathExtractor? _extractor;
    private int[] _pathOfMember = [];
    private long _version = -2;

    public void Add(JsonNode member) => _members.Add(member);

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
                paths.Add(_members[i].Path.IsDefinite ? _members[i].Path : _members[i].Path.Trunk);
            }
            _pathOfMember[i] = at;
        }
        return new JsonPathExtractor(paths, allowTrailingText: true);
    }
}
