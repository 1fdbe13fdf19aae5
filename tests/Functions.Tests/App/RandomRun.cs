using System.Globalization;
using System.Net;
using Matih.Functions.TestHost;

namespace Matih.Functions.Tests.App;

/// <summary>
/// One run of the app that a seed draws: what is produced, what the trigger makes of it, what is killed, stopped, told and lost.
/// Then nothing fails any more, and the timer ticks until the table holds what the topic does. The same seed draws the same
/// again; how the processes share their time is not drawn.
/// </summary>
internal sealed class RandomRun : IAsyncDisposable
{
    private readonly Random _random;
    private readonly RandomTrigger _trigger;
    private readonly RunningApp _app;
    private readonly List<string> _story = [];
    private readonly List<Task> _handingOver = [];

    private RandomRun(Random random, RunningApp app) => (_random, _trigger, _app) = (random, new RandomTrigger(random), app);

    /// <summary>What happened so far, a line each.</summary>
    public string Story => string.Join('\n', _story);

    public static async Task<RandomRun> StartAsync(SharedStorage storage, int seed)
    {
        var random = new Random(seed);
        var (partitionCount, instanceCount) = (random.Next(2, 6), random.Next(1, 3));
        var hub = string.Create(CultureInfo.InvariantCulture, $"matihrandom{seed}");
        var run = new RandomRun(random, await RunningApp.StartAsync(storage, hub, partitionCount, instanceCount));
        run.Tell($"{partitionCount} partitions, {instanceCount} instances");
        return run;
    }

    /// <summary>Lets everything happen, and heals what was broken.</summary>
    public async Task GoAsync()
    {
        for (var steps = _random.Next(5, 11); steps > 0; steps--)
        {
            Produce();
            await HandOverAsync(_random.Next(_app.InstanceCount));
            if (_random.Next(5) < 3) await DisturbAsync(_random.Next(_app.InstanceCount));
        }
        if (_random.Next(2) == 0)
        {
            Tell("the last batch is dropped");
            _app.Produce(_random.Next(1, 50));
        }
        await HealAsync();
    }

    /// <summary>Asserts that every record that was produced is in the table once.</summary>
    public async Task AssertExactAsync()
    {
        await _app.WaitUntilCommittedAsync(ticks: true);
        await _app.AssertExactAsync();
    }

    private void Produce()
    {
        var count = _random.Next(8) switch { 0 => 0, 1 => _random.Next(1000, 4000), _ => _random.Next(1, 300) };
        if (count == 0) return;
        Tell($"{count} records produced");
        _trigger.Add(_app.Produce(count));
    }

    /// <summary>Hands batches to an instance, of which the last may still be at work when this ends.</summary>
    private async Task HandOverAsync(int instance)
    {
        for (var batches = _random.Next(4); batches > 0; batches--)
        {
            if (_trigger.Next(out var what) is not { } batch) return;
            Tell($"{batch.Count} records to instance {instance}, {what}");
            var patience = _random.Next(3) == 0 ? _random.Next(60) : 2000;
            if (batch.Count == 0) continue;
            var handing = TryHandInAsync(batch, instance);
            _handingOver.Add(handing);
            if (await Task.WhenAny(handing, Task.Delay(patience)) == handing && !await handing) Tell(_trigger.GiveBack(batch) ? "it failed, and comes again" : "it failed, and is dropped");
        }
    }

    private async Task<bool> TryHandInAsync(IReadOnlyList<KafkaTestRecord> batch, int instance)
    {
        try
        {
            return (await _app.HandInAsync(batch, instance)).Succeeded;
        }
        catch (WorkerEndedException)
        {
            return false;
        }
    }

    private async Task DisturbAsync(int number)
    {
        var instance = _app.At(number);
        // What is down stays so for a while.
        if (!instance.IsRunning)
        {
            if (_random.Next(2) == 0) await RestartAsync(number);
            return;
        }
        switch (_random.Next(12))
        {
            case 0 or 1:
                await PauseAShortTimeAsync();
                Tell($"worker {number} killed");
                await instance.KillWorkerAsync();
                if (_random.Next(3) > 0) await RestartAsync(number);
                break;
            case 2:
                await SendAsync(number, "checkpoint");
                await PauseAShortTimeAsync();
                Tell($"job host {number} killed");
                await instance.KillHostAsync();
                if (_random.Next(3) > 0) await RestartAsync(number);
                break;
            case 3:
                await PauseAShortTimeAsync();
                Tell($"instance {number} killed");
                await instance.KillAsync();
                break;
            case 4:
                await PauseAShortTimeAsync();
                Tell($"instance {number} stopped");
                await instance.StopAsync();
                break;
            case 5:
                Tell($"messages of {number} are lost");
                instance.LoseMessages();
                break;
            case 6:
                instance.DeliverMessages();
                Tell($"the timer ticks at {number}: {((await _app.TickAsync(number)).Succeeded ? "done" : "failed")}");
                break;
            case 7 or 8:
                await SendAsync(number, "checkpoint");
                break;
            case 9:
                await SendAsync(number, _random.Next(3) switch { 0 => "stop", 1 => "start", _ => "pause" });
                break;
            case 10:
                await SendAsync(number, "resume");
                break;
            default:
                // Longer than the idle timeout.
                Tell("nothing for three seconds");
                await Task.Delay(3000);
                break;
        }
    }

    private Task PauseAShortTimeAsync() => Task.Delay(_random.Next(500));

    private async Task<HttpStatusCode> SendAsync(int number, string command)
    {
        var status = await _app.TryPostAsync($"pipelines/clicks/{command}", number);
        Tell($"{command} said to {number}: {(int)status}");
        return status;
    }

    private async Task RestartAsync(int number)
    {
        Tell($"instance {number} started");
        await _app.At(number).RestartAsync();
    }

    private async Task HealAsync()
    {
        for (var number = 0; number < _app.InstanceCount; number++)
        {
            if (!_app.At(number).IsRunning) await RestartAsync(number);
            _app.At(number).DeliverMessages();
        }
        var state = (await _app.GetAsync("pipelines")).GetProperty("pipelines")[0];
        Tell($"healed: {state.GetRawText()}");
        Assert.NotEqual("failed", state.GetProperty("state").GetString());
        Assert.Equal(HttpStatusCode.Accepted, await SendAsync(0, "resume"));
        Assert.Equal(HttpStatusCode.Accepted, await SendAsync(0, "start"));
        await Task.WhenAll(_handingOver);
    }

    private void Tell(string what) => _story.Add(string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:HH:mm:ss.fff} {what}"));

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
