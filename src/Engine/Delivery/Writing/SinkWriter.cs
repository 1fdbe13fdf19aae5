using System.Collections.Immutable;
using Matih.Batches;
using Matih.Delivery.Tables;
using Matih.Parquet.Writing;
using Matih.Parquet;

namespace Matih.Delivery.Writing;

/// <summary>
/// A lane's way into the files of a checkpoint. Rows of the first table partitions that it meets are encoded at once, those
/// of others wait until the checkpoint, clustered by partition, so that neither the number of partitions nor memory nor the
/// number of lanes decides how many files there are. Not thread-safe.
/// </summary>
internal sealed class SinkWriter : IAsyncDisposable
{
    /// <summary>Rows that an encoder takes before its size is looked at.</summary>
    private const int SliceRows = 16 << 10;

    private const int Unknown = -1;

    private readonly FileSets _sets;
    private readonly bool _isAlone;
    private readonly FileWriting _writing;
    private readonly IRowRouter _router;
    private readonly SuppliedColumns _supplied;
    private readonly List<DirectKey> _direct = [];
    private readonly Stack<RowGroupEncoder> _idle = [];
    private RowGathering? _gathering;
    private FileSet? _set;
    private long _checkpoint;
    private long _routerEpoch;

    /// <summary>For each of the router's numbers the place of its encoder, or from <see cref="FileWriting.DirectKeysMax"/> on its ordinal.</summary>
    private int[] _targets = [];

    private int[] _rows = [];
    private int[] _ordinals = [];

    /// <param name="sets">The lane's file sets.</param>
    /// <param name="isAlone">Whether no other lane writes to them: then they are the writer's, which completes them itself.</param>
    public SinkWriter(FileSets sets, bool isAlone)
    {
        _sets = sets;
        _isAlone = isAlone;
        _writing = sets.Writing;
        _router = _writing.Binding.CreateRouter(_writing.Rows);
        _supplied = _writing.CreateSupplied();
    }

    public bool IsAlone => _isAlone;

    public async ValueTask WriteAsync(ColumnBatch rows, CancellationToken cancellationToken)
    {
        if (rows.Count == 0) return;
        _set ??= _sets[_checkpoint];
        rows = _supplied.Extend(rows);
        Assign(rows);
        for (var i = 0; i < _direct.Count; i++)
        {
            var key = _direct[i];
            for (var at = 0; at < key.RowCount; at += SliceRows)
            {
                Encode(key, rows, at, Math.Min(SliceRows, key.RowCount - at));
                if (key.Files.MustTake(key.Encoder)) await key.Files.AddAsync(key.Encoder.Finish(), cancellationToken);
            }
        }
    }

    private void Encode(DirectKey key, ColumnBatch rows, int at, int count) =>
        _writing.Encode(key.Encoder, rows, key.RowCount == rows.Count ? new RowSelection(at, count) : new RowSelection(key.Rows.AsSpan(at, count)));

    /// <summary>Sets out which rows go to which encoder, and lets the others wait.</summary>
    private void Assign(ColumnBatch rows)
    {
        var routed = _router.Route(rows);
        RememberTargets(routed);
        foreach (var key in _direct) key.RowCount = 0;
        if (routed.Count == 1)
        {
            ref var only = ref _targets[0];
            if (only == Unknown) only = FindTarget(_router.PartitionOf(0));
            if (only < _writing.DirectKeysMax)
            {
                _direct[only].RowCount = rows.Count;
                return;
            }
        }
        var groups = routed.Numbers;
        if (_rows.Length < rows.Count) (_rows, _ordinals) = (new int[rows.Count], new int[rows.Count]);
        var waiting = 0;
        for (var row = 0; row < groups.Length; row++)
        {
            ref var target = ref _targets[groups[row]];
            if (target == Unknown) target = FindTarget(_router.PartitionOf(groups[row]));
            if (target < _writing.DirectKeysMax)
            {
                _direct[target].Add(row, rows.Count);
                continue;
            }
            _rows[waiting] = row;
            _ordinals[waiting++] = target - _writing.DirectKeysMax;
        }
        if (waiting != 0) (_gathering ??= _writing.CreateGathering()).Append(rows, _rows.AsSpan(0, waiting), _ordinals.AsSpan(0, waiting));
    }

