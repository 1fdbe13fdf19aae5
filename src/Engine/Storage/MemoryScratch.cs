namespace Matih.Storage;

/// <summary>Scratch space in memory, for simulations and tests.</summary>
public sealed class MemoryScratch : IScratchSpace
{
    private long _bytesWritten;
    private int _openCount;

    /// <summary>All bytes that were ever appended.</summary>
    public long BytesWritten => Interlocked.Read(ref _bytesWritten);

    /// <summary>Files that were not disposed.</summary>
    public int OpenCount => Volatile.Read(ref _openCount);

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
            var length = (int)LengthBytes;
            if (_bytes.Length < length + bytes.Length) Array.Resize(ref _bytes, Math.Max(length + bytes.Length, _bytes.Length * 2));
            bytes.CopyTo(_bytes.AsSpan(length));
            LengthBytes += bytes.Length;
            Interlocked.Add(ref space._bytesWritten, bytes.Length);
        }

        public void Read(long offset, Span<byte> target)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
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
