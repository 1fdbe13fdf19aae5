using System.Net;
using System.Text.RegularExpressions;
using Matih.Definition;
using Matih.Delivery;
using Matih.Host.Health;
using Matih.Hosting;
using Matih.Hosting.Flink;
using Matih.Iceberg.Metadata;
using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Delivery;

/// <summary>What ends a run: every kind once, as the engine itself gives it, with the exact words that an operator reads.</summary>
public sealed partial class FailureTests
{
    /// <summary>Every kind: what follows from it, and a real failure of it.</summary>
    private static readonly Dictionary<FailureKind, (RetryAdvice Retry, int ExitCode, Func<Task<PipelineException>> Meet)> Kinds = new()
    {
        [FailureKind.BadDefinition] = (RetryAdvice.NeedsPerson, 2, () => MeetAsync(flow => flow.Overrides.Add("sinks.lake.create=false"))),
        [FailureKind.Kafka] = (RetryAdvice.BackOff, 3, () => MeetAsync(flow => BreakSource(flow, SourceErrorKind.Unreachable, "No broker of broker:9092 answered within 30 s."))),
        [FailureKind.KafkaAccess] = (RetryAdvice.NeedsPerson, 3, () => MeetAsync(flow => BreakSource(flow, SourceErrorKind.Authorization, "Broker: Topic authorization failed."))),
        [FailureKind.Catalog] = (RetryAdvice.BackOff, 3, () => MeetAsync(async flow =>
        {
            await flow.CatchUpAsync();
            await flow.ChangeTableAsync(new TableUpdate.SetProperties(TableMetadata.EmptyProperties.Add("commit.retry.num-retries", "0")));
            flow.Produce(10, 10);
            flow.Store.FailBefore(".metadata.json");
        })),
        [FailureKind.Table] = (RetryAdvice.NeedsPerson, 3, () => MeetAsync(async flow =>
        {
            await flow.CatchUpAsync();
            await File.WriteAllTextAsync((await flow.TableAsync()).MetadataLocation, "{}");
        })),
        [FailureKind.Store] = (RetryAdvice.BackOff, 3, () => MeetAsync(flow => flow.Store.IsDown = _ => true)),
        [FailureKind.Flink] = (RetryAdvice.NeedsPerson, 3, MeetNoGatewayAsync),
        [FailureKind.Endpoint] = (RetryAdvice.NeedsPerson, 3, MeetTakenPortAsync),
        [FailureKind.Superseded] = (RetryAdvice.NeedsPerson, 4, () => MeetAsync(async flow =>
        {
            await flow.CatchUpAsync();
            flow.Produce(10, 10);
            var successor = flow.Another();
            flow.Store.Before(".metadata.json", () => successor.CatchUpAsync());
        })),
        [FailureKind.WouldLoseOrDouble] = (RetryAdvice.NeedsPerson, 5, () => MeetAsync(flow => flow.CatchUpAsync(), new OpenAnswers(Start: new StartOffset.Earliest()))),
        [FailureKind.RecordRejected] = (RetryAdvice.NeedsPerson, 6, () => MeetAsync(flow => flow.Topic.Append(1, "{ no json"))),
    };

    public static TheoryData<FailureKind> AllKinds => [.. Enum.GetValues<FailureKind>()];

