using Matih.Delivery.Writing;
using Matih.Kafka;

namespace Matih.Delivery.Lanes;

/// <summary>
/// The one place that starts and stops lanes: the readers of one assignment, and what runs beside them. Disposing it ends all
/// of them, and leaves what was not handed over unreferenced.
/// </summary>
internal sealed class LaneGroup(EngineEnvironment environment, CancellationToken abort) : IAsyncDisposable
{
    private readonly CancellationTokenSource _token = CancellationTokenSource.CreateLinkedTokenSource(abort);
    private readonly List<LaneReader> _readers = [];
    private readonly List<Task> _tasks = [];
    private FileSets? _inCommon;

    public IReadOnlyList<LaneReader> Readers => _readers;

    /// <summary>Takes over the files that the lanes write in common: a checkpoint then gives them, and the work of all lanes, as one.</summary>
    public void WriteInCommon(FileSets sets) => _inCommon = sets;

    /// <summary>Starts to poll the queue for the lane.</summary>
    /// <param name="name">Names the work, for stack traces and thread lists.</param>
    public void Start(string name, Lane lane, IRecordQueue queue, long assignment, Polling polling)
    {
        var reader = new LaneReader(lane, queue, assignment, polling);
        _readers.Add(reader);
        StartBeside(name, reader.RunAsync);
    }

    /// <summary>Runs something as long as the lanes run.</summary>
    public void StartBeside(string name, Func<CancellationToken, Task> work) => _tasks.Add(environment.Tasks.Start(name, work, _token.Token));

    /// <exception cref="Exception">What ended a lane.</exception>
    public async ValueTask ThrowIfFailedAsync()
    {
        foreach (var reader in _readers)
            if (reader.Ended.IsFaulted) await reader.Ended;
    }

    /// <summary>All work since the last checkpoint: that of the lanes in one where they write in common, else each lane's.</summary>
    public async ValueTask<IReadOnlyList<LaneCheckpoint>> SealAsync(bool isLast, CancellationToken cancellationToken)
    {
        var lanes = await Task.WhenAll(_readers.Select(reader => reader.SealAsync(isLast))).WaitAsync(cancellationToken);
        return _inCommon is null ? lanes : [LaneCheckpoint.Merge(lanes).WithFiles(await _inCommon.CompleteAsync(cancellationToken))];
    }

    public async ValueTask DisposeAsync()
    {
        _token.Cancel();
        foreach (var task in _tasks)
        {
            try
            {
                await task;
            }
            catch (OperationCanceledException)
            {
                // The token above ended it.
            }
        }
        foreach (var reader in _readers) await reader.DisposeAsync();
        if (_inCommon is not null) await _inCommon.DisposeAsync();
        _token.Dispose();
    }
}
