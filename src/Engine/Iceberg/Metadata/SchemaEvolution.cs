using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Matih.Batches;

namespace Matih.Iceberg.Metadata;

/// <summary>
/// What a query needs of a table's columns, and the table lacks: <c>note STRING</c> of the query becomes an optional column
/// <c>note</c> with the next field id. Columns are only added, widened and made optional, so that every data file stays readable.
/// </summary>
/// <param name="Schema">The schema to add to the table and to make its current one.</param>
/// <param name="Changes">Each change as messages say it: <c>adds column 'note' of type string</c>.</param>
/// <remarks>Source: Apache Iceberg table spec, "Schema Evolution".</remarks>
internal sealed record SchemaEvolution(Schema Schema, ImmutableArray<string> Changes)
{
    /// <summary>What has to change for the rows; null where nothing has, or nothing of it is allowed.</summary>
    /// <param name="isFull">Whether types may be widened and columns made optional, besides being added.</param>
    /// <param name="faults">Gets why a column cannot be added. What is not allowed is no fault here: binding says it.</param>
    public static SchemaEvolution? Find(TableMetadata metadata, RowType rows, bool isFull, List<string> faults) => new Walk(metadata, isFull, faults).Run(rows);

    /// <summary>Edits the schema's own JSON, so that what this build does not know of it (documentation, defaults) stays.</summary>
    private sealed class Walk(TableMetadata metadata, bool isFull, List<string> faults)
    {
        /// <summary>The parent of columns, which has no field id.</summary>
        private const int TopLevel = -1;

        private readonly Schema _schema = metadata.CurrentSchema;
        private readonly ImmutableArray<string>.Builder _changes = ImmutableArray.CreateBuilder<string>();
        private int _lastId = Math.Max(metadata.LastColumnId, metadata.Schemas.Max(schema => schema.HighestFieldId));

        public SchemaEvolution? Run(RowType rows)
        {
            var json = ToNode(writer => SchemaJson.WriteSchema(writer, _schema)).AsObject();
            EvolveFields(json, _schema.Fields, rows, TopLevel, "");
            if (_changes.Count == 0) return null;
            using var document = JsonDocument.Parse(Bytes(writer => json.WriteTo(writer)), SchemaJson.DocumentOptions);
            return new SchemaEvolution(SchemaJson.ReadSchema(document.RootElement), _changes.ToImmutable());
        }

        /// <param name="json">The object whose <c>fields</c> these are.</param>
        /// <param name="parentId">The field id of the struct.</param>
        /// <param name="prefix">Before a field's name in messages: <c>address.</c>.</param>
        private void EvolveFields(JsonObject json, ImmutableArray<NestedField> fields, RowType rows, int parentId, string prefix)
        {
            var nodes = json["fields"]!.AsArray();
            foreach (var row in rows.Fields)
            {
                var at = fields.IndexOf(fields.FirstOrDefault(field => field.Name == row.Name)!);
                if (at < 0) Add(nodes, fields, row, parentId, prefix);
                else EvolveField(nodes[at]!.AsObject(), fields[at], row.Type, prefix + row.Name);
            }
            if (!isFull) return;
            for (var i = 0; i < fields.Length; i++)
                if (fields[i].IsRequired && fields[i].WriteDefault is null && rows.IndexOf(fields[i].Name) < 0) MakeOptional(nodes[i]!.AsObject(), "required", fields[i].Id, prefix + fields[i].Name);
        }

        private void EvolveField(JsonObject json, NestedField field, DataType from, string path)
        {
            if (isFull && field.IsRequired && from.IsNullable) MakeOptional(json, "required", field.Id, path);
            EvolveType(json, "type", field.Type, from, field.Id, path);
        }

        /// <param name="json">The object that has the type.</param>
        /// <param name="member">The member in which it has it.</param>
        private void EvolveType(JsonObject json, string member, IcebergType type, DataType from, int id, string path)
        {
            switch (from, type)
            {
                case (DataType.Row row, IcebergType.Struct target):
                    EvolveFields(json[member]!.AsObject(), target.Fields, row.Type, id, path + ".");
                    break;
                case (DataType.Array array, IcebergType.List list):
                    var listJson = json[member]!.AsObject();
                    if (isFull && list.IsElementRequired && array.Element.IsNullable) MakeOptional(listJson, "element-required", list.ElementId, path + ".element");
                    EvolveType(listJson, "element", list.Element, array.Element, list.ElementId, path + ".element");
                    break;
                case (DataType.Map pair, IcebergType.Map map):
                    var mapJson = json[member]!.AsObject();
                    if (isFull && map.IsValueRequired && pair.Value.IsNullable) MakeOptional(mapJson, "value-required", map.ValueId, path + ".value");
                    EvolveType(mapJson, "value", map.Value, pair.Value, map.ValueId, path + ".value");
                    break;
                default:
                    if (!isFull || TypeMapping.IsWritable(from, type) || Promoted(type, from) is not { } wider) break;
                    json[member] = wider.Name;
                    _changes.Add($"widens column '{path}' from {type} to {wider}");
                    break;
            }
        }

