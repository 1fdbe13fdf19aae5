using Matih.Registry;

namespace Matih.Engine.Tests.Decoding.Avro;

/// <summary>A registry of schemas that a test gives it.</summary>
internal sealed class FakeRegistry : ISchemaRegistry
{
    private readonly Dictionary<SchemaKey, RegisteredSchema> _schemas = [];

    /// <summary>How often it was asked for a key.</summary>
    public int QuestionCount { get; private set; }

    public FakeRegistry With(int id, string text, params SchemaReference[] references) => With(SchemaKey.Of(id), new RegisteredSchema(SchemaLanguage.Avro, text, [.. references]));

    public FakeRegistry With(SchemaKey key, RegisteredSchema schema)
    {
        _schemas[key] = schema;
        return this;
    }

    public ValueTask<RegisteredSchema?> FindAsync(SchemaKey key, CancellationToken cancellationToken)
    {
        QuestionCount++;
        return new(_schemas.GetValueOrDefault(key));
    }

    public Task<RegisteredSchema?> FindLatestAsync(string subject, CancellationToken cancellationToken) => throw new NotSupportedException();
}
