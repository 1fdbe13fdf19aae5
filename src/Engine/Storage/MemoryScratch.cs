namespace Matih.Storage;

/// <summary>Scratch space in memory, for simulations and tests.</summary>
/// <param name="isFull">Whether nothing can be written at the moment, as on a full disk; null for never.</param>
/// <param name="isUnreadable">Asked at each read, which fails where it says so; null for never.</param>
internal sealed class MemoryScratch(Func<bool>? isFull = null, Func<bool>? isUnreadable = null) : IScratchSpace
{
    private long _bytesWritten;
    private int _openCount;

    /// <summary>All bytes that were ever appended.</summary>
    public long BytesWritten => Interlocked.Read(ref _bytesWritten);

    /// <summary>Files that were not disposed.</summary>
    public int OpenCount => Volatile.Read(ref _openCount);

    private bool IsFull => isFull?.Invoke() == true;

    private bool IsUnreadable => isUnreadable?.Invoke() == true;

    public IScratchFile Create()
    {
        Interlocked.Increment(ref _openCount);
        return new MemoryFile(this);
    }

    private sealed class MemoryFile(MemoryScratch space) : IScratchFile
    {
        private byte[] _bytes = [];
        private bool _isDisposed;

        public long LengthBytes { get; private set; }

        public void Append(ReadOnlySpan<byte> bytes)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (space.IsFull) throw StoreFault.Of("write scratch file", "in memory", new IOException("No space left on device", StoreFault.Enospc));
            var length = (int)LengthBytes;
            if (_bytes.Length < length + bytes.Length) Array.Resize(ref _bytes, Math.Max(length + bytes.Length, _bytes.Length * 2));
            bytes.CopyTo(_bytes.AsSpan(length));
            LengthBytes += bytes.Length;
            Interlocked.Add(ref space._bytesWritten, bytes.Length);
        }

        public void Read(long offset, Span<byte> target)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (space.IsUnreadable) throw StoreFault.Of("read scratch file", "in memory", new IOException("Input/output error"));
            _bytes.AsSpan((int)offset, target.Length).CopyTo(target);
        }

        public void Dispose()
        {
            if (_isDisposed) return;
            _isDisposed = true;
            _bytes = [];
            Interlocked.Decrement(ref space._openCount);
        }
    }
}
