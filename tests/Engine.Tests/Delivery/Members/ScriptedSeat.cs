using Matih.Kafka;

namespace Matih.Engine.Tests.Delivery;

/// <summary>A seat in a consumer group whose share the test deals.</summary>
internal sealed class ScriptedSeat : IGroupMember
{
    private volatile GroupShare? _share;
    private long _version;

    public ScriptedSeat(params int[] partitions) => Deal(partitions);

    public GroupShare? Share => _share;

    public void Deal(params int[] partitions) => _share = new GroupShare(++_version, [.. partitions]);

    /// <summary>The group drops the member.</summary>
    public void Lose() => _share = null;

    public async Task<GroupShare?> ChangedAsync(GroupShare? known, CancellationToken cancellationToken)
    {
        while (_share == known)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Several may wait; a short look is enough for a test.
            await Task.Delay(1, cancellationToken);
        }
        return _share;
    }

    public ValueTask DisposeAsync() => default;
}
