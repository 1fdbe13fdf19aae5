namespace Matih.Delivery.Ledgers;

/// <summary>This run as a writer: its id tells its own commits from another's.</summary>
internal sealed record WriterIdentity(Guid Run, WriterHint? Hint);
