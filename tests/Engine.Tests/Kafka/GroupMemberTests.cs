using Matih.Hosting;
using Matih.Kafka;

namespace Matih.Engine.Tests.Kafka;

public sealed class GroupMemberTests
{
    private const int HeartbeatRequest = 12, UnknownMember = 25;

    [Fact]
    public async Task Two_members_share_and_one_has_all_again_when_the_other_leaves()
    {
        using var topic = new MockTopic(partitionCount: 4);
        await using var first = Join(topic);
        var all = await UntilAsync(first, share => share?.Partitions.Length == 4);
        var second = Join(topic);

        await UntilAsync(second, share => share?.Partitions.Length == 2);
        var half = await UntilAsync(first, share => share?.Partitions.Length == 2);
        var dealt = first.Share!.Partitions.Concat(second.Share!.Partitions).Order();
        await second.DisposeAsync();
        var again = await UntilAsync(first, share => share?.Partitions.Length == 4);

        Assert.Equal([0, 1, 2, 3], dealt);
        Assert.True(all!.Version < half!.Version && half.Version < again!.Version);
    }

    [Fact]
    public async Task A_member_that_the_group_does_not_know_any_more_has_no_share_until_it_has_joined_again()
    {
        using var topic = new MockTopic(partitionCount: 2);
        await using var member = Join(topic);
        var before = await UntilAsync(member, share => share?.Partitions.Length == 2);

        topic.Cluster.FailNext(HeartbeatRequest, UnknownMember);
        var dropped = await member.ChangedAsync(before, CancellationToken.None).WaitAsync(MockTopic.WaitMax);
        var after = await UntilAsync(member, share => share is not null);

        Assert.Null(dropped);
        Assert.Equal([0, 1], after!.Partitions);
        Assert.True(after.Version > before!.Version);
    }

    [Fact]
    public async Task Waiting_ends_with_the_seat_and_with_its_token()
    {
        using var topic = new MockTopic();
        var member = Join(topic);
        using var cancelled = new CancellationTokenSource();
        var first = member.ChangedAsync(null, cancelled.Token);
        cancelled.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        var known = await UntilAsync(member, share => share is not null);
        var second = member.ChangedAsync(known, CancellationToken.None);

        await member.DisposeAsync();
        await member.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => second.WaitAsync(MockTopic.WaitMax));
    }

    [Fact]
    public void Wrong_settings_are_named_before_anything_is_joined()
    {
        var settings = new KafkaSettings { BootstrapServers = "localhost:1", Properties = new Dictionary<string, string> { ["group.protocol"] = "consumer" } };

        var error = Assert.Throws<SourceException>(() => LibrdkafkaGroupMember.Join(MockTopic.Library, settings, "t", "g", TimeProvider.System, new SystemTaskStarter()));

        Assert.Equal(SourceErrorKind.Configuration, error.Kind);
        Assert.StartsWith("The property group.protocol cannot be set: ", error.Message, StringComparison.Ordinal);
    }

    private static LibrdkafkaGroupMember Join(MockTopic topic) =>
        LibrdkafkaGroupMember.Join(MockTopic.Library, topic.Settings, topic.Name, "pipeline", TimeProvider.System, new SystemTaskStarter());

    private static async Task<GroupShare?> UntilAsync(LibrdkafkaGroupMember member, Func<GroupShare?, bool> condition)
    {
        using var timeout = new CancellationTokenSource(MockTopic.WaitMax);
        var share = member.Share;
        while (!condition(share)) share = await member.ChangedAsync(share, timeout.Token);
        return share;
    }
}
