using System.Collections.Frozen;
using System.Text.RegularExpressions;

namespace Matih.Kafka;

/// <summary>A librdkafka property that cannot be used as given.</summary>
/// <param name="Property">Its name, as the user wrote it; a field of <see cref="KafkaSettings"/> in librdkafka's words where that is at fault.</param>
/// <param name="Message">What is wrong and what to do, a full sentence without secrets.</param>
public readonly record struct KafkaPropertyError(string Property, string Message);

/// <summary>What is known of librdkafka's properties: which the source keeps for itself, and which hold secrets.</summary>
internal static partial class KafkaProperties
{
    private const string Hidden = "***";

    /// <summary>In characters: nobody guards anything with fewer, and a mask in the middle of words makes a message unreadable.</summary>
    private const int ShortSecretLength = 4;

    private const string OwnPositions = "positions are kept in the table, and reading must stop where one is lost";

    private const string SameForAll = "all members of a pipeline must share its partitions out in the same way";

    /// <summary>Properties that are an error if set, with the reason, the end of a sentence.</summary>
    public static FrozenDictionary<string, string> Reserved { get; } = new Dictionary<string, string>
    {
        ["enable.auto.commit"] = OwnPositions,
        ["auto.commit.enable"] = OwnPositions,
        ["enable.auto.offset.store"] = OwnPositions,
        ["auto.offset.reset"] = OwnPositions,
        ["enable.partition.eof"] = "it is always on, as it shows positions past trailing control records",
        ["group.instance.id"] = "partitions are assigned by hand",
        ["group.protocol"] = SameForAll,
        ["group.remote.assignor"] = SameForAll,
        ["partition.assignment.strategy"] = SameForAll,
        ["allow.auto.create.topics"] = "a missing topic is an error and never created by reading it",
        ["test.mock.num.brokers"] = "every connection would get a cluster of its own; start a mock cluster and give its address",
        ["topic.blacklist"] = "it hides topics from the client, which then waits for ever for the one that it reads",
        ["api.version.request"] = "the client must ask the brokers what they can do; without it, it waits for ever or does not see aborted transactions",
        ["log.queue"] = "log lines are taken from the queue",
        ["bootstrap.servers"] = "it is the connection's address",
        ["metadata.broker.list"] = "it is the connection's address",
        ["group.id"] = "it is the source's consumer group",
    }.ToFrozenDictionary();

    /// <summary>Whether the value of a property must never be shown.</summary>
    public static bool IsSecret(string property) =>
        property is "sasl.oauthbearer.config" or "ssl.key.pem" ||
        property.Contains("password", StringComparison.Ordinal) ||
        property.Contains("secret", StringComparison.Ordinal) ||
        property.Contains("passphrase", StringComparison.Ordinal) ||
        property.Contains("private.key", StringComparison.Ordinal);

    /// <summary>A value that can be shown: nothing of a secret one, and no user and password of an address.</summary>
    public static string Shown(string property, string value) => IsSecret(property) ? Hidden : UserInfo().Replace(value, "$1***@");

    /// <summary>Takes the secret values of the properties, and users and passwords of addresses, out of a text of librdkafka's.</summary>
    internal static string Redact(string text, IEnumerable<KeyValuePair<string, string>> properties)
    {
        foreach (var (property, value) in properties)
            if (value.Length != 0 && IsSecret(property)) text = Mask(text, value);
        return UserInfo().Replace(text, "$1***@");
    }

    /// <summary>A short secret is part of many words: it is taken out only where it stands alone.</summary>
    private static string Mask(string text, string secret) =>
        secret.Length >= ShortSecretLength
            ? text.Replace(secret, Hidden, StringComparison.Ordinal)
            : Regex.Replace(text, $@"(?<![\p{{L}}\p{{N}}]){Regex.Escape(secret)}(?![\p{{L}}\p{{N}}])", Hidden, RegexOptions.CultureInvariant);

    [GeneratedRegex("([a-zA-Z][a-zA-Z0-9+.-]*://)[^/@\\s,]+@", RegexOptions.CultureInvariant)]
    private static partial Regex UserInfo();
}
