using System.Collections.Immutable;
using Matih.Decoding.Avro;
using Matih.Definition;
using Matih.Registry;

namespace Matih;

/// <summary>Looks up the schemas that a definition names and does not hold: between reading it and planning it.</summary>
public static class SourceSchemas
{
    /// <summary>The definition with the columns of all its sources.</summary>
    /// <param name="open">The registry of a source that has one.</param>
    /// <param name="readFile">The text of a file that a source names.</param>
    /// <param name="errors">Gets what is wrong with a schema, or why it cannot be had.</param>
    public static async Task<PipelineDefinition> ResolveAsync(
        PipelineDefinition definition, Func<SourceDefinition, ISchemaRegistry> open, Func<string, string> readFile, List<DefinitionError> errors, CancellationToken cancellationToken)
    {
        if (definition.Sources.All(source => source.SchemaPlace is null)) return definition;
        var sources = ImmutableArray.CreateBuilder<SourceDefinition>();
        foreach (var source in definition.Sources)
        {
            try
            {
                sources.Add(source.SchemaPlace is { } place ? With(source, await FindAsync(source, place, open, readFile, cancellationToken)) : source);
            }
            catch (Exception fault) when (fault is AvroSchemaException or SchemaRegistryException or IOException or UnauthorizedAccessException)
            {
                errors.Add(new DefinitionError(source.Position.File, source.Position.Line, source.Position.Column, $"sources.{source.Name}.schema", $"{source.SchemaPlace} cannot be used: {fault.Message.TrimEnd('.')}."));
                sources.Add(source);
            }
        }
        return definition.WithSources(sources.ToImmutable());
    }

    private static async Task<RegisteredSchema> FindAsync(SourceDefinition source, SourceSchema place, Func<SourceDefinition, ISchemaRegistry> open, Func<string, string> readFile, CancellationToken cancellationToken)
    {
        switch (place)
        {
            case SourceSchema.InFile file: return new RegisteredSchema(SchemaLanguage.Avro, readFile(file.Path), []);
            case SourceSchema.Registered { Id: { } id }:
                return await open(source).FindAsync(SchemaKey.Of(id), cancellationToken) ?? throw new AvroSchemaException("the registry knows no schema of that id");
            case SourceSchema.Registered registered:
                var subject = registered.Subject ?? $"{source.Topic}-value";
                return await open(source).FindLatestAsync(subject, cancellationToken)
                    ?? throw new AvroSchemaException($"the registry has no subject '{subject}'; name another one as `schema: {{ subject: NAME }}`, or the columns themselves");
            default: throw new InvalidOperationException($"{place} is no place.");
        }
    }

    private static SourceDefinition With(SourceDefinition source, RegisteredSchema schema)
    {
        if (schema.Language != SchemaLanguage.Avro) throw new AvroSchemaException($"it is {schema.Language}, and the format is avro");
        return source with { Reader = schema, Schema = AvroTypes.RowOf(AvroSchemaParser.Parse(schema)) };
    }
}
