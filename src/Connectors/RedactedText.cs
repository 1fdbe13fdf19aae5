using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Matih.Definition;

namespace Matih.Connectors;

/// <summary>
/// Takes secrets out of what a server or an SDK says, before it gets into a message: as they are, and in the spellings in which
/// requests carry them. Thread-safe.
/// </summary>
internal sealed class RedactedText
{
    private const int CharsMax = 400;

    /// <summary>Shorter texts occur in ordinary words, and protect nothing.</summary>
    private const int SecretCharsMin = 6;

    /// <summary>Tokens are replaced while a process runs, and only the newest can be in an answer.</summary>
    private const int SpellingsMax = 256;

    private readonly ConcurrentQueue<string> _spellings = new();

    public RedactedText(params IEnumerable<Secret?> secrets)
    {
        foreach (var secret in secrets.OfType<Secret>()) Hide(secret.Reveal());
    }

    public void Hide(string secret)
    {
        if (secret.Length < SecretCharsMin || _spellings.Contains(secret)) return;
        string[] spellings = [secret, Uri.EscapeDataString(secret), WebUtility.UrlEncode(secret), Uri.UnescapeDataString(secret), Convert.ToBase64String(Encoding.UTF8.GetBytes(secret))];
        foreach (var spelling in spellings.Distinct(StringComparer.Ordinal).Where(text => text.Length >= SecretCharsMin)) _spellings.Enqueue(spelling);
        while (_spellings.Count > SpellingsMax) _spellings.TryDequeue(out _);
    }

    /// <summary>Hides a shared access signature: whole, and the signature in it, which opens as much.</summary>
    public void HideSas(string token)
    {
        Hide(token);
        foreach (var part in token.Split('?', '&'))
            if (part.StartsWith("sig=", StringComparison.OrdinalIgnoreCase)) Hide(part["sig=".Length..]);
    }

    /// <summary>The text without secrets.</summary>
    public string Without(string text)
    {
        foreach (var secret in _spellings) text = text.Replace(secret, Secret.Mask, StringComparison.Ordinal);
        return text;
    }

    /// <summary>One line, without secrets, of bounded length.</summary>
    public string Of(string text)
    {
        text = string.Join(' ', Without(text).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return text.Length <= CharsMax ? text : text[..CharsMax] + "…";
    }

    /// <summary>The exception, to be kept as the cause of another; null where it holds a secret.</summary>
    public Exception? Kept(Exception? exception) => exception?.ToString() is { } text && Without(text) == text ? exception : null;
}
