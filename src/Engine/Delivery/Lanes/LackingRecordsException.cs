namespace Matih.Delivery.Lanes;

/// <summary>A batch that a host handed in leaves out records that the topic holds.</summary>
internal sealed class LackingRecordsException(PipelineException failure) : Exception(failure.Message, failure)
{
    public PipelineException Failure { get; } = failure;
}
