using System.Collections.Immutable;

namespace Matih.Registry;

/// <summary>What a schema's text is written in.</summary>
public enum SchemaLanguage { Avro, Protobuf, Json }

/// <summary>What a record says of the schema that it was written with: the registry's number, or its globally unique id.</summary>
/// <remarks>Source: Confluent documentation, "Wire format": an id of 4 bytes after the magic byte 0, or a GUID of 16 bytes after 1.</remarks>
public readonly record struct SchemaKey(int Id, Guid Guid)
{
    public static SchemaKey Of(int id) => new(id, Guid.Empty);

    public static SchemaKey Of(Guid guid) => new(0, guid);

    public override string ToString() => Guid == Guid.Empty ? $"id {Id}" : $"GUID {Guid}";
}

/// <summary>A schema as the registry keeps it, with everything that it refers to.</summary>
/// <param name="Text">JSON for Avro and JSON Schema, a .proto file's text for Protobuf.</param>
/// <param name="References">Other schemas by the names under which the text names them.</param>
public sealed record RegisteredSchema(SchemaLanguage Language, string Text, ImmutableArray<SchemaReference> References)
{
    /// <summary>The registry's number; null where the answer does not say.</summary>
    public int? Id { get; init; }

    /// <summary>The version under its subject; null where it was not asked for by subject.</summary>
    public int? Version { get; init; }
}

/// <param name="Name">An Avro full name, a .proto file's import path, or a JSON Schema's $ref.</param>
public sealed record SchemaReference(string Name, RegisteredSchema Schema);

/// <summary>Where the schemas are that records were written with. Thread-safe; schemas never change, so that answers are kept.</summary>
public interface ISchemaRegistry
{
    /// <summary>The schema; null where the registry knows none of that key.</summary>
    /// <exception cref="SchemaRegistryException">The registry cannot be asked, or refuses.</exception>
    ValueTask<RegisteredSchema?> FindAsync(SchemaKey key, CancellationToken cancellationToken);

    /// <summary>The newest version of a subject, asked for each time; null where there is none.</summary>
    /// <exception cref="SchemaRegistryException">The registry cannot be asked, or refuses.</exception>
    Task<RegisteredSchema?> FindLatestAsync(string subject, CancellationToken cancellationToken);
}

/// <summary>The registry gave no answer that can be used. The message names its address and what was asked.</summary>
/// <param name="message">What failed, and what to do.</param>
/// <param name="isTransient">Whether the same question may be answered later: no connection, a time-out, 429, 5xx.</param>
/// <param name="inner">What was caught, or null.</param>
public sealed class SchemaRegistryException(string message, bool isTransient, Exception? inner = null) : Exception(message, inner)
{
    public bool IsTransient { get; } = isTransient;
}
