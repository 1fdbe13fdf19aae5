using Matih.Batches;
using Matih.Decoding;
using Matih.Decoding.Avro;
using Matih.Definition;
using Matih.Registry;

namespace Matih;

/// <summary>The decoder that a source's definition asks for: the same for a run and for a look at a sample.</summary>
public static class SourceDecoding
{
    /// <param name="inputs">What a query needs of each record.</param>
    /// <param name="registry">Knows the schemas of the source's records; null where its format needs none.</param>
    /// <param name="presence">Takes note of the fields that records have; null where nobody asks.</param>
    public static IRecordDecoder CreateDecoder(SourceDefinition source, IReadOnlyList<InputColumn> inputs, MemoryAccount account, ISchemaRegistry? registry, FieldPresence? presence = null) => source.Format switch
    {
        RecordFormat.Json => new JsonRecordDecoder(inputs, new JsonDecodeSettings
        {
            FailOnMissingField = source.Json.FailOnMissingField,
            IgnoreParseErrors = source.Json.IgnoreParseErrors,
            TimestampStandard = source.Json.TimestampFormat == JsonTimestampFormat.Iso8601 ? TimestampStandard.Iso8601 : TimestampStandard.Sql,
            RequiresObject = source.Schema is not null,
        }, source.Topic, account, presence),
        RecordFormat.Avro => new AvroRecordDecoder(inputs, source.Reader, registry ?? throw new ArgumentNullException(nameof(registry)), source.Topic, account),
        RecordFormat.Raw => new RawRecordDecoder(inputs, source.Topic, account),
        _ => throw new InvalidOperationException($"Unknown format {source.Format}."),
    };
}
