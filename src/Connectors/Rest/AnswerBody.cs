namespace Matih.Connectors.Rest;

/// <summary>
/// The content of an answer. A table's is as long as its history, and comes with each commit, so that its memory is used
/// again once the answer has been read.
/// </summary>
internal sealed class AnswerBody
{
    private readonly AnswerBuffer _owner;
    private byte[]? _buffer;
    private int _length;

    private AnswerBody(AnswerBuffer owner, byte[] buffer, int length) => (_owner, _buffer, _length) = (owner, buffer, length);

    /// <summary>Empty after <see cref="Release"/>.</summary>
    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _length);

    /// <param name="lengthMax">In bytes, decompressed.</param>
    /// <exception cref="LongAnswerException">There is more.</exception>
    public static async ValueTask<AnswerBody> ReadAsync(HttpContent content, AnswerBuffer owner, int lengthMax, CancellationToken cancellationToken)
    {
        if (content.Headers.ContentLength > lengthMax) throw new LongAnswerException(lengthMax);
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        // One byte more, to see the end without asking for more room.
        var buffer = owner.Take((content.Headers.ContentLength ?? 0) + 1);
        var length = 0;
        while (await stream.ReadAsync(buffer.AsMemory(length), cancellationToken) is > 0 and var read)
        {
            length += read;
            if (length > lengthMax) throw new LongAnswerException(lengthMax);
            if (length < buffer.Length) continue;
            if (length == Array.MaxLength) throw new IOException("the answer is longer than 2 GiB");
            Array.Resize(ref buffer, (int)Math.Min(2L * length, Array.MaxLength));
        }
        if (length > AnswerBuffer.ShortBytes) return new AnswerBody(owner, buffer, length);
        // The memory is for the next long answer.
        var shortBody = buffer[..length];
        owner.Return(buffer);
        return new AnswerBody(owner, shortBody, length);
    }

    /// <summary>Gives the memory back; nobody may have kept a part of it. Without this, it is collected as any other.</summary>
    public void Release()
    {
        if (_buffer is not { } buffer) return;
        (_buffer, _length) = (null, 0);
        _owner.Return(buffer);
    }
}

/// <summary>
/// The memory of the last long answer that was read. Pools of the runtime have one for each thread, and the next answer comes
/// to another: memory that is touched for the first time costs more than all else about an answer. Thread-safe.
/// </summary>
internal sealed class AnswerBuffer
{
    /// <summary>Most answers; what is no longer is not kept.</summary>
    public const int ShortBytes = 64 << 10;

    private byte[]? _spare;

    /// <param name="length">How long the answer says that it is, or 1 where it does not.</param>
    public byte[] Take(long length)
    {
        if (Interlocked.Exchange(ref _spare, null) is { } spare && spare.Length >= length) return spare;
        // The next one is a little longer.
        return new byte[Math.Clamp(length + length / 8, ShortBytes, Array.MaxLength)];
    }

    public void Return(byte[] buffer)
    {
        if (buffer.Length > ShortBytes) Interlocked.Exchange(ref _spare, buffer);
    }
}
