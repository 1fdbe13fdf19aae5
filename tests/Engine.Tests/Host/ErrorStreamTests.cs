using Matih.Host.Output;

namespace Matih.Engine.Tests.Host;

public sealed class ErrorStreamTests
{
    [Fact]
    public void A_log_that_cannot_be_written_stops_nobody_and_lines_come_again_when_it_can()
    {
        using var target = new FullDisk();
        using var error = ErrorStream.WriterOver(target);
        error.WriteLine("before");

        target.Fault = new IOException("No space left on device");
        error.WriteLine("lost");
        target.Fault = new UnauthorizedAccessException("Bad file descriptor");
        error.WriteLine("lost too");
        target.Fault = null;
        error.WriteLine("after");

        Assert.Equal("before\nafter\n", System.Text.Encoding.UTF8.GetString(target.ToArray()));
    }

    private sealed class FullDisk : MemoryStream
    {
        public Exception? Fault { get; set; }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (Fault is { } fault) throw fault;
            base.Write(buffer);
        }
    }
}
