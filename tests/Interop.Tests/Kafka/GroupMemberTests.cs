using Matih.Fixtures;
using Matih.Hosting;
using Matih.Kafka;

namespace Matih.Interop.Tests.Kafka;

/// <summary>Seats in a real broker's consumer groups: who gets what, and who takes over from whom.</summary>
public sealed class GroupMemberTests(SharedKafka kafka)
{
    /// <summary>The members' session: a dead one is missed after it.</summary>
    private static readonly TimeSpan Session = TimeSpan.FromSeconds(6);

    [Fact, LongTest]
    public async Task A_member_alone_has_every_partition_and_keeps_its_seat_beyond_a_session()
    {
        var (broker, topic, group) = await NewAsync("alone", 6);
        await using var unheard = Join("127.0.0.1:1", topic, group);
        await using var member = Join(broker.Bootstrap, topic, group);

        var share = await member.UntilAsync(share => share?.Partitions.Length == 6);
        // Only the passing of a session shows that heartbeats go on while nothing is fetched.
        await Task.Delay(Session * 1.5, TestContext.Current.CancellationToken);

        Assert.Equal([0, 1, 2, 3, 4, 5], share!.Partitions);
        Assert.Same(share, member.Share);
        Assert.Null(unheard.Share);
        var seen = await (await kafka.ClientAsync()).GroupAsync(group);
        Assert.Equal(Enumerable.Range(0, 6).Select(partition => (topic, partition)), Assert.Single(seen.Members));
        Assert.Equal("range", seen.Assignor);
    }

