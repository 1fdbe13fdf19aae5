using System.Text;
using Matih.Kafka;

namespace Matih.Engine.Tests.Kafka;

public sealed class RecordFingerprintTests
{
    [Fact]
    public void It_is_crc_32c()
    {
        // The check value of the CRC catalogue, and RFC 3720, appendix B.4: 32 bytes of zeros, of ones, ascending.
        Assert.Equal(0xE3069283, RecordFingerprint.Of(default, "123456789"u8));
        Assert.Equal(0x8A9136AA, RecordFingerprint.Of(default, new byte[32]));
        Assert.Equal(0x62A8AB43u, RecordFingerprint.Of(default, Enumerable.Repeat((byte)0xff, 32).ToArray()));
        Assert.Equal(0x46DD794Eu, RecordFingerprint.Of(default, Enumerable.Range(0, 32).Select(i => (byte)i).ToArray()));
    }

    [Fact]
    public void It_runs_over_the_key_then_the_value()
    {
        var text = Encoding.UTF8.GetBytes("123456789");

        for (var i = 0; i <= text.Length; i++) Assert.Equal(0xE3069283, RecordFingerprint.Of(text.AsSpan(0, i), text.AsSpan(i)));
        Assert.Equal(0u, RecordFingerprint.Of(default, default));
    }
}
