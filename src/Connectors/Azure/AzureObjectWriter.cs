using System.Buffers;
using System.Buffers.Binary;
using Azure.Storage.Blobs.Specialized;
using Matih.Storage;

namespace Matih.Connectors.Azure;

/// <summary>
/// Writes one block blob. What fits into a block is one request, made when the writer completes. Of more, blocks are sent
/// while the caller writes on, two at a time, and completing makes the blob of them.
/// </summary>
/// <remarks>
/// Blocks of a writer that was given up belong to no blob: nobody sees them, and the service deletes them a week after the
/// last one came, or as soon as a blob of that name is written. Until then they are paid for. A block's id holds the
/// writer's, so that two writers of one name never mix their blocks.
/// </remarks>
internal sealed class AzureObjectWriter(BlockBlobClient client, AzureCalls calls, string location, Guid id) : IObjectWriter
{
    /// <summary>Above 4 MiB the service writes a block fast; more would only cost memory.</summary>
    private const int BlockBytesMin = 8 << 20;

    private const int BufferBytesMin = 64 << 10;

    /// <summary>From so many bytes on, what waits is sent when the writer ends. Less costs fewer requests in one piece.</summary>
    private const int SentAtEndBytesMin = 256 << 10;

    private const int SendingMax = 2;

    /// <summary>Azure Storage, "Put Block List".</summary>
    private const int BlockCountMax = 50_000;

    private readonly CancellationTokenSource _abandoned = new();
    private readonly List<string> _blockIds = [];
    private readonly Queue<Task> _sending = [];
    private byte[]? _buffer;
    private int _bufferedBytes;
    private long _sendingBytes;
    private bool _isEnded;
    private bool _isClosed;

    public long PositionBytes { get; private set; }

    public long BufferedBytes => (_buffer?.Length ?? 0) + Interlocked.Read(ref _sendingBytes);

    /// <summary>The size doubles every 10,000 blocks: 80 GiB with the first, and 2.4 TiB with all that a blob may have.</summary>
    private int BlockBytes => BlockBytesMin << (_blockIds.Count / (BlockCountMax / 5));

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_isClosed, this);
        if (_isEnded) throw new InvalidOperationException($"{location} was ended, and nothing can follow.");
        while (!bytes.IsEmpty)
        {
            if (_bufferedBytes == BlockBytes) await SendBlockAsync(cancellationToken);
            MakeRoom(bytes.Length);
            var count = Math.Min(bytes.Length, Math.Min(BlockBytes, _buffer!.Length) - _bufferedBytes);
            bytes[..count].CopyTo(_buffer.AsMemory(_bufferedBytes));
            (_bufferedBytes, PositionBytes, bytes) = (_bufferedBytes + count, PositionBytes + count, bytes[count..]);
        }
    }

    public async ValueTask EndAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_isClosed, this);
        _isEnded = true;
        if (_bufferedBytes > 0 && (_blockIds.Count > 0 || _bufferedBytes >= SentAtEndBytesMin)) await SendBlockAsync(cancellationToken);
    }

    public async ValueTask CompleteAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        if (_blockIds.Count > 0) await EndAsync(cancellationToken);
        if (_blockIds.Count == 0) await PutWholeAsync(cancellationToken);
        else await CommitBlocksAsync(cancellationToken);
        if (_buffer is not null) ArrayPool<byte>.Shared.Return(_buffer);
        await DisposeAsync();
    }

    private ValueTask<bool> PutWholeAsync(CancellationToken cancellationToken) => calls.SendAsync(
        RequestEffect.Repeatable, "write", location, client.Uri, _bufferedBytes,
        async attempt =>
        {
            await AzureUpload.SendAsync(client, _buffer.AsMemory(0, _bufferedBytes), null, attempt.Token);
            return true;
        },
        null, cancellationToken);

    private async ValueTask CommitBlocksAsync(CancellationToken cancellationToken)
    {
        await WaitForSendingAsync(0, cancellationToken);
        await calls.SendAsync(
            RequestEffect.Repeatable, "write", location, client.Uri, 0,
            async attempt =>
            {
                await client.CommitBlockListAsync(_blockIds, cancellationToken: attempt.Token);
                return true;
            },
            null, cancellationToken);
    }

    /// <summary>Gives the buffer away to be sent, once few enough are on their way.</summary>
    private async ValueTask SendBlockAsync(CancellationToken cancellationToken)
    {
        if (_blockIds.Count == BlockCountMax)
            throw StoreException.Of(StoreFailureKind.Full, "write", location, $"a blob has at most {Quantity.Of(BlockCountMax, "block")}", "Write smaller files (target_file_size).");
        await WaitForSendingAsync(SendingMax - 1, cancellationToken);
        var blockId = new byte[20];
        id.TryWriteBytes(blockId);
        BinaryPrimitives.WriteInt32BigEndian(blockId.AsSpan(16), _blockIds.Count);
        _blockIds.Add(Convert.ToBase64String(blockId));
        var (buffer, count) = (_buffer!, _bufferedBytes);
        (_buffer, _bufferedBytes) = (null, 0);
        Interlocked.Add(ref _sendingBytes, buffer.Length);
        _sending.Enqueue(StageAsync(_blockIds[^1], buffer, count));
    }

    /// <summary>Waits until so many are on their way. A block that failed stays, so that whatever follows fails too.</summary>
    private async ValueTask WaitForSendingAsync(int countMax, CancellationToken cancellationToken)
    {
        while (_sending.Count > countMax)
        {
            await _sending.Peek().WaitAsync(cancellationToken);
            _ = _sending.Dequeue();
        }
    }

    private async Task StageAsync(string blockId, byte[] buffer, int count)
    {
        try
        {
            await calls.SendAsync(
                RequestEffect.None, "write", location, client.Uri, count,
                async attempt =>
                {
                    await client.StageBlockAsync(blockId, BinaryData.FromBytes(buffer.AsMemory(0, count)).ToStream(), cancellationToken: attempt.Token);
                    return true;
                },
                null, _abandoned.Token);
            // A buffer whose request failed is left to the garbage collector: the transport may still read it.
            ArrayPool<byte>.Shared.Return(buffer);
        }
        finally
        {
            Interlocked.Add(ref _sendingBytes, -buffer.Length);
        }
    }

    /// <summary>A buffer begins small and doubles, because most files of a table with many partitions are small.</summary>
    private void MakeRoom(int wanted)
    {
        var needed = (int)Math.Min(BlockBytes, (long)_bufferedBytes + wanted);
        if (_buffer is not null && _buffer.Length >= needed) return;
        if (_buffer is not null && _buffer.Length > _bufferedBytes) return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Min(BlockBytes, Math.Max(BufferBytesMin, Math.Max(needed, _bufferedBytes * 2))));
        if (_buffer is not null)
        {
            _buffer.AsSpan(0, _bufferedBytes).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
        }
        _buffer = larger;
    }

    public async ValueTask DisposeAsync()
    {
        if (_isClosed) return;
        _isClosed = true;
        await _abandoned.CancelAsync();
        foreach (var sent in _sending) await sent.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _sending.Clear();
        // A blob sent in one piece that failed may still be read by the transport.
        _buffer = null;
        _bufferedBytes = 0;
        _abandoned.Dispose();
    }
}
