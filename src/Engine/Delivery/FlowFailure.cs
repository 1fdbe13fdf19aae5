using Matih.Kafka;
using Matih.Planning;
using Matih.Registry;

namespace Matih.Delivery;

/// <summary>The one place that says what an exception of a component means for whoever works on a flow.</summary>
internal static class FlowFailure
{
    /// <summary>The failure, with its remedy; null for a broken invariant, which must crash, and for an abort.</summary>
    public static PipelineException? Of(FlowPlan plan, Exception e, CancellationToken abort) => e switch
    {
        OperationCanceledException when abort.IsCancellationRequested => null,
        PipelineException known => known,
        PositionOutOfRangeException position => new PipelineException(FailureKind.Kafka,
            $"Topic '{plan.Topic}': {position.Message}", "The next attempt compares the position with what the topic holds, and says what is missing.", position),
        SourceException source => OfTopic(plan.Topic, source),
        SchemaRegistryException { IsTransient: true } registry => new PipelineException(FailureKind.Kafka, $"Topic '{plan.Topic}': {registry.Message}",
            "Check that the schema registry runs and can be reached from here; the run continues from the table's ledger.", registry),
        SchemaRegistryException registry => new PipelineException(FailureKind.KafkaAccess, $"Topic '{plan.Topic}': {registry.Message}",
            "Correct the source's schema_registry or its credentials; the start after that continues from the table's ledger.", registry),
        _ => OfTable(plan.Table.Identifier, e, abort),
    };

    /// <summary>The same for whoever only asks about a topic.</summary>
    public static PipelineException OfTopic(string topic, SourceException source) => new(
        source.Kind is SourceErrorKind.Unreachable or SourceErrorKind.Protocol ? FailureKind.Kafka : FailureKind.KafkaAccess,
        $"Topic '{topic}': {source.Message}", RemedyFor(source.Kind), source);

    /// <summary>The same for whoever works on a table alone.</summary>
    public static PipelineException? OfTable(TableIdentifier table, Exception e, CancellationToken abort) => e switch
    {
        OperationCanceledException when abort.IsCancellationRequested => null,
        PipelineException known => known,
        UnsupportedTableException unsupported => new PipelineException(FailureKind.BadDefinition, $"Table {table}: {unsupported.Message}",
            "Change the table or the definition; the start after that continues from the table's ledger.", unsupported),
        InvalidTableException invalid => new PipelineException(FailureKind.Table, $"Table {table}: {invalid.Message}",
            "Restore the table's files or roll it back; the next start continues from what the table then holds.", invalid),
        CatalogException catalog => new PipelineException(FailureKind.Catalog, $"Table {table}: {catalog.Failure}", catalog.Remedy, catalog),
        IOException io => new PipelineException(FailureKind.Store, $"Table {table}: {io.Message}",
            "Check disk space, permissions and the network to the store; what is not in the table is read again.", io),
        UnauthorizedAccessException access => new PipelineException(FailureKind.Store, $"Table {table}: {access.Message}",
            "Give this user read and write access to the warehouse; what is not in the table is read again.", access),
        _ => null,
    };

    private static string RemedyFor(SourceErrorKind kind) => kind switch
    {
        SourceErrorKind.Authentication => "Check the credentials and certificates of the connection; a start with right ones continues from the table's ledger.",
        SourceErrorKind.Authorization => "Let this principal read and describe the topic (READ and DESCRIBE in its ACLs); the start after that continues from the table's ledger.",
        SourceErrorKind.UnknownTopic => "Create the topic, or correct its name or the connection in the definition; nothing is read from another one.",
        SourceErrorKind.Configuration or SourceErrorKind.Unsupported => "Change the connection's settings or the librdkafka in use (MATIH_LIBRDKAFKA); the start after that continues from the table's ledger.",
        _ => "Check that the brokers run and can be reached from here; the run continues from the table's ledger.",
    };
}