        private static IcebergType? Promoted(IcebergType type, DataType from) => (type, from) switch
        {
            (IcebergType.Int, DataType.BigInt) => new IcebergType.Long(),
            (IcebergType.Float, DataType.Double) => new IcebergType.Double(),
            (IcebergType.Decimal old, DataType.Decimal wanted) when old.Scale == wanted.Scale => new IcebergType.Decimal(wanted.Precision, old.Scale),
            _ => null,
        };

        /// <summary>A column by which a row is identified stays required.</summary>
        private void MakeOptional(JsonObject json, string member, int id, string path)
        {
            if (IsOfIdentifier(id)) return;
            json[member] = false;
            _changes.Add($"makes column '{path}' optional");
        }

        /// <summary>Neither an identifier field nor a struct around one may be NULL.</summary>
        private bool IsOfIdentifier(int id) =>
            _schema.IdentifierFieldIds.Any(identifier => identifier == id || _schema.FindField(id)?.Type is IcebergType.Struct nested && new Schema(0, nested.Fields).FindField(identifier) is not null);

        private void Add(JsonArray nodes, ImmutableArray<NestedField> fields, Field row, int parentId, string prefix)
        {
            var path = prefix + row.Name;
            if (nodes.Select(node => node!["name"]!.GetValue<string>()).FirstOrDefault(name => name.Equals(row.Name, StringComparison.OrdinalIgnoreCase)) is { } alike)
            {
                faults.Add(fields.Any(field => field.Name == alike)
                    ? $"it has a column '{prefix}{alike}', and the query's '{path}' differs from it by case only, which many engines cannot tell apart: select it AS {alike}"
                    : $"it lacks the query's columns '{prefix}{alike}' and '{path}', which differ by case only, so that many engines could not tell them apart: give one of them another name");
                return;
            }
            if (metadata.PartitionSpecs.Any(spec => spec.Fields.Any(field => field.Name == path && _schema.FindField(field.SourceId) is not null)))
            {
                // Iceberg's reference implementation (1.11) does not even load a table whose column is called like a partition field of another column, of an older spec as well.
                faults.Add($"it has a partition field called '{path}', and Iceberg's engines read no table with a column of that name beside it: give the query's '{path}' another name, or rename the partition field");
                return;
            }
            if (FormerOf(row.Name, parentId) is { } former)
            {
                faults.Add(_schema.FindField(former) is { } renamed
                    ? $"its column '{path}' (field {former}) was renamed, and is '{renamed.Name}' now: select it AS {renamed.Name}, or add a column '{row.Name}' to the table yourself if a new one is meant"
                    : $"its column '{path}' (field {former}) was dropped: take it out of the query, or add it to the table yourself if it is to come back");
                return;
            }
            IcebergType type;
            var id = ++_lastId;
            try
            {
                type = TypeMapping.ToIceberg(row.Type, () => ++_lastId);
            }
            catch (NotSupportedException)
            {
                return;
            }
            if (metadata.FormatVersion < TableMetadata.NanosecondsFormatVersion && TypeMapping.FindNanoseconds(type, path) is var (place, held))
            {
                faults.Add($"it has format version {metadata.FormatVersion}, and a column '{place}' of type {held} needs version {TableMetadata.NanosecondsFormatVersion}: CAST it to TIMESTAMP(6) or TIMESTAMP_LTZ(6), or raise the table's version");
                return;
            }
            var json = new JsonObject { ["id"] = id, ["name"] = row.Name, ["required"] = false, ["type"] = ToNode(writer => SchemaJson.WriteType(writer, type)) };
            nodes.Add((JsonNode)json);
            _changes.Add($"adds column '{path}' of type {type}");
        }

        /// <summary>
        /// The field of that name which the table had in an earlier schema, and has no more under it. Somebody renamed or dropped
        /// it, and adding it again could be what nobody wants. Schemas that another engine has forgotten tell nothing.
        /// </summary>
        private int? FormerOf(string name, int parentId)
        {
            foreach (var schema in metadata.Schemas.Reverse())
            {
                if (schema.SchemaId == _schema.SchemaId) continue;
                var fields = parentId == TopLevel ? schema.Fields : schema.FindField(parentId)?.Type is IcebergType.Struct nested ? nested.Fields : [];
                if (fields.FirstOrDefault(field => field.Name == name) is { } former) return former.Id;
            }
            return null;
        }

        private static JsonNode ToNode(Action<Utf8JsonWriter> write) => JsonNode.Parse(Bytes(write).Span, documentOptions: SchemaJson.DocumentOptions)!;

        private static ReadOnlyMemory<byte> Bytes(Action<Utf8JsonWriter> write)
        {
            var buffer = new ArrayBufferWriter<byte>();
            using (var writer = new Utf8JsonWriter(buffer, SnapshotJson.Options)) write(writer);
            return buffer.WrittenMemory;
        }
    }
}
