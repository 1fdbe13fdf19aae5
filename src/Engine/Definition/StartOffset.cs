using System.Globalization;

namespace Matih.Definition;

/// <summary>Where a pipeline starts on a topic that its table has no ledger for.</summary>
public abstract record StartOffset
{
    private StartOffset() { }

    /// <summary>The log start of every partition. The default, because it skips nothing.</summary>
    public sealed record Earliest : StartOffset { public override string ToString() => "earliest"; }

    /// <summary>The end of every partition at the first start.</summary>
    public sealed record Latest : StartOffset { public override string ToString() => "latest"; }

    /// <summary>The first record of every partition at or after the instant.</summary>
    public sealed record AtTime(DateTimeOffset Time) : StartOffset
    {
        public override string ToString() => Time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);
    }

    /// <summary>
    /// Reads <c>earliest</c>, <c>latest</c> or an ISO 8601 date and time with its zone (<c>2026-05-01T00:00:00Z</c>,
    /// <c>2026-05-01T00:00:00.5+02:00</c>). A time without a zone would depend on the machine, and is not accepted.
    /// </summary>
    public static bool TryParse(string text, out StartOffset? start)
    {
        start = text switch
        {
            "earliest" => new Earliest(),
            "latest" => new Latest(),
            _ when HasZone(text) && DateTimeOffset.TryParseExact(text, "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK",
                CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) => new AtTime(time),
            _ => null,
        };
        return start is not null;
    }

    private static bool HasZone(string text) => text.EndsWith('Z') || (text.Length > 6 && text[^6] is '+' or '-' && text[^3] == ':');
}