    private void RememberTargets(RoutedRows routed)
    {
        if (routed.Epoch != _routerEpoch)
        {
            _routerEpoch = routed.Epoch;
            ForgetTargets();
        }
        if (_targets.Length >= routed.Count) return;
        var known = _targets.Length;
        Array.Resize(ref _targets, Math.Max(routed.Count, known * 2));
        _targets.AsSpan(known).Fill(Unknown);
    }

    private int FindTarget(TablePartition key)
    {
        var ordinal = _set!.OrdinalOf(key);
        var direct = _direct.FindIndex(known => known.Ordinal == ordinal);
        if (direct >= 0) return direct;
        if (_direct.Count == _writing.DirectKeysMax) return _writing.DirectKeysMax + ordinal;
        if (!_idle.TryPop(out var encoder)) encoder = _writing.CreateEncoder();
        encoder.Forget();
        _direct.Add(new DirectKey(ordinal, _set[ordinal], encoder));
        return _direct.Count - 1;
    }

    private void ForgetTargets() => _targets.AsSpan().Fill(Unknown);

    /// <summary>
    /// Makes memory free where it is scarce: ends the row groups that hold the most, moves rows that wait to scratch space, and
    /// completes the files of which the store's writers hold the most, as those of object stores hold parts that are not full.
    /// </summary>
    public async ValueTask RelieveAsync(CancellationToken cancellationToken)
    {
        _gathering?.Relieve();
        var wanted = _direct.Sum(key => key.Encoder.BufferedBytes) / 2;
        foreach (var key in _direct.OrderByDescending(key => key.Encoder.BufferedBytes).ToList())
        {
            if (wanted <= 0) break;
            wanted -= key.Encoder.BufferedBytes;
            if (key.Encoder.RowCount != 0) await key.Files.AddAsync(key.Encoder.Finish(), cancellationToken);
        }
        var held = _direct.Sum(key => key.Files.BufferedBytes);
        if (held < _writing.Limits.MemoryBytes) return;
        foreach (var files in _direct.Select(key => key.Files).OrderByDescending(files => files.BufferedBytes).ToList())
        {
            if (held < _writing.Limits.MemoryBytes / 2) return;
            held -= files.BufferedBytes;
            if (await files.EndAsync(cancellationToken) is { } file) await OpenDataFile.CompleteAsync([file], _writing.Store, cancellationToken);
        }
    }

    /// <summary>
    /// Hands everything that was written since the last call over to the checkpoint's file set, and continues with the next
    /// one. Gives the files where the writer is alone; else they come from the set when all lanes have handed over.
    /// </summary>
    public async ValueTask<ImmutableArray<WrittenFile>> FinishAsync(CancellationToken cancellationToken)
    {
        if (_set is not null)
        {
            foreach (var key in _direct)
            {
                if (key.Encoder.RowCount != 0) await key.Files.AddAsync(key.Encoder.Finish(), cancellationToken);
                _idle.Push(key.Encoder);
            }
            _direct.Clear();
            if (_gathering is not null) _set.Add(_gathering.Take());
            ForgetTargets();
            _set = null;
        }
        _checkpoint++;
        return _isAlone ? await _sets.CompleteAsync(cancellationToken) : [];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var key in _direct) key.Encoder.Dispose();
        foreach (var encoder in _idle) encoder.Dispose();
        _direct.Clear();
        _idle.Clear();
        _gathering?.Dispose();
        _supplied.Dispose();
        if (_isAlone) await _sets.DisposeAsync();
    }

    /// <summary>A table partition whose rows are encoded as they come.</summary>
    private sealed class DirectKey(int ordinal, KeyFiles files, RowGroupEncoder encoder)
    {
        private int[] _rows = [];

        public int Ordinal { get; } = ordinal;

        public KeyFiles Files { get; } = files;

        public RowGroupEncoder Encoder { get; } = encoder;

        /// <summary>Its rows of the batch at hand.</summary>
        public int[] Rows => _rows;

        public int RowCount { get; set; }

        public void Add(int row, int batchRows)
        {
            if (_rows.Length <= RowCount) Array.Resize(ref _rows, batchRows);
            _rows[RowCount++] = row;
        }
    }
}
