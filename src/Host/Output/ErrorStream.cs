using System.Text;

namespace Matih.Host.Output;

/// <summary>
/// The standard error stream of a process that does more than write there. Where it takes nothing (a full disk, a log collector
/// that has died), lines are lost and the work continues: a table must not wait for a log.
/// </summary>
internal sealed class ErrorStream(Stream target) : Stream
{
    /// <summary>Writes each piece of text at once, as the console's own writer does.</summary>
    public static TextWriter OpenWriter() => WriterOver(Console.OpenStandardError());

    internal static TextWriter WriterOver(Stream target) => new StreamWriter(new ErrorStream(target), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            target.Write(buffer);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // There is nowhere left to say so. A stream that is closed gives the latter.
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
        // The console's stream holds nothing back.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
}
