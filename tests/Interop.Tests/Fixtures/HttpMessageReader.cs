using System.Globalization;
using System.Text;

namespace Matih.Fixtures;

/// <summary>The start line and headers of a message, and their bytes up to and including the empty line.</summary>
internal sealed record HttpMessageHead(string StartLine, IReadOnlyDictionary<string, string> Headers, byte[] Raw)
{
    /// <summary>The bytes without the lines of one header.</summary>
    public byte[] Without(string header) =>
        !Headers.ContainsKey(header)
            ? Raw
            : Encoding.Latin1.GetBytes(string.Join("\r\n", Encoding.Latin1.GetString(Raw).Split("\r\n").Where(line => !line.StartsWith(header + ":", StringComparison.OrdinalIgnoreCase))));
}

/// <summary>Reads HTTP/1.1 messages (RFC 9112) from one direction of a connection.</summary>
internal sealed class HttpMessageReader(Stream stream)
{
    private byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    /// <summary>The next message's head; null where the connection ends between messages.</summary>
    public async Task<HttpMessageHead?> ReadHeadAsync(CancellationToken cancellationToken)
    {
        int length;
        while ((length = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (await FillAsync(cancellationToken)) continue;
            return _start == _end ? null : throw new EndOfStreamException("The connection ended within a message's head.");
        }
        var raw = Take(length + 4);
        var lines = Encoding.Latin1.GetString(raw, 0, length).Split("\r\n");
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var line in lines.Skip(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var (name, value) = (line[..colon], line[(colon + 1)..].Trim());
            headers[name] = headers.TryGetValue(name, out var others) ? $"{others},{value}" : value;
        }
        return new(lines[0], headers, raw);
    }

    /// <summary>The body as it was sent, and without the framing of chunked transfer.</summary>
    /// <param name="hasBodyWithoutLength">Whether a body of unknown length lasts until the connection ends, as an answer's does.</param>
    public async Task<(byte[] Raw, byte[] Body)> ReadBodyAsync(HttpMessageHead head, bool hasBodyWithoutLength, CancellationToken cancellationToken)
    {
        if (head.Headers.TryGetValue("Transfer-Encoding", out var encoding) && encoding.Contains("chunked", StringComparison.OrdinalIgnoreCase))
            return await ReadChunksAsync(cancellationToken);
        if (head.Headers.TryGetValue("Content-Length", out var length))
        {
            var body = await TakeAsync(int.Parse(length, CultureInfo.InvariantCulture), cancellationToken);
            return (body, body);
        }
        if (!hasBodyWithoutLength) return ([], []);
        while (await FillAsync(cancellationToken)) { }
        var rest = Take(_end - _start);
        return (rest, rest);
    }

    private async Task<(byte[] Raw, byte[] Body)> ReadChunksAsync(CancellationToken cancellationToken)
    {
        using var raw = new MemoryStream();
        using var body = new MemoryStream();
        while (true)
        {
            var line = await TakeLineAsync(cancellationToken);
            raw.Write(line);
            var length = int.Parse(Encoding.Latin1.GetString(line).Split(';')[0].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (length == 0) break;
            var chunk = await TakeAsync(length + 2, cancellationToken);
            raw.Write(chunk);
            body.Write(chunk, 0, length);
        }
        byte[] trailer;
        do
        {
            trailer = await TakeLineAsync(cancellationToken);
            raw.Write(trailer);
        } while (trailer.Length > 2);
        return (raw.ToArray(), body.ToArray());
    }

    private async Task<byte[]> TakeLineAsync(CancellationToken cancellationToken)
    {
        int length;
        while ((length = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n"u8)) < 0) await NeedAsync(cancellationToken);
        return Take(length + 2);
    }

    private async Task<byte[]> TakeAsync(int count, CancellationToken cancellationToken)
    {
        while (_end - _start < count) await NeedAsync(cancellationToken);
        return Take(count);
    }

    private byte[] Take(int count)
    {
        var taken = _buffer.AsSpan(_start, count).ToArray();
        _start += count;
        return taken;
    }

    private async Task NeedAsync(CancellationToken cancellationToken)
    {
        if (!await FillAsync(cancellationToken)) throw new EndOfStreamException("The connection ended within a message.");
    }

    private async Task<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        if (_end == _buffer.Length) Array.Resize(ref _buffer, _buffer.Length * 2);
        var read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
        _end += read;
        return read > 0;
    }
}