    [Fact]
    public async Task Members_share_and_take_over_at_once_from_one_that_leaves()
    {
        var (broker, topic, group) = await NewAsync("three", 6);
        await using var first = Join(broker.Bootstrap, topic, group);
        await first.UntilAsync(share => share?.Partitions.Length == 6);
        await using var second = Join(broker.Bootstrap, topic, group);
        await MemberWaiting.UntilDealtAsync(6, first, second);
        var third = Join(broker.Bootstrap, topic, group);
        await MemberWaiting.UntilDealtAsync(6, first, second, third);
        var (shares, version) = (new[] { first, second, third }.Select(member => member.Share!.Partitions.Length), first.Share!.Version);

        Assert.Equal([2, 2, 2], shares);
        await third.DisposeAsync();
        // Its broker knows at once and not after a session.
        var left = await (await kafka.ClientAsync()).GroupAsync(group);
        await MemberWaiting.UntilDealtAsync(6, first, second);

        Assert.Equal(2, left.Members.Count);
        Assert.Equal([3, 3], new[] { first, second }.Select(member => member.Share!.Partitions.Length));
        Assert.True(first.Share.Version > version);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => third.ChangedAsync(third.Share, CancellationToken.None));
    }

    [Fact]
    public async Task More_members_than_partitions_leave_one_with_an_empty_share()
    {
        var (broker, topic, group) = await NewAsync("spare", 1);
        await using var first = Join(broker.Bootstrap, topic, group);
        await first.UntilAsync(share => share is not null);
        await using var second = Join(broker.Bootstrap, topic, group);

        await second.UntilAsync(share => share is not null);
        await MemberWaiting.UntilDealtAsync(1, first, second);

        Assert.Equal(1, first.Share!.Partitions.Length + second.Share!.Partitions.Length);
    }

    [Fact]
    public async Task A_member_that_dies_without_a_word_is_missed_after_its_session()
    {
        var (broker, topic, group) = await NewAsync("dead", 4);
        await using var first = Join(broker.Bootstrap, topic, group);
        var second = Join(broker.Bootstrap, topic, group);
        await MemberWaiting.UntilDealtAsync(4, first, second);

        var start = TimeProvider.System.GetTimestamp();
        await second.AbandonAsync();
        await first.UntilAsync(share => share?.Partitions.Length == 4);

        // The last heartbeat may have been sent up to an interval before, or more on a busy machine; a member that leaves is missed in milliseconds.
        Assert.InRange(TimeProvider.System.GetElapsedTime(start), Session / 2, Session * 3);
    }

    [Fact]
    public async Task A_foreign_member_that_is_stopped_loses_its_share_and_has_one_again_afterwards()
    {
        var (broker, topic, group) = await NewAsync("stopped", 4);
        await using var foreign = await JoinForeignAsync(broker, topic, group, "range");
        await foreign.Output.WaitForAsync(line => line == "[0, 1, 2, 3]");
        await using var member = Join(broker.Bootstrap, topic, group);
        await member.UntilAsync(share => share?.Partitions.Length == 2);

        foreign.Send(ProcessSignal.Stop);
        await member.UntilAsync(share => share?.Partitions.Length == 4);
        foreign.Send(ProcessSignal.Continue);
        await member.UntilAsync(share => share?.Partitions.Length == 2);

        Assert.Contains(foreign.Output.Lines, line => line.Split(',').Length == 2);
    }

    [Fact, LongTest]
    public async Task Members_cut_off_beyond_their_session_have_no_share_until_they_are_back()
    {
        // A broker of its own, because it is stopped.
        await using var broker = await KafkaBroker.StartAsync();
        await (await broker.ClientAsync()).CreateTopicAsync("cut", 4);
        await using var first = Join(broker.Bootstrap, "cut", "group");
        await using var second = Join(broker.Bootstrap, "cut", "group");
        await MemberWaiting.UntilDealtAsync(4, first, second);
        var versions = (first.Share!.Version, second.Share!.Version);

        await broker.PauseAsync();
        await first.UntilAsync(share => share is null);
        await second.UntilAsync(share => share is null);
        await broker.ResumeAsync();
        await MemberWaiting.UntilDealtAsync(4, first, second);

        Assert.True(first.Share!.Version > versions.Item1 && second.Share!.Version > versions.Item2);
    }

    [Fact, LongTest]
    public async Task New_partitions_are_dealt_within_half_a_minute()
    {
        var (broker, topic, group) = await NewAsync("grown", 2);
        await using var first = Join(broker.Bootstrap, topic, group);
        await using var second = Join(broker.Bootstrap, topic, group);
        await MemberWaiting.UntilDealtAsync(2, first, second);

        await (await kafka.ClientAsync()).AddPartitionsAsync(topic, 5);
        var start = TimeProvider.System.GetTimestamp();
        await MemberWaiting.UntilDealtAsync(5, first, second);

        Assert.InRange(TimeProvider.System.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_topic_that_is_missing_is_waited_for()
    {
        var broker = await kafka.BrokerAsync();
        var (topic, group) = (KafkaBroker.NewName("later"), KafkaBroker.NewName("group"));
        var said = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var member = Join(broker.Bootstrap, topic, group, log: line =>
        {
            if (line.Text.Contains(topic, StringComparison.Ordinal)) said.TrySetResult();
        });
        await said.Task.WaitAsync(MemberWaiting.WaitMax);
        Assert.True(member.Share is null or { Partitions.Length: 0 });

        await (await kafka.ClientAsync()).CreateTopicAsync(topic, 3);
        var share = await member.UntilAsync(share => share?.Partitions.Length > 0);

        Assert.Equal([0, 1, 2], share!.Partitions);
    }

    [Fact]
    public async Task A_group_that_may_not_be_read_is_an_authorization_error_that_names_it()
    {
        var (broker, topic, group) = await NewAsync("acl", 1);
        await (await kafka.ClientAsync()).AddAclAsync("alice", allow: false, "ALL", "GROUP", group);
        await using var member = Join(broker.SaslPlaintext, topic, group, Plain(broker, broker.Password));

        var error = await Assert.ThrowsAsync<SourceException>(() => member.ChangedAsync(null, CancellationToken.None).WaitAsync(MemberWaiting.WaitMax));

        Assert.Equal(SourceErrorKind.Authorization, error.Kind);
        Assert.StartsWith($"Could not stay in group {group} for topic {topic} at {broker.SaslPlaintext}: ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith($"The principal needs the right (ACL) to Read group {group}.", error.Message, StringComparison.Ordinal);
        Assert.Null(member.Share);
    }

    [Fact]
    public async Task A_wrong_password_is_an_authentication_error_without_the_password()
    {
        var (broker, topic, group) = await NewAsync("password", 1);
        await using var member = Join(broker.SaslPlaintext, topic, group, Plain(broker, "not-the-secret"));

        var error = await Assert.ThrowsAsync<SourceException>(() => member.ChangedAsync(null, CancellationToken.None).WaitAsync(MemberWaiting.WaitMax));

        Assert.Equal(SourceErrorKind.Authentication, error.Kind);
        Assert.StartsWith($"Could not join group {group} for topic {topic}: {broker.SaslPlaintext} refused us: ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("not-the-secret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_group_of_consumers_that_share_in_another_way_is_refused()
    {
        var (broker, topic, group) = await NewAsync("mixed", 2);
        await using var foreign = await JoinForeignAsync(broker, topic, group, "roundrobin");
        await foreign.Output.WaitForAsync(line => line == "[0, 1]");
        await using var member = Join(broker.Bootstrap, topic, group);

        var error = await Assert.ThrowsAsync<SourceException>(() => member.ChangedAsync(null, CancellationToken.None).WaitAsync(MemberWaiting.WaitMax));

        Assert.Equal(SourceErrorKind.Configuration, error.Kind);
        Assert.EndsWith("Consumers of another kind are in the group: end them, or give this pipeline a consumer_group of its own.", error.Message, StringComparison.Ordinal);
    }

    private static Dictionary<string, string> Plain(KafkaBroker broker, string password) => new()
    {
        ["security.protocol"] = "SASL_PLAINTEXT",
        ["sasl.mechanism"] = "PLAIN",
        ["sasl.username"] = broker.User,
        ["sasl.password"] = password,
    };

    private static LibrdkafkaGroupMember Join(
        string bootstrap, string topic, string group, Dictionary<string, string>? properties = null, KafkaLog? log = null) =>
        LibrdkafkaGroupMember.Join(
            ClientLibrary.Loaded,
            new KafkaSettings { BootstrapServers = bootstrap, Properties = properties ?? [] },
            topic, group, TimeProvider.System, new SystemTaskStarter(), log);

    private static async Task<ExternalProcess> JoinForeignAsync(KafkaBroker broker, string topic, string group, string strategy)
    {
        var python = await PythonEnvironment.EnsureAsync("kafka-client", SharedTools.Find("kafka/wheels"), "confluent-kafka");
        var script = Path.Combine(AppContext.BaseDirectory, "Fixtures", "group_member.py");
        return ExternalProcess.Start(python, [script, broker.Bootstrap, group, topic, strategy], keepInputOpen: true);
    }

    private async Task<(KafkaBroker Broker, string Topic, string Group)> NewAsync(string stem, int partitions)
    {
        var (broker, topic) = (await kafka.BrokerAsync(), KafkaBroker.NewName(stem));
        await (await kafka.ClientAsync()).CreateTopicAsync(topic, partitions);
        return (broker, topic, KafkaBroker.NewName("group"));
    }
}
