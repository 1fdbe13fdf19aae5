using System.Net;
using System.Text;
using System.Text.Json;
using Matih.Delivery;
using Matih.Hosting.Flink;

namespace Matih.Engine.Tests.Hosting.Flink;

/// <summary>Answers of a JobManager that were seen with Flink 1.20.3.</summary>
public sealed class JobStopTests
{
    private static readonly string Job = new('a', 32);
    private static readonly string Trigger = new('b', 32);

    [Fact]
    public async Task A_refused_last_commit_is_said_with_a_savepoint_that_can_be_copied()
    {
        const string said = "org.apache.flink.runtime.scheduler.stopwithsavepoint.StopWithSavepointStoppingException: A savepoint has been created at: file:/s/savepoint-1, but the corresponding job aaaa failed during stopping. The savepoint is consistent, but might have uncommitted transactions.\n\tat somewhere";

        var failure = await Assert.ThrowsAsync<PipelineException>(() => StopAsync("FAILED", $$"""{"failure-cause": {"class": "x", "stack-trace": {{JsonSerializer.Serialize(said)}} } }"""));

        Assert.StartsWith($"Job {Job} failed while it was stopped, and its last commit may be missing in the table: the corresponding job aaaa failed", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("with --from file:/s/savepoint-1", failure.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_that_did_not_finish_after_its_savepoint_is_said_with_the_savepoint()
    {
        var failure = await Assert.ThrowsAsync<PipelineException>(() => StopAsync("FAILED", """{"location": "file:/s/savepoint-2"}"""));

        Assert.Contains("ended in state FAILED after its savepoint file:/s/savepoint-2 was made", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("with --from file:/s/savepoint-2", failure.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_that_finished_gives_its_savepoint() =>
        Assert.Equal("file:/s/savepoint-3", await StopAsync("FINISHED", """{"location": "file:/s/savepoint-3"}"""));

    private static async Task<string> StopAsync(string state, string operation)
    {
        using var client = new HttpClient(new JobManager(state, operation));
        var jobs = new JobsEndpoint(new FlinkHttp(client, new Uri("http://jobs"), "The JobManager", TimeSpan.FromSeconds(30)));
        return await new JobStop(jobs, TimeProvider.System).StopAsync(Job, Trigger, null, default);
    }

    private sealed class JobManager(string state, string operation) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var path = request.RequestUri!.AbsolutePath;
            var body = path switch
            {
                _ when path == $"/jobs/{Job}/stop" => "{}",
                _ when path == $"/jobs/{Job}" => $$"""{"name": "clicks", "state": "{{state}}", "vertices": []}""",
                _ when path == $"/jobs/{Job}/exceptions" => "{}",
                _ when path == $"/jobs/{Job}/savepoints/{Trigger}" => $$"""{"status": {"id": "COMPLETED"}, "operation": {{operation}}}""",
                _ => null,
            };
            return Task.FromResult(new HttpResponseMessage(body is null ? HttpStatusCode.NotFound : HttpStatusCode.OK) { Content = new StringContent(body ?? "", Encoding.UTF8, "application/json") });
        }
    }
}