    [Theory, MemberData(nameof(AllKinds))]
    public async Task Every_kind_has_its_retry_advice_its_exit_code_and_a_remedy(FailureKind kind)
    {
        var (retry, exitCode, meet) = Kinds[kind];

        var failure = await meet();

        Assert.Equal((kind, retry, exitCode), (failure.Kind, failure.Retry, failure.ExitCode));
        Assert.Equal((retry, exitCode), FailurePolicy.Of(kind));
        Assert.Matches("^(--|[A-Z]).*[.)]$", failure.Message);
        Assert.Matches("^[A-Z].*[.]$", failure.Remedy);
        Assert.DoesNotContain("  ", failure.Message + failure.Remedy, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(AllKinds))]
    public async Task What_a_run_that_cannot_go_on_says_word_for_word(FailureKind kind)
    {
        var failure = await Kinds[kind].Meet();

        Assert.Equal(
            kind switch
            {
                FailureKind.BadDefinition =>
                    "Table shop.orders does not exist in the file catalog <folder>, and the sink says create: false. | Create the table, or let the sink create it.",
                FailureKind.Kafka =>
                    "Topic 'shop.orders': No broker of broker:9092 answered within 30 s. (0 retries without progress are used up.) | Check that the brokers run and can be reached from here; the run continues from the table's ledger.",
                FailureKind.KafkaAccess =>
                    "Topic 'shop.orders': Broker: Topic authorization failed. | Let this principal read and describe the topic (READ and DESCRIBE in its ACLs); the start after that continues from the table's ledger.",
                FailureKind.Catalog =>
                    "Commit <id> of orders/lake to table shop.orders did not get through in 1 attempt and 0 s; the last one: not confirmed (connection refused). (0 retries without progress are used up.) | Check the catalog and its store. If other writers commit all the time, raise commit.retry.num-retries in the table's properties. The next attempt reads the table to learn what stands.",
                FailureKind.Table =>
                    "Table shop.orders: <path>.metadata.json is not the metadata of a table: a field that the format requires is missing. Restore the file, or roll back to the version before it. | Restore the table's files or roll it back; the next start continues from what the table then holds.",
                FailureKind.Store =>
                    "Table shop.orders: 503 Slow Down (0 retries without progress are used up.) | Check disk space, permissions and the network to the store; what is not in the table is read again.",
                FailureKind.Flink =>
                    "The SQL Gateway at http://127.0.0.1:1/ cannot be reached: Connection refused (127.0.0.1:1) | Start the SQL Gateway (bin/sql-gateway.sh start), or correct the address.",
                FailureKind.Endpoint =>
                    "Health cannot be served at 127.0.0.1:<port>: another program listens there. | End that program, or name another port with --health [HOST:]PORT or MATIH_HEALTH (0 takes a free one, off serves none).",
                FailureKind.Superseded =>
                    "Another writer of orders/lake has taken over: the table's ledger is of epoch 2, written by run <id> on host test, process 1. | Let that one work, or stop it first; the next start continues from what the table holds, so nothing is lost or doubled.",
                FailureKind.WouldLoseOrDouble =>
                    "--from earliest was given, but table shop.orders already holds a ledger of orders/lake and resumes from it. | Leave --from out; to start over at another place use --reset together with --from.",
                FailureKind.RecordRejected =>
                    "The record at offset 5 of partition 1 of topic 'shop.orders' was rejected: <reason> Everything before it is committed. | Correct the producer or the SQL, or pass bad records over with on_error: skip; a restart meets this record again.",
                _ => "",
            },
            Normal($"{failure.Message} | {failure.Remedy}"));
    }

    [Fact]
    public async Task A_topic_that_ends_before_the_position_says_both_offsets()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        using var shorter = flow.Another(new ScriptedTopic("shop.orders", 1) { ClusterId = flow.Topic.ClusterId, TopicId = flow.Topic.TopicId });
        shorter.Produce(0, 4);

        var failure = await shorter.RefusalAsync();

