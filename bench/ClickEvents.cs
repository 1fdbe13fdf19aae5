using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Matih.Bench;

/// <summary>What a generated file holds, and what every conversion of it must keep.</summary>
/// <param name="AmountCents">The sum of all amounts in cents: exact, whatever the order of addition.</param>
public sealed record WorkloadFacts(long Records, long Bytes, string Sha256, long AmountCents)
{
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Records} records, {Bytes} bytes ({(double)Bytes / Records:F1} a record), amounts {AmountCents} cents, sha256 {Sha256}");
}

/// <summary>
/// Workload W1: click events as newline-delimited JSON of about 190 bytes. The same seed and count give the same bytes on
/// every machine and runtime: the generator draws from its own arithmetic (SplitMix64), not from System.Random.
/// </summary>
public sealed class ClickEvents(ulong seed)
{
    public const ulong DefaultSeed = 20240501;

    /// <summary>The published hashes: SHA-256 of the output for the default seed, by number of records.</summary>
    private static readonly Dictionary<long, string> PublishedSha256 = new()
    {
        [10_000] = "a3a655cd83690d601aeeb3bd709204163713f80628631bd7ac0d4203d99f95d2",
        [1_000_000] = "c54e567afed4818a340e5434c938a488629ced32ad31e504753fec6caf8547eb",
        [3_000_000] = "8206df09c234cb95691d351b146482807c4769e6dd0fdbd688041339dc2c6c69",
    };

    private static readonly byte[][] EventTypes =
        [.. new[] { "page_view", "click", "scroll", "search", "add_to_cart", "remove_from_cart", "purchase", "login" }.Select(Encoding.ASCII.GetBytes)];

    private static readonly byte[][] Sections =
        [.. new[] { "products", "search", "cart", "checkout", "account", "help", "blog", "offers" }.Select(Encoding.ASCII.GetBytes)];

    private readonly bool _isPublished = seed == DefaultSeed;
    private ulong _state = seed;

    /// <summary>Writes the file, each line ending with a line feed.</summary>
    /// <exception cref="InvalidOperationException">The bytes are not those whose hash is published.</exception>
    public WorkloadFacts WriteTo(string path, long records)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var line = new byte[512];
        long bytes = 0, cents = 0;
        // 2024-05-01T00:00:00Z; events are 0 to 19 ms apart.
        var timeMillis = 1714521600000L;
        for (var i = 0L; i < records; i++)
        {
            timeMillis += (long)(Next() % 20);
            var length = WriteEvent(line, timeMillis, out var amountCents);
            file.Write(line, 0, length);
            hash.AppendData(line, 0, length);
            bytes += length;
            cents += amountCents;
        }
        var sha256 = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (_isPublished && PublishedSha256.TryGetValue(records, out var published) && published != sha256)
            throw new InvalidOperationException($"{records} records of W1 hash to {sha256}; published is {published}. Figures would not compare.");
        return new WorkloadFacts(records, bytes, sha256, cents);
    }

    private int WriteEvent(Span<byte> line, long timeMillis, out long amountCents)
    {
        var at = 0;
        Put(line, ref at, "{\"event_id\":\""u8);
        PutUuid(line, ref at);
        Put(line, ref at, "\",\"user_id\":\"u"u8);
        PutDigits(line, ref at, (long)(Next() % 1_000_000), 7);
        Put(line, ref at, "\",\"event_type\":\""u8);
        Put(line, ref at, EventTypes[Next() % (ulong)EventTypes.Length]);
        Put(line, ref at, "\",\"page_url\":\"/"u8);
        Put(line, ref at, Sections[Next() % (ulong)Sections.Length]);
        Put(line, ref at, "/"u8);
        PutNumber(line, ref at, (long)(Next() % 20_000));
        Put(line, ref at, "?ref=c"u8);
        PutDigits(line, ref at, (long)(Next() % 100), 2);
        Put(line, ref at, "\",\"amount\":"u8);
        amountCents = (long)(Next() % 50_000);
        PutNumber(line, ref at, amountCents / 100);
        Put(line, ref at, "."u8);
        PutDigits(line, ref at, amountCents % 100, 2);
        Put(line, ref at, ",\"event_time\":\""u8);
        at += Encoding.ASCII.GetBytes(
            DateTimeOffset.FromUnixTimeMilliseconds(timeMillis).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture), line[at..]);
        Put(line, ref at, "\"}\n"u8);
        return at;
    }

    private void PutUuid(Span<byte> line, ref int at)
    {
        // RFC 9562, version 4: the version in the 13th digit, the variant in the 17th.
        Span<byte> digits = stackalloc byte[32];
        var (high, low) = (Next(), Next());
        for (var i = 0; i < 16; i++)
        {
            digits[i] = Hex(high >> (4 * i));
            digits[16 + i] = Hex(low >> (4 * i));
        }
        digits[12] = (byte)'4';
        digits[16] = "89ab"u8[(int)(low & 3)];
        for (var i = 0; i < 32; i++)
        {
            if (i is 8 or 12 or 16 or 20) line[at++] = (byte)'-';
            line[at++] = digits[i];
        }
    }

    private static byte Hex(ulong value) => "0123456789abcdef"u8[(int)(value & 15)];

    private static void Put(Span<byte> line, ref int at, ReadOnlySpan<byte> text)
    {
        text.CopyTo(line[at..]);
        at += text.Length;
    }

    private static void PutNumber(Span<byte> line, ref int at, long value)
    {
        value.TryFormat(line[at..], out var written, provider: CultureInfo.InvariantCulture);
        at += written;
    }

    private static void PutDigits(Span<byte> line, ref int at, long value, int digits)
    {
        for (var i = digits - 1; i >= 0; i--)
        {
            line[at + i] = (byte)('0' + value % 10);
            value /= 10;
        }
        at += digits;
    }

    /// <summary>SplitMix64 (Steele, Lea, Flood 2014).</summary>
    private ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        var z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
