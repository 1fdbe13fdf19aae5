using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Delivery;

/// <summary>Large ledgers keep their body beside the table: lost, superfluous and other flows' side files.</summary>
public sealed class SideFileTests
{
    [Fact]
    public async Task A_reset_starts_over_where_the_side_file_of_the_tagged_commit_is_gone()
    {
        using var flow = new FlowHarness(partitionCount: 200);
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        flow.Produce(0, 400);
        await flow.CatchUpAsync();
        var first = await flow.HeadAsync();
        var before = SideFiles(flow);
        flow.Produce(400, 400);
        await flow.CatchUpAsync();
        await flow.RollBackAsync(first);
        foreach (var file in SideFiles(flow).Except(before)) File.Delete(file);

        await flow.CatchUpAsync(new OpenAnswers(Reset: true));

        Assert.Equal(400 + 800, (await flow.RowsAsync()).Count);
        Assert.True((await flow.LedgerAsync()).Generation > 1);
    }

    [Fact]
    public async Task A_rolled_back_table_resumes_although_the_tagged_commit_s_side_file_is_gone()
    {
        using var flow = new FlowHarness(partitionCount: 200);
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        flow.Produce(0, 400);
        await flow.CatchUpAsync();
        var first = await flow.HeadAsync();
        var before = SideFiles(flow);
        flow.Produce(400, 400);
        await flow.CatchUpAsync();
        await flow.RollBackAsync(first);
        foreach (var file in SideFiles(flow).Except(before)) File.Delete(file);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_new_pipeline_starts_beside_one_whose_side_file_is_gone()
    {
        using var flow = new FlowHarness(partitionCount: 200);
        flow.Produce(0, 400);
        await flow.CatchUpAsync();
        foreach (var file in SideFiles(flow)) File.Delete(file);
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        other.Produce(0, 10);

        await other.CatchUpAsync();

        Assert.Equal(410, (await other.RowsAsync()).Count);
        Assert.Equal(1, other.CountOf("other-ledger-unreadable"));
    }

    [Fact]
    public async Task Side_files_that_no_snapshot_names_are_deleted_once_they_are_a_day_old()
    {
        using var flow = new FlowHarness(partitionCount: 200);
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        for (var round = 0; round < 3; round++)
        {
            flow.Produce(round * 400, 400);
            await flow.CatchUpAsync();
        }
        var old = SideFiles(flow);
        var metadata = (await flow.TableAsync()).Metadata;
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([.. metadata.Snapshots.Select(item => item.Id).Where(id => id != metadata.CurrentSnapshotId)]));
        var isNamedByOlderMetadata = SideFiles(flow).Length;
        flow.Produce(1200, 1);
        await flow.CatchUpAsync();
        Assert.True(SideFiles(flow).Length > isNamedByOlderMetadata);
        await flow.DeleteOlderMetadataAsync();
        foreach (var file in old) File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddHours(-25));
        var young = $"{Path.GetDirectoryName(old[0])}/ledger-00000000-0000-4000-8000-000000000001-0123456789abcdef.json";
        await File.WriteAllTextAsync(young, "of a commit whose fate is open");
        File.SetLastWriteTimeUtc(young, DateTime.UtcNow.AddHours(-13));
        flow.Produce(1201, 400);

        await flow.CatchUpAsync();

        var named = (await flow.TableAsync()).Metadata.Snapshots.Select(snapshot => LedgerFormat.ReadSideFile(snapshot.Summary["matih.ledger.orders/lake"])!.Location);
        Assert.Equal(named.Append(young).Select(Path.GetFileName).Order(), SideFiles(flow).Select(Path.GetFileName).Order());
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Nothing_is_deleted_where_a_ledger_of_the_table_cannot_be_read()
    {
        using var flow = new FlowHarness(partitionCount: 200);
        flow.Produce(0, 400);
        await flow.CatchUpAsync();
        await flow.ForeignAppendAsync(("matih.ledger.future/lake", "{\"v\": 99}"));
        var metadata = (await flow.TableAsync()).Metadata;
        foreach (var file in SideFiles(flow)) File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddDays(-2));
        var before = SideFiles(flow);
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([metadata.Snapshots[0].Id]));
        flow.Produce(400, 400);

        await flow.CatchUpAsync();

        Assert.Empty(before.Except(SideFiles(flow)));
    }

    private static string[] SideFiles(FlowHarness flow) => Directory.GetFiles($"{flow.Warehouse}/shop/_matih", "ledger-*.json", SearchOption.AllDirectories);
}
