using System.Collections.Immutable;
using Matih.Delivery.Tables;

namespace Matih.Delivery.Writing;

/// <summary>
/// The file sets of lanes that write in common, one for each checkpoint. A lane that was asked for a checkpoint goes on at
/// once with the next set; whoever coordinates them completes the old one when all lanes have handed over. Thread-safe.
/// </summary>
/// <param name="laneCount">The lanes; as many workers complete a set.</param>
internal sealed class FileSets(FileWriting writing, int laneCount, ITaskStarter tasks) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<long, FileSet> _open = [];
    private long _completedCount;

    public FileWriting Writing => writing;

    /// <summary>The set of a checkpoint, counted from 0.</summary>
    public FileSet this[long checkpoint]
    {
        get
        {
            lock (_gate)
            {
                if (!_open.TryGetValue(checkpoint, out var set)) _open.Add(checkpoint, set = new FileSet(writing));
                return set;
            }
        }
    }

    /// <summary>The files of the next checkpoint, for which every lane has handed over.</summary>
    public async ValueTask<ImmutableArray<WrittenFile>> CompleteAsync(CancellationToken cancellationToken)
    {
        FileSet? set;
        lock (_gate)
        {
            if (!_open.TryGetValue(_completedCount++, out set)) return [];
        }
        var files = await set.CompleteAsync(laneCount, tasks, cancellationToken);
        lock (_gate) _open.Remove(_completedCount - 1);
        await set.DisposeAsync();
        return files;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var set in _open.Values) await set.DisposeAsync();
        _open.Clear();
    }
}
