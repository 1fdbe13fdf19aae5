using System.Buffers;

namespace Matih.Connectors.Rest;

/// <summary>
/// The content of an answer. A table's is as long as its history, and comes with each commit, so that the memory is used
/// again once the answer has been read.
/// </summary>
internal sealed class AnswerBody
{
    private const int LengthMin = 64 << 10;

    private byte[]? _buffer;
    private int _length;

    private AnswerBody(byte[] buffer, int length) => (_buffer, _length) = (buffer, length);

    /// <summary>Empty after <see cref="Release"/>.</summary>
    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _length);

    /// <param name="expectedLength">How long it will be, where the server does not say.</param>
    public static async ValueTask<AnswerBody> ReadAsync(HttpContent content, int expectedLength, CancellationToken cancellationToken)
    {
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        // One byte more, to see the end without asking for more room.
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp((content.Headers.ContentLength ?? expectedLength) + 1, LengthMin, Array.MaxLength));
        var length = 0;
        while (await stream.ReadAsync(buffer.AsMemory(length), cancellationToken) is > 0 and var read)
        {
            length += read;
            if (length < buffer.Length) continue;
            if (length == Array.MaxLength) throw new IOException("the answer is longer than 2 GiB");
            var longer = ArrayPool<byte>.Shared.Rent((int)Math.Min(2L * length, Array.MaxLength));
            buffer.CopyTo(longer, 0);
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = longer;
        }
        return new AnswerBody(buffer, length);
    }

    /// <summary>Gives the memory back; nobody may have kept a part of it. Without this, it is collected as any other.</summary>
    public void Release()
    {
        if (_buffer is not { } buffer) return;
        (_buffer, _length) = (null, 0);
        ArrayPool<byte>.Shared.Return(buffer);
    }
}
