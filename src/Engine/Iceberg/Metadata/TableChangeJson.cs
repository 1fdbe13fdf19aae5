using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;

namespace Matih.Iceberg.Metadata;

/// <summary>Requirements and updates of a commit as JSON. Only kinds of the two closed families are ever written.</summary>
/// <remarks>Source: Apache Iceberg REST catalog API, CommitTableRequest, TableRequirement and TableUpdate.</remarks>
public static class TableChangeJson
{
    /// <summary>The body of a commit. Updates keep their order: a snapshot is added before a ref names it.</summary>
    public static byte[] Write(TableIdentifier identifier, IReadOnlyList<TableRequirement> requirements, IReadOnlyList<TableUpdate> updates)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, SnapshotJson.Options))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("identifier");
            WriteNamespace(writer, identifier.Namespace);
            writer.WriteString("name", identifier.Name);
            writer.WriteEndObject();
            writer.WriteStartArray("requirements");
            foreach (var requirement in requirements) Write(writer, requirement);
            writer.WriteEndArray();
            writer.WriteStartArray("updates");
            foreach (var update in updates) Write(writer, update);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The member <c>namespace</c>.</summary>
    public static void WriteNamespace(Utf8JsonWriter writer, ImmutableArray<string> levels)
    {
        writer.WriteStartArray("namespace");
        foreach (var level in levels) writer.WriteStringValue(level);
        writer.WriteEndArray();
    }

    /// <summary>The members <c>schema</c> and <c>partition-spec</c>.</summary>
    public static void WriteShape(Utf8JsonWriter writer, Schema schema, PartitionSpec spec)
    {
        writer.WritePropertyName("schema");
        SchemaJson.WriteSchema(writer, schema);
        writer.WritePropertyName("partition-spec");
        SchemaJson.WriteSpec(writer, spec);
    }

    private static void Write(Utf8JsonWriter writer, TableRequirement requirement)
    {
        writer.WriteStartObject();
        switch (requirement)
        {
            case TableRequirement.AssertCreate:
                writer.WriteString("type", "assert-create");
                break;
            case TableRequirement.AssertTableUuid(var uuid):
                writer.WriteString("type", "assert-table-uuid");
                writer.WriteString("uuid", uuid);
                break;
            case TableRequirement.AssertRefSnapshotId(var name, var id):
                writer.WriteString("type", "assert-ref-snapshot-id");
                writer.WriteString("ref", name);
                // Left out, it would mean nothing; null means that there must be no such ref.
                if (id is { } known) writer.WriteNumber("snapshot-id", known.Value);
                else writer.WriteNull("snapshot-id");
                break;
            case TableRequirement.AssertLastAssignedFieldId(var id):
                WriteNumber("assert-last-assigned-field-id", "last-assigned-field-id", id);
                break;
            case TableRequirement.AssertCurrentSchemaId(var id):
                WriteNumber("assert-current-schema-id", "current-schema-id", id);
                break;
            case TableRequirement.AssertLastAssignedPartitionId(var id):
                WriteNumber("assert-last-assigned-partition-id", "last-assigned-partition-id", id);
                break;
            case TableRequirement.AssertDefaultSpecId(var id):
                WriteNumber("assert-default-spec-id", "default-spec-id", id);
                break;
            case TableRequirement.AssertDefaultSortOrderId(var id):
                WriteNumber("assert-default-sort-order-id", "default-sort-order-id", id);
                break;
            default:
                throw new InvalidOperationException($"Unknown requirement {requirement}.");
        }
        writer.WriteEndObject();

        void WriteNumber(string type, string name, int number)
        {
            writer.WriteString("type", type);
            writer.WriteNumber(name, number);
        }
    }

    private static void Write(Utf8JsonWriter writer, TableUpdate update)
    {
        writer.WriteStartObject();
        switch (update)
        {
            case TableUpdate.AssignUuid(var uuid):
                writer.WriteString("action", "assign-uuid");
                writer.WriteString("uuid", uuid);
                break;
            case TableUpdate.AddSchema(var schema):
                writer.WriteString("action", "add-schema");
                writer.WritePropertyName("schema");
                SchemaJson.WriteSchema(writer, schema);
                break;
            case TableUpdate.SetCurrentSchema(var id):
                WriteNumber("set-current-schema", "schema-id", id);
                break;
            case TableUpdate.AddSpec(var spec):
                writer.WriteString("action", "add-spec");
                writer.WritePropertyName("spec");
                SchemaJson.WriteSpec(writer, spec);
                break;
            case TableUpdate.SetDefaultSpec(var id):
                WriteNumber("set-default-spec", "spec-id", id);
                break;
            case TableUpdate.AddSortOrder(var order):
                writer.WriteString("action", "add-sort-order");
                writer.WritePropertyName("sort-order");
                writer.WriteRawValue(order.Source, skipInputValidation: true);
                break;
            case TableUpdate.SetDefaultSortOrder(var id):
                WriteNumber("set-default-sort-order", "sort-order-id", id);
                break;
            case TableUpdate.AddSnapshot(var snapshot):
                writer.WriteString("action", "add-snapshot");
                writer.WritePropertyName("snapshot");
                writer.WriteRawValue(snapshot.Source.Span, skipInputValidation: true);
                break;
            case TableUpdate.SetSnapshotRef(var name, var target):
                writer.WriteString("action", "set-snapshot-ref");
                writer.WriteString("ref-name", name);
                SnapshotJson.WriteRefMembers(writer, target);
                break;
            case TableUpdate.RemoveSnapshotRef(var name):
                writer.WriteString("action", "remove-snapshot-ref");
                writer.WriteString("ref-name", name);
                break;
            case TableUpdate.RemoveSnapshots(var ids):
                writer.WriteString("action", "remove-snapshots");
                writer.WriteStartArray("snapshot-ids");
                foreach (var id in ids) writer.WriteNumberValue(id.Value);
                writer.WriteEndArray();
                break;
            case TableUpdate.SetProperties(var properties):
                writer.WriteString("action", "set-properties");
                writer.WriteStartObject("updates");
                foreach (var (name, value) in properties) writer.WriteString(name, value);
                writer.WriteEndObject();
                break;
            case TableUpdate.RemoveProperties(var names):
                writer.WriteString("action", "remove-properties");
                writer.WriteStartArray("removals");
                foreach (var name in names) writer.WriteStringValue(name);
                writer.WriteEndArray();
                break;
            default:
                throw new InvalidOperationException($"Unknown update {update}.");
        }
        writer.WriteEndObject();

        void WriteNumber(string action, string name, int number)
        {
            writer.WriteString("action", action);
            writer.WriteNumber(name, number);
        }
    }
}
