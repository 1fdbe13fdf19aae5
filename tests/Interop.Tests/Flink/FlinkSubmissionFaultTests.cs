using System.Text;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Flink;

/// <summary>The SQL Gateway is cut off, or dies, while a job is submitted: there is never a second job, and the one that there is is found again.</summary>
public sealed class FlinkSubmissionFaultTests(SharedFlink flink)
{
    private const string Definition = """
        metadata: { name: "${NAME}" }
        sources:
          rows: { type: flink, connector: datagen, options: { rows-per-second: 10, fields.id.kind: sequence, fields.id.start: 1, fields.id.end: 100000 }, schema: "id BIGINT" }
        sinks:
          lake: { type: iceberg, table: gen.rows, mode: append }
        orchestration: { engine: flink, checkpoint_interval: 500ms, parallelism: 1 }
        """;

    [Fact]
    public async Task A_lost_answer_to_the_insert_makes_no_second_job()
    {
        var session = await flink.SessionAsync();
        await using var proxy = FaultProxy.Start(new Uri(session.Gateway), request => IsInsert(request) ? new ProxyFault.CutAfter() : new ProxyFault.None());
        var pipeline = New("lost", session);
        pipeline.Gateway = proxy.Uri.ToString();
        var id = Guid.NewGuid().ToString("N");

        var deployed = await pipeline.TryDeployAsync("--job-id", id);
        var again = await pipeline.TryDeployAsync("--job-id", id);
        var other = await pipeline.TryDeployAsync();
        var jobs = await JobsAsync(pipeline);
        await pipeline.StopAsync(pipeline.Name);

        Assert.Single(proxy.Requests, IsInsert);
        Assert.Contains("Looking for the job on the JobManager.", deployed.Expect().StandardError, StringComparison.Ordinal);
        Assert.Contains($"as job {id} on", deployed.StandardOutput, StringComparison.Ordinal);
        Assert.Contains($"job {id} is there already", again.Expect().StandardError, StringComparison.Ordinal);
        Assert.Equal(3, other.ExitCode);
        Assert.Equal([id], jobs);
    }

    [Fact]
    public async Task An_insert_that_never_arrived_is_submitted_by_the_same_id_later()
    {
        var session = await flink.SessionAsync();
        var isCut = true;
        await using var proxy = FaultProxy.Start(new Uri(session.Gateway), request => isCut && IsInsert(request) ? new ProxyFault.CutBefore() : new ProxyFault.None());
        var pipeline = New("cut", session);
        pipeline.Gateway = proxy.Uri.ToString();
        var id = Guid.NewGuid().ToString("N");

        var deployed = await pipeline.TryDeployAsync("--job-id", id, "--wait", "1s");
        var before = await JobsAsync(pipeline);
        isCut = false;
        var again = await pipeline.TryDeployAsync("--job-id", id);
        var after = await JobsAsync(pipeline);
        await pipeline.StopAsync(id);

        Assert.Equal(3, deployed.ExitCode);
        Assert.Contains($"Job {id} of {pipeline.Name} is not known to the JobManager", deployed.StandardError, StringComparison.Ordinal);
        Assert.Contains($"Deploying again with --job-id {id} makes no second job.", deployed.StandardError, StringComparison.Ordinal);
        Assert.Empty(before);
        Assert.Contains($"as job {id} on", again.Expect().StandardOutput, StringComparison.Ordinal);
        Assert.Equal([id], after);
    }

    /// <summary>Whether the killed gateway had handed the job on is open; either way the same id leads to one job.</summary>
    [Fact, LongTest]
    public async Task A_gateway_that_dies_in_mid_submission_leaves_one_job_in_the_end()
    {
        await using var session = await FlinkSession.StartAsync(isSeparate: true);
        var killed = new TaskCompletionSource();
        var isSubmitted = false;
        await using var proxy = FaultProxy.Start(new Uri(session.Gateway), request =>
        {
            // The first look at the operation comes right behind the INSERT.
            if (isSubmitted && !killed.Task.IsCompleted && request.Path.EndsWith("/status", StringComparison.Ordinal)) return new ProxyFault.CutBefore { Until = KillAsync() };
            isSubmitted |= IsInsert(request);
            return new ProxyFault.None();
        });
        var pipeline = New("killed", session);
        pipeline.Gateway = proxy.Uri.ToString();
        var id = Guid.NewGuid().ToString("N");

        var deployed = await pipeline.TryDeployAsync("--job-id", id, "--wait", "10s", "--jobmanager", session.JobManager);
        await session.RestartAsync();
        var again = await pipeline.TryDeployAsync("--job-id", id);
        var jobs = await JobsAsync(pipeline);
        await pipeline.StopAsync(id);

        Assert.True(killed.Task.IsCompletedSuccessfully);
        Assert.Contains("Looking for the job on the JobManager.", deployed.StandardError, StringComparison.Ordinal);
        Assert.Contains(deployed.ExitCode, new[] { 0, 3 });
        again.Expect();
        Assert.Equal([id], jobs);
        var table = pipeline.TableFolder("gen.rows");
        Assert.Equal(await IcebergReference.CountAsync(table), (await IcebergReference.CountByAsync(table, "id")).Count);

        async Task KillAsync()
        {
            await session.KillAsync("gateway");
            killed.TrySetResult();
        }
    }

    private static bool IsInsert(ProxiedRequest request) =>
        request.Method == "POST" && request.Path.EndsWith("/statements", StringComparison.Ordinal) && Encoding.UTF8.GetString(request.Body).Contains("\"statement\":\"INSERT INTO", StringComparison.Ordinal);

    private static async Task<string[]> JobsAsync(FlinkPipeline pipeline) =>
        [.. (await pipeline.CommandAsync("flink", "list")).Expect().StandardOutput.Split('\n').Where(line => line.Contains($"  {pipeline.Name}  ", StringComparison.Ordinal)).Select(line => line[..32])];

    private static FlinkPipeline New(string stem, FlinkSession session)
    {
        var pipeline = new FlinkPipeline(TemporaryDirectory.New(), session, "", KafkaBroker.NewName(stem));
        pipeline.Write(Definition);
        return pipeline;
    }
}
