namespace Matih.Definition;

/// <summary>An entry under <c>connections:</c>.</summary>
public sealed record ConnectionDefinition(string Name, KafkaConnection Kafka, DefinitionPosition Position);
