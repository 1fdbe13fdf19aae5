using Matih.Kafka;

namespace Matih.Delivery.Members;

/// <summary>Ends a member's session when the group gives it other partitions; that the same ones are dealt again changes nothing.</summary>
internal sealed class ShareWatch(IGroupMember member, GroupShare known) : IDisposable
{
    private readonly CancellationTokenSource _changed = new();

    /// <summary>Cancelled when the share is no longer the one that the session works on.</summary>
    public CancellationToken Changed => _changed.Token;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var seen = known;
        try
        {
            while (await member.ChangedAsync(seen, cancellationToken) is { } share && share.Partitions.SequenceEqual(known.Partitions)) seen = share;
            _changed.Cancel();
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The session ends.
        }
        catch (SourceException)
        {
            // The next session asks the group again, and is told the same.
            _changed.Cancel();
        }
    }

    public void Dispose() => _changed.Dispose();
}
