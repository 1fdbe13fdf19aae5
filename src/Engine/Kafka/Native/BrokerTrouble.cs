using System.Globalization;
using System.Text.RegularExpressions;

namespace Matih.Kafka.Native;

/// <summary>What keeps a client from a broker, in an operator's words.</summary>
/// <param name="Broker">Host and port; "" where the text names none.</param>
/// <param name="Cause">Why, without a full stop.</param>
/// <remarks>
/// librdkafka words it as <c>[thrd:T]: BROKER/ID: REASON (after 3ms in state CONNECT, 2 identical error(s) suppressed)</c>, in
/// log lines and, without the thread, in errors (seen with 2.16.0).
/// </remarks>
public readonly partial record struct BrokerTrouble(string Broker, string Cause)
{
    /// <summary>The bytes "HTTP", taken for the length of an answer.</summary>
    private const int HttpLength = 0x48545450;

    /// <summary>The first two bytes of a TLS alert (RFC 8446, section 5.1: type 21, version 3), taken for the upper half of the length.</summary>
    private const int TlsAlertLength = 0x1503;

    private const string Closed = "it closed the connection";
    private const string OtherProtocol = "perhaps it wants TLS or SASL (security.protocol)";

    public static BrokerTrouble Of(string text)
    {
        var parts = Parts().Match(text);
        var reason = parts.Groups["reason"].Value;
        return new BrokerTrouble(parts.Groups["broker"].Value, PlainCause(reason, parts.Groups["state"].Value) ?? reason.TrimEnd('.'));
    }

    /// <summary>The cause, and the broker unless it is the only one that is meant anyway.</summary>
    public string Show(string onlyBroker = "") => Broker.Length == 0 || Broker == onlyBroker ? Cause : $"{Broker}: {Cause}";

    /// <summary>A cause in a message about a cluster that never answered: the usual reason for a connection that is closed then is a wrong protocol.</summary>
    public static string OfFirstContact(string cause) => cause.EndsWith(Closed, StringComparison.Ordinal) ? $"{cause}: {OtherProtocol}" : cause;

    private static string? PlainCause(string reason, string state)
    {
        if (reason.Contains("Connection refused", StringComparison.Ordinal)) return "connection refused";
        if (reason.StartsWith("Failed to resolve", StringComparison.Ordinal)) return $"the name does not resolve ({reason[(reason.LastIndexOf(": ", StringComparison.Ordinal) + 2)..]})";
        if (reason.StartsWith("Connection setup timed out", StringComparison.Ordinal)) return "the connection timed out: nothing answers there, or a firewall drops it";
        // librdkafka guesses at an ancient broker here, and says the same with a number that differs each time.
        if (reason.StartsWith("ApiVersionRequest failed: Local: Timed out", StringComparison.Ordinal) || TimedOut().IsMatch(reason)) return "it takes connections and does not answer";
        if (state == "SSL_HANDSHAKE" && NoTls().IsMatch(reason)) return "the TLS handshake failed: perhaps it speaks no TLS (security.protocol)";
        // The first request of all is answered by every broker that understands it.
        // Which of the two is met depends on who is faster: it has closed the connection before the request was sent, or after.
        if (reason.StartsWith("Disconnected", StringComparison.Ordinal) || reason.StartsWith("Send failed: Broken pipe", StringComparison.Ordinal))
            return state == "APIVERSION_QUERY" || reason.Contains("security.protocol", StringComparison.Ordinal) ? $"{Closed}: {OtherProtocol}" : Closed;
        return int.TryParse(AnswerLength().Match(reason).Groups["length"].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            ? length switch
            {
                HttpLength => "an HTTP server answers there, not a Kafka broker",
                _ when length >> 16 == TlsAlertLength => "it wants TLS (security.protocol)",
                _ => null,
            }
            : null;
    }

    [GeneratedRegex(@"^(\[thrd:[^\]]*\]: )?(GroupCoordinator: )?(([a-z_]+://)?(?<broker>[^\s/]+:\d+)(/\S+)?: )?(?<reason>.*?)( \(after \d+ms in state (?<state>[A-Z_]+)(, \d+ identical error\(s\) suppressed)?\))?$", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Parts();

    [GeneratedRegex(@"^(Timed out \d+ in-flight|\d+ request\(s\) timed out: disconnect)", RegexOptions.CultureInvariant)]
    private static partial Regex TimedOut();

    [GeneratedRegex("unexpected eof|wrong version number|closed by peer|PLAINTEXT", RegexOptions.CultureInvariant)]
    private static partial Regex NoTls();

    [GeneratedRegex(@"Invalid response size (?<length>\d+) ", RegexOptions.CultureInvariant)]
    private static partial Regex AnswerLength();
}
