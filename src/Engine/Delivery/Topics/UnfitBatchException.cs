namespace Matih.Delivery.Topics;

/// <summary>A batch that a host handed in is not what the topic holds: it leaves out records, or is of another topic.</summary>
internal sealed class UnfitBatchException(PipelineException failure) : Exception(failure.Message, failure)
{
    public PipelineException Failure { get; } = failure;
}
