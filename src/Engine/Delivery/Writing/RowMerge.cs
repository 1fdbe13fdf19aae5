namespace Matih.Delivery.Writing;

/// <summary>
/// Gives the rows of several runs key by key, and in the order of the sort keys where there are any; rows of equal sort keys
/// in the order of the runs. Not thread-safe; several may read the same runs.
/// </summary>
/// <param name="from">The smallest ordinal wanted.</param>
/// <param name="to">The first ordinal not wanted any more.</param>
internal sealed class RowMerge : IDisposable
{
    private const int RowsMax = 4096;

    private readonly bool _isSorted;
    private readonly int _to;
    private readonly List<Cursor> _cursors = [];
    private readonly PriorityQueue<Cursor, Cursor> _next = new(Comparer<Cursor>.Create(Cursor.Compare));

    public RowMerge(IReadOnlyList<RowRun> runs, bool isSorted, int from = 0, int to = int.MaxValue)
    {
        _isSorted = isSorted;
        _to = to;
        try
        {
            for (var i = 0; i < runs.Count; i++)
            {
                var cursor = new Cursor(runs[i], i);
                _cursors.Add(cursor);
                cursor.Begin(from);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The ordinal whose rows are given now.</summary>
    public int Ordinal { get; private set; }

    /// <summary>Goes to the next key that has rows; the one before has been given whole. False where there is none.</summary>
    public bool NextKey()
    {
        Ordinal = int.MaxValue;
        foreach (var cursor in _cursors) Ordinal = Math.Min(Ordinal, cursor.Ordinal);
        if (Ordinal >= _to) return false;
        if (!_isSorted) return true;
        foreach (var cursor in _cursors)
            if (cursor.Ordinal == Ordinal) _next.Enqueue(cursor, cursor);
        return true;
    }

    /// <summary>Appends rows of the key to the target until that has enough; then true, and there may be more of the key.</summary>
    public bool Fill(RowBlock target, int bytesMax) => _isSorted ? FillSorted(target, bytesMax) : FillUnsorted(target, bytesMax);

    private bool FillUnsorted(RowBlock target, int bytesMax)
    {
        foreach (var cursor in _cursors)
        {
            while (cursor.Ordinal == Ordinal)
            {
                if (IsFull(target, bytesMax)) return true;
                target.BeginStretch(Ordinal);
                cursor.Give(target, Math.Min(cursor.Left, RowsThatFit(cursor, target, bytesMax)));
            }
        }
        return IsFull(target, bytesMax);
    }

    private bool FillSorted(RowBlock target, int bytesMax)
    {
        while (_next.TryPeek(out var cursor, out _))
        {
            if (IsFull(target, bytesMax)) return true;
            _next.Dequeue();
            var count = 1;
            var max = Math.Min(cursor.Left, RowsThatFit(cursor, target, bytesMax));
            if (!_next.TryPeek(out var other, out _)) count = max;
            else while (count < max && cursor.IsBefore(other, count)) count++;
            target.BeginStretch(Ordinal);
            cursor.Give(target, count);
            if (cursor.Ordinal == Ordinal) _next.Enqueue(cursor, cursor);
        }
        return IsFull(target, bytesMax);
    }

    private static bool IsFull(RowBlock target, int bytesMax) => target.Count >= RowsMax || target.UsedBytes >= bytesMax;

    private static int RowsThatFit(Cursor cursor, RowBlock target, int bytesMax) =>
        Math.Min(RowsMax - target.Count, (int)((bytesMax - target.UsedBytes) / cursor.RowBytes) + 1);

    public void Dispose()
    {
        foreach (var cursor in _cursors) cursor.Dispose();
    }

    /// <summary>A place in a run.</summary>
    private sealed class Cursor : IDisposable
    {
        private readonly RowRun _run;
        private readonly int _index;
        private RowBlock? _own;
        private RowBlock _block = null!;
        private int _page;
        private int _stretch;
        private int _at;
        private int _end;

        public Cursor(RowRun run, int index) => (_run, _index) = (run, index);

        /// <summary>Goes to the first row of an ordinal that is not smaller.</summary>
        public void Begin(int from)
        {
            _page = _run.FindPage(from);
            if (_page < _run.PageCount) Open(from);
            else Ordinal = int.MaxValue;
        }

        public int Ordinal { get; private set; }

        /// <summary>Rows that lie here side by side.</summary>
        public int Left => _end - _at;

        /// <summary>About what a row here takes.</summary>
        public long RowBytes { get; private set; }

        public void Give(RowBlock target, int count)
        {
            target.AppendRange(_block, _at, count);
            _at += count;
            if (_at < _end) return;
            if (++_stretch < _block.StretchCount) Enter();
            else if (++_page < _run.PageCount) Open(0);
            else Ordinal = int.MaxValue;
        }

        /// <summary>Whether the row that lies so far ahead comes no later than another cursor's next one.</summary>
        public bool IsBefore(Cursor other, int ahead)
        {
            var order = _block.SortKey(_at + ahead).SequenceCompareTo(other._block.SortKey(other._at));
            return order < 0 || (order == 0 && _index < other._index);
        }

        public static int Compare(Cursor? left, Cursor? right)
        {
            var order = left!._block.SortKey(left._at).SequenceCompareTo(right!._block.SortKey(right._at));
            return order != 0 ? order : left._index.CompareTo(right._index);
        }

        private void Open(int from)
        {
            _block = _run.Load(_page, ref _own);
            RowBytes = _block.UsedBytes / _block.Count + 1;
            _stretch = _block.FindStretch(from);
            Enter();
        }

        private void Enter()
        {
            Ordinal = _block.Ordinal(_stretch);
            (_at, _end) = (_block.Start(_stretch), _block.End(_stretch));
        }

        public void Dispose() => _own?.Dispose();
    }
}
