using System.Text.Unicode;

namespace Matih.Host.Demo;

/// <summary>
/// Invents page events of an imaginary shop, about 190 bytes of JSON each: a few users and pages do most of it. Not
/// thread-safe; the spans are valid until the next call.
/// </summary>
internal sealed class ClickEvents(Random random)
{
    private const int UserCount = 50_000;
    private const int PageCount = 2_000;
    private static readonly string[] Types = ["page_view", "page_view", "page_view", "page_view", "search", "add_to_cart", "add_to_cart", "purchase"];
    private static readonly string[] Sections = ["products", "products", "products", "categories", "offers", "checkout"];

    private readonly byte[] _value = new byte[512];
    private readonly byte[] _key = new byte[32];

    /// <summary>The next event's key (its user) and value.</summary>
    public void Next(DateTimeOffset now, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        var user = Skewed(UserCount);
        var type = Types[random.Next(Types.Length)];
        var cents = type == "purchase" ? random.Next(500, 50_000) : 0;
        Utf8.TryWrite(_key, $"u-{user:00000}", out var keyLength);
        Utf8.TryWrite(_value,
            $"{{\"event_id\":\"{Guid.NewGuid():D}\",\"user_id\":\"u-{user:00000}\",\"event_type\":\"{type}\",\"page_url\":\"https://shop.example/{Sections[random.Next(Sections.Length)]}/{Skewed(PageCount)}\",\"amount\":{cents / 100}.{cents % 100:00},\"event_time\":\"{now:yyyy-MM-ddTHH:mm:ss.fff}Z\"}}",
            out var valueLength);
        key = _key.AsSpan(0, keyLength);
        value = _value.AsSpan(0, valueLength);
    }

    /// <summary>Small numbers come up far more often than large ones.</summary>
    private int Skewed(int count)
    {
        var share = random.NextDouble();
        return (int)(share * share * share * count);
    }
}
