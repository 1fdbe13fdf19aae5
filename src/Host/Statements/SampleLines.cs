namespace Matih.Host.Statements;

/// <summary>
/// The lines of a sample as the bytes that stand there: what a topic holds need not be text, and is decoded as a run decodes it.
/// </summary>
internal static class SampleLines
{
    private const int BufferBytes = 64 << 10;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>All lines, empty ones too. They end with LF, or CR LF; a byte order mark before the first one is left out.</summary>
    /// <param name="stream">Disposed of at the end.</param>
    public static IEnumerable<ReadOnlyMemory<byte>> Of(Stream stream)
    {
        using (stream)
        {
            var (buffer, start, end, isFirst) = (new byte[BufferBytes], 0, 0, true);
            while (true)
            {
                var searched = end;
                var length = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
                while (length < 0)
                {
                    if (end == buffer.Length)
                    {
                        if (end - start > buffer.Length / 2) Array.Resize(ref buffer, buffer.Length * 2);
                        buffer.AsSpan(start, end - start).CopyTo(buffer);
                        (searched, end, start) = (searched - start, end - start, 0);
                    }
                    var count = stream.Read(buffer, end, buffer.Length - end);
                    if (count == 0) break;
                    end += count;
                    if (buffer.AsSpan(searched, count).IndexOf((byte)'\n') is >= 0 and var at) length = searched - start + at;
                    searched = end;
                }
                if (length < 0 && start == end) yield break;
                var line = buffer.AsMemory(start, length < 0 ? end - start : length);
                start = length < 0 ? end : start + length + 1;
                if (isFirst && line.Span.StartsWith(ByteOrderMark)) line = line[ByteOrderMark.Length..];
                isFirst = false;
                yield return (line.Span.EndsWith("\r"u8) ? line[..^1] : line).ToArray();
            }
        }
    }
}
