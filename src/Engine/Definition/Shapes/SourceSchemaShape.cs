using System.Text.Json;
using Matih.Definition.Yaml;

namespace Matih.Definition.Shapes;

/// <summary>A source's <c>schema</c>: its columns, or where a schema is that says them.</summary>
internal sealed class SourceSchemaShape : Shape<SourceSchema>
{
    private const string Latest = "latest";
    private static readonly SchemaShape Columns = new();
    private static readonly Key<long> Id = new("id", new IntegerShape(0, int.MaxValue), "The schema of that number in the registry.");
    private static readonly Key<string?> Subject = new("subject", new TextShape("a subject of the registry")!, "The latest schema of that subject.");
    private static readonly Key<string?> File = new("file", new TextShape("a file")!, "A file with the schema's text.");
    private static readonly MappingShape Reference = new(new KeySet("sources.NAME.schema", "Where the schema is that says the columns.", Id, Subject, File));

    public override string Words => $"{Columns.Words}, or where the schema is: {Latest}, {{ id }}, {{ subject }} or {{ file }}";

    public override string Cell => $"{Columns.Cell}; or where an Avro schema is: `{Latest}` for that of the topic in the registry, `{{ id: 7 }}`, `{{ subject: orders-value }}` for its latest, `{{ file: order.avsc }}`";

    public override KeySet? Keys => Columns.Keys;

    public override bool TryRead(YamlNode node, string path, ReadState state, out SourceSchema value)
    {
        value = null!;
        if (node is YamlNode.Mapping) return TryReadReference(node, path, state, out value);
        if (node is YamlNode.Scalar scalar && state.TryResolve(scalar, path, out var text) && text.Value.Trim() == Latest)
        {
            value = new SourceSchema.Registered(null, null);
            return true;
        }
        if (!Columns.TryRead(node, path, state, out var row)) return false;
        value = new SourceSchema.Columns(row);
        return true;
    }

    private static bool TryReadReference(YamlNode node, string path, ReadState state, out SourceSchema value)
    {
        value = null!;
        if (!Reference.TryRead(node, path, state, out var mapping)) return false;
        var given = new Key[] { Id, Subject, File }.Where(mapping.IsGiven).ToList();
        if (given.Count != 1)
        {
            state.Report(node.Position, path, $"expected one of id, subject and file, found {(given.Count == 0 ? "none" : string.Join(" and ", given.Select(key => key.Name)))}");
            return false;
        }
        if (!mapping.IsWhole) return false;
        value = mapping.Get(File) is { } file ? new SourceSchema.InFile(file) : new SourceSchema.Registered(mapping.IsGiven(Id) ? (int)mapping.Get(Id) : null, mapping.Get(Subject));
        return true;
    }

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("anyOf");
        foreach (var shape in (Shape[])[Columns, Reference])
        {
            writer.WriteStartObject();
            shape.WriteSchema(writer);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }
}
