using System.Collections.Immutable;
using System.Text.Json;
using Matih.Registry;

namespace Matih.Connectors.Registry;

/// <summary>What a schema's references name: another schema by subject and version.</summary>
/// <param name="Name">What the schema's text calls it.</param>
internal sealed record RegistryReference(string Name, string Subject, int Version);

/// <summary>A schema as a registry answers it, its references not yet followed.</summary>
/// <param name="Id">Null where the answer does not say it, as one by id.</param>
/// <param name="Version">Under its subject; null where it was not asked for by subject.</param>
/// <remarks>
/// Source: Confluent documentation, "Schema Registry API reference": GET /schemas/ids/{id}, /schemas/guids/{guid} and
/// /subjects/{subject}/versions/{version} answer with the same members. A schema without <c>schemaType</c> is Avro.
/// </remarks>
internal sealed record RegistryAnswer(SchemaLanguage Language, string Text, ImmutableArray<RegistryReference> References, int? Id, int? Version)
{
    /// <exception cref="FormatException">It is no schema. The message says why, as the end of a sentence.</exception>
    public static RegistryAnswer Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var json = document.RootElement;
            if (json.ValueKind != JsonValueKind.Object) throw new FormatException("expected an object");
            return new RegistryAnswer(LanguageOf(json), TextOf(json, "schema"), ReferencesOf(json), NumberOf(json, "id"), NumberOf(json, "version"));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new FormatException("it is not JSON", e);
        }
    }

    /// <summary>The number and the text of an error; nulls where the answer is no error of a registry.</summary>
    public static (int? Code, string? Message) ReadError(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var json = document.RootElement;
            if (json.ValueKind != JsonValueKind.Object) return default;
            return (NumberOf(json, "error_code"), json.TryGetProperty("message", out var message) && message.ValueKind == JsonValueKind.String ? message.GetString() : null);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return default;
        }
    }

    private static SchemaLanguage LanguageOf(JsonElement json)
    {
        if (!json.TryGetProperty("schemaType", out var type) || type.ValueKind == JsonValueKind.Null) return SchemaLanguage.Avro;
        return TextOf(json, "schemaType") switch
        {
            "AVRO" => SchemaLanguage.Avro,
            "PROTOBUF" => SchemaLanguage.Protobuf,
            "JSON" => SchemaLanguage.Json,
            var other => throw new FormatException($"its schemaType is '{other}', expected AVRO, PROTOBUF or JSON"),
        };
    }

    private static ImmutableArray<RegistryReference> ReferencesOf(JsonElement json)
    {
        if (!json.TryGetProperty("references", out var list) || list.ValueKind == JsonValueKind.Null) return [];
        if (list.ValueKind != JsonValueKind.Array) throw new FormatException("its references are no array");
        var references = ImmutableArray.CreateBuilder<RegistryReference>(list.GetArrayLength());
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Object) throw new FormatException("a reference is no object");
            if (NumberOf(item, "version") is not (> 0 and var version)) throw new FormatException("a reference has no version from 1 on");
            references.Add(new RegistryReference(TextOf(item, "name"), TextOf(item, "subject"), version));
        }
        return references.MoveToImmutable();
    }

    private static string TextOf(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : throw new FormatException($"it has no text '{name}'");

    private static int? NumberOf(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : null;
}
