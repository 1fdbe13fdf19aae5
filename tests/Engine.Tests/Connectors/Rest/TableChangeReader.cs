using System.Collections.Immutable;
using System.Text.Json;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Connectors.Rest;

/// <summary>Reads the body of a commit, as a server does: by the OpenAPI's names, and refusing what it does not know.</summary>
internal static class TableChangeReader
{
    public static (ImmutableArray<TableRequirement> Requirements, ImmutableArray<TableUpdate> Updates) Read(string body)
    {
        using var document = JsonDocument.Parse(body);
        return ([.. document.RootElement.GetProperty("requirements").EnumerateArray().Select(Requirement)],
            [.. document.RootElement.GetProperty("updates").EnumerateArray().Select(Update)]);
    }

    private static TableRequirement Requirement(JsonElement json) => json.GetProperty("type").GetString() switch
    {
        "assert-create" => new TableRequirement.AssertCreate(),
        "assert-table-uuid" => new TableRequirement.AssertTableUuid(json.GetProperty("uuid").GetString()!),
        // As Java does: without the member the requirement cannot be read.
        "assert-ref-snapshot-id" => new TableRequirement.AssertRefSnapshotId(json.GetProperty("ref").GetString()!,
            json.GetProperty("snapshot-id") is { ValueKind: JsonValueKind.Number } id ? new SnapshotId(id.GetInt64()) : null),
        "assert-last-assigned-field-id" => new TableRequirement.AssertLastAssignedFieldId(json.GetProperty("last-assigned-field-id").GetInt32()),
        "assert-current-schema-id" => new TableRequirement.AssertCurrentSchemaId(json.GetProperty("current-schema-id").GetInt32()),
        "assert-last-assigned-partition-id" => new TableRequirement.AssertLastAssignedPartitionId(json.GetProperty("last-assigned-partition-id").GetInt32()),
        "assert-default-spec-id" => new TableRequirement.AssertDefaultSpecId(json.GetProperty("default-spec-id").GetInt32()),
        "assert-default-sort-order-id" => new TableRequirement.AssertDefaultSortOrderId(json.GetProperty("default-sort-order-id").GetInt32()),
        var other => throw new FormatException($"Unknown requirement {other}."),
    };

    private static TableUpdate Update(JsonElement json) => json.GetProperty("action").GetString() switch
    {
        "assign-uuid" => new TableUpdate.AssignUuid(json.GetProperty("uuid").GetString()!),
        "add-schema" => new TableUpdate.AddSchema(SchemaJson.ReadSchema(json.GetProperty("schema"))),
        "set-current-schema" => new TableUpdate.SetCurrentSchema(json.GetProperty("schema-id").GetInt32()),
        "add-spec" => new TableUpdate.AddSpec(SchemaJson.ReadSpec(json.GetProperty("spec"))),
        "set-default-spec" => new TableUpdate.SetDefaultSpec(json.GetProperty("spec-id").GetInt32()),
        "add-sort-order" => new TableUpdate.AddSortOrder(SchemaJson.ReadSortOrder(json.GetProperty("sort-order"))),
        "set-default-sort-order" => new TableUpdate.SetDefaultSortOrder(json.GetProperty("sort-order-id").GetInt32()),
        "add-snapshot" => new TableUpdate.AddSnapshot(new Snapshot(json.GetProperty("snapshot"), SchemaJson.Raw(json.GetProperty("snapshot")))),
        "set-snapshot-ref" => new TableUpdate.SetSnapshotRef(json.GetProperty("ref-name").GetString()!, SnapshotJson.ReadRef(json)),
        "remove-snapshot-ref" => new TableUpdate.RemoveSnapshotRef(json.GetProperty("ref-name").GetString()!),
        "remove-snapshots" => new TableUpdate.RemoveSnapshots([.. json.GetProperty("snapshot-ids").EnumerateArray().Select(id => new SnapshotId(id.GetInt64()))]),
        "set-properties" => new TableUpdate.SetProperties(json.GetProperty("updates").EnumerateObject()
            .ToImmutableSortedDictionary(member => member.Name, member => member.Value.GetString()!, StringComparer.Ordinal)),
        "remove-properties" => new TableUpdate.RemoveProperties([.. json.GetProperty("removals").EnumerateArray().Select(name => name.GetString()!)]),
        var other => throw new FormatException($"Unknown update {other}."),
    };
}
