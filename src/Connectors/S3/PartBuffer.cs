using System.Buffers;

namespace Matih.Connectors.S3;

/// <summary>
/// Bytes that wait to be sent, in pooled pieces, so that many small objects hold little more than they have. Written front to
/// back by one caller; then read, any number of times. Disposing gives the pieces back.
/// </summary>
internal sealed class PartBuffer : IDisposable
{
    private const int PieceBytesMin = 16 * 1024;
    private const int PieceBytesMax = 1024 * 1024;

    private readonly List<byte[]> _pieces = [];
    private int _lastFilled;

    public long LengthBytes { get; private set; }

    /// <summary>What the pieces take in memory.</summary>
    public long HeldBytes { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_pieces.Count == 0 || _lastFilled == _pieces[^1].Length) Extend();
            var count = Math.Min(bytes.Length, _pieces[^1].Length - _lastFilled);
            bytes[..count].CopyTo(_pieces[^1].AsSpan(_lastFilled));
            _lastFilled += count;
            LengthBytes += count;
            bytes = bytes[count..];
        }
    }

    /// <summary>The bytes from the first on. It is of no use once the buffer is disposed.</summary>
    /// <param name="onRead">Called whenever some are read.</param>
    public Stream Open(Action onRead) => new Reading(this, onRead);

    public void Dispose()
    {
        foreach (var piece in _pieces) ArrayPool<byte>.Shared.Return(piece);
        _pieces.Clear();
        (_lastFilled, LengthBytes, HeldBytes) = (0, 0, 0);
    }

    private void Extend()
    {
        var size = _pieces.Count == 0 ? PieceBytesMin : Math.Min(_pieces[^1].Length * 2, PieceBytesMax);
        var piece = ArrayPool<byte>.Shared.Rent(size);
        _pieces.Add(piece);
        HeldBytes += piece.Length;
        _lastFilled = 0;
    }

    private sealed class Reading(PartBuffer buffer, Action onRead) : Stream
    {
        private int _piece;
        private int _at;
        private long _position;

        public override bool CanRead => true;
        public override bool CanSeek => true;
        public override bool CanWrite => false;
        public override long Length => buffer.LengthBytes;

        public override long Position
        {
            get => _position;
            set => Seek(value, SeekOrigin.Begin);
        }

        public override int Read(Span<byte> target)
        {
            var total = (int)Math.Min(target.Length, buffer.LengthBytes - _position);
            for (var left = total; left > 0;)
            {
                var piece = buffer._pieces[_piece];
                var count = Math.Min(left, piece.Length - _at);
                piece.AsSpan(_at, count).CopyTo(target[(total - left)..]);
                left -= count;
                _at += count;
                if (_at == piece.Length) (_piece, _at) = (_piece + 1, 0);
            }
            _position += Math.Max(0, total);
            onRead();
            return Math.Max(0, total);
        }

        public override int Read(byte[] target, int offset, int count) => Read(target.AsSpan(offset, count));

        public override ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return new(Read(target.Span));
        }

        public override Task<int> ReadAsync(byte[] target, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(target.AsMemory(offset, count), cancellationToken).AsTask();

        public override long Seek(long offset, SeekOrigin origin)
        {
            var position = offset + origin switch { SeekOrigin.Begin => 0, SeekOrigin.Current => _position, _ => Length };
            ArgumentOutOfRangeException.ThrowIfNegative(position, nameof(offset));
            (_piece, _at, _position) = (0, 0, 0);
            var left = Math.Min(position, Length);
            while (left > 0 && left >= buffer._pieces[_piece].Length) left -= buffer._pieces[_piece++].Length;
            (_at, _position) = ((int)left, position);
            return position;
        }

        public override void Flush() { }
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] source, int offset, int count) => throw new NotSupportedException();
    }
}
