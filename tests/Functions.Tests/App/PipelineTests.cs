using System.Text.Json;
using Matih.Functions.TestHost;

namespace Matih.Functions.Tests.App;

/// <summary>The whole app, with real Durable: every record is in the table once, whatever the trigger and the processes do.</summary>
public sealed class PipelineTests(SharedStorage storage)
{
    [Fact]
    public async Task Batches_are_staged_committed_and_the_loop_falls_asleep_and_wakes()
    {
        await using var app = await RunningApp.StartAsync(storage, "matihsleep");

        (await app.HandInAsync(app.Produce(100))).Expect();
        await app.WaitUntilCommittedAsync();
        await app.AssertExactAsync();

        await app.WaitForStateAsync("idle");
        (await app.HandInAsync(app.Produce(50))).Expect();
        await app.WaitUntilCommittedAsync();
        await app.AssertExactAsync();
    }
}
