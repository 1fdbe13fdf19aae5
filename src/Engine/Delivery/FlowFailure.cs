using Matih.Iceberg;
using Matih.Kafka;

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
            $"Topic '{plan.Topic}': {position.Message}", "The next start compares the position with what the topic holds.", position),
        SourceException source => new PipelineException(
            source.Kind is SourceErrorKind.Unreachable or SourceErrorKind.Protocol ? FailureKind.Kafka : FailureKind.KafkaAccess,
            $"Topic '{plan.Topic}': {source.Message}", "Check the connection in the definition and the broker; the run goes on from the table's ledger.", source),
        UnsupportedTableException unsupported => new PipelineException(FailureKind.BadDefinition, $"Table {plan.Table.Identifier}: {unsupported.Message}",
            "Change the table or the definition.", unsupported),
        InvalidTableException invalid => new PipelineException(FailureKind.Table, $"Table {plan.Table.Identifier}: {invalid.Message}",
            "Restore the table's files or roll it back; nothing was committed.", invalid),
        IOException io => new PipelineException(FailureKind.Store, $"Table {plan.Table.Identifier}: {io.Message}",
            "Check disk space, permissions and the network to the store; nothing was committed.", io),
        UnauthorizedAccessException access => new PipelineException(FailureKind.Store, $"Table {plan.Table.Identifier}: {access.Message}",
            "Give this user write access to the warehouse.", access),
        _ => null,
    };
}
