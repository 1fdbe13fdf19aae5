using Matih.Delivery.IcebergTables;
using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Opening;
using Matih.Delivery.Running;
using Matih.Delivery.Tables;
using Matih.Delivery;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg;
using Matih.Kafka;
using Matih.Planning;

namespace Matih.Bench;

/// <summary>
/// The same engine without the protocol: lanes, files and appends are the engine's own, but no commit carries a ledger, moves
/// a tag, loads the table first or asserts anything about it. Positions are kept in the consumer group alone, as
/// at-least-once writers keep them. Reads the topic to its end.
/// </summary>
internal sealed class UnguardedRun(FlowContext flow, FlowAssembly assembly, ICatalog catalog, IRecordSource source, GroupMarks marks)
{
    private readonly GroupMark _mark = new(flow.Name, "unguarded");

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var version = (IcebergVersion)await TableCreation.CreateAsync(assembly.Ledgers.Table, flow.Plan.Table, flow.Log, cancellationToken);
        var table = version.Table;
        var topic = await source.IdentifyAsync(cancellationToken);
        int[] partitions = [.. Enumerable.Range(0, topic.PartitionCount)];
        var ranges = await source.RangesAsync(partitions, cancellationToken);
        var positions = new SourceLedger(flow.Plan.SourceName, flow.Plan.Topic, null, null, flow.Plan.IsolationLevel,
            [.. partitions.Select(partition => PartitionLedger.StartingAt(partition, ranges[partition].LogStart, isEarliest: true))]);
        var opened = new OpenedFlow(version, version.Bind(flow.Plan.Table), null!, new WriterEpoch(1), 0, positions);

        var mode = new RunMode.UntilCaughtUp();
        var limit = RecordLimit.None();
        await using var session = await FlowSession.StartAsync(
            flow, source, assembly.LanesFor(opened), positions, new LaneDeal([.. partitions], flow.Plan.Parallelism) { IsInCommon = true }, limit, 1, null, cancellationToken);
        var ends = partitions.ToDictionary(partition => partition, partition => ranges[partition].End);
        var finish = new FinishCondition(mode, limit, session, flow.Environment.Clock, flow.Environment.Clock.GetTimestamp(), ends);
        while (true)
        {
            var cause = await session.WaitForCheckpointAsync(mode, finish, CancellationToken.None, cancellationToken);
            var isLast = cause != CheckpointCause.Interval;
            var checkpoints = await session.SealAsync(isLast, cancellationToken);
            table = await AppendAsync(table, [.. checkpoints.SelectMany(checkpoint => checkpoint.Files).Select(file => ((IcebergFile)file).File)], cancellationToken);
            positions = positions with { Partitions = [.. checkpoints.SelectMany(checkpoint => checkpoint.Partitions).Select(stretch => stretch.Entry)] };
            if (await marks.StoreAsync(_mark, source, positions, cancellationToken) is { } reason) throw new InvalidOperationException($"The group's offsets could not be stored: {reason}");
            if (isLast) return;
        }
    }

    private async ValueTask<Table> AppendAsync(Table table, IReadOnlyList<DataFile> files, CancellationToken cancellationToken)
    {
        if (files.Count == 0) return table;
        var append = await PreparedChange.PrepareAsync(table, files, flow.Environment.Ids, cancellationToken);
        var summary = new Dictionary<string, string>();
        var attempt = await append.AttemptAsync(table, table.Metadata.NextTimestampMillis(flow.Environment.Clock.GetUtcNow()), summary, [], cancellationToken);
        if (attempt is not ChangeAttempt.Ready ready) throw new InvalidOperationException($"An append gave {attempt}.");
        return await catalog.CommitAsync(table, [], ready.Updates, cancellationToken) is CommitResult.Committed committed
            ? committed.Table
            : throw new InvalidOperationException("An append with nobody beside it did not get through.");
    }
}