        Assert.Equal(
            "Partition 0 of topic 'shop.orders' ends at offset 4, but the table's ledger of orders/lake stands at 10: the topic was created again, or lost records in an unclean leader election. | Find out which; if the table is right as it is, start over on the topic as it is now with --reset.",
            $"{failure.Message} | {failure.Remedy}");
    }

    [Fact]
    public async Task A_reset_that_was_not_confirmed_says_of_what()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();

        var failure = await flow.RefusalAsync(new OpenAnswers(Reset: true, ConfirmReset: _ => false));

        Assert.Equal("The reset of orders/lake on table shop.orders was not confirmed. | Nothing was changed. Give --yes to reset without being asked.", $"{failure.Message} | {failure.Remedy}");
    }

    [Fact]
    public async Task An_unknown_name_to_adopt_says_where_to_look()
    {
        using var flow = new FlowHarness();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        await other.CatchUpAsync();

        var failure = await flow.RefusalAsync(new OpenAnswers(Adopt: "nobody"));

        Assert.Equal("--adopt nobody: table shop.orders holds no ledger of that pipeline. | See which it holds with: matih table ledger shop.orders.", $"{failure.Message} | {failure.Remedy}");
    }

    [Fact]
    public async Task A_table_dropped_between_two_sessions_is_not_created_again_also_where_the_group_keeps_no_mark()
    {
        using var flow = new FlowHarness(partitionCount: 1) { Clock = new HurriedClock { Speed = 20 } };
        flow.Overrides.Add("orchestration.max_retries=5");
        flow.Topic.RefusesGroupOffsets = true;
        flow.Produce(0, 10);
        var isDropped = 0;
        flow.OnSource = source => source.BeforePoll = () =>
        {
            if (flow.CommittedRowCount < 10 || Interlocked.Exchange(ref isDropped, 1) == 1) return;
            flow.DropTable();
            throw new Matih.Kafka.SourceException(Matih.Kafka.SourceErrorKind.Unreachable, "broker down");
        };

        var failure = await Assert.ThrowsAsync<PipelineException>(() => flow.RunAsync(new RunMode.For(TimeSpan.FromMinutes(10))));

        Assert.Equal(ExitCode.Refused, failure.ExitCode);
        Assert.Equal(1, flow.CountOf("retrying"));
        Assert.False(Directory.Exists(flow.TableFolder));
    }

    private static Task<PipelineException> MeetAsync(Action<FlowHarness> prepare) => MeetAsync(flow =>
    {
        prepare(flow);
        return Task.CompletedTask;
    });

    private static async Task<PipelineException> MeetAsync(Func<FlowHarness, Task> prepare, OpenAnswers? answers = null)
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await prepare(flow);
        return await flow.RefusalAsync(answers);
    }

    private static void BreakSource(FlowHarness flow, SourceErrorKind kind, string message) =>
        flow.OnSource = source => source.BeforePoll = () => throw new SourceException(kind, message);

    private static async Task<PipelineException> MeetNoGatewayAsync()
    {
        using var cluster = new FlinkCluster(new Uri("http://127.0.0.1:1"), null, TimeProvider.System);
        return await Assert.ThrowsAsync<PipelineException>(() => new JobWatch(cluster).ListAsync(default));
    }

    private static async Task<PipelineException> MeetTakenPortAsync()
    {
        var clock = new HurriedClock();
        var report = new HealthReport(new PipelineHealth([], clock, new HealthLimits(TimeSpan.FromMinutes(1))), "1", clock);
        using var metrics = new MetricsPage(TelemetryNames.Meter);
        await using var first = HealthEndpoint.Open(new HealthAddress(new IPEndPoint(IPAddress.Loopback, 0), IsRequired: true), report, metrics, EngineLog.None)!;
        return Assert.Throws<PipelineException>(() => HealthEndpoint.Open(new HealthAddress(first.Address, IsRequired: true), report, metrics, EngineLog.None));
    }

    /// <summary>Ids, ports and paths differ from run to run, and the decoder's reason is pinned elsewhere.</summary>
    private static string Normal(string text)
    {
        text = Id().Replace(text, "<id>");
        text = Port().Replace(text, "127.0.0.1:<port>:");
        text = Folder().Replace(text, "file catalog <folder>");
        text = Path().Replace(text, "<path>.metadata.json");
        return Reason().Replace(text, "was rejected: <reason> Everything");
    }

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Id();

    [GeneratedRegex(@"127\.0\.0\.1:\d+:")]
    private static partial Regex Port();

    [GeneratedRegex(@"(?<=[ '])/\S+\.metadata\.json")]
    private static partial Regex Path();

    [GeneratedRegex("file catalog /[^,]*")]
    private static partial Regex Folder();

    [GeneratedRegex("was rejected: .* Everything")]
    private static partial Regex Reason();
}
