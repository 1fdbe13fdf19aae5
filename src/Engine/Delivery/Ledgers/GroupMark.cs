using System.Security.Cryptography;
using System.Text;
using Matih.Planning;

namespace Matih.Delivery.Ledgers;

/// <summary>What a flow writes beside its consumer group's offsets: a tripwire against a table that was dropped and created again.</summary>
/// <param name="Flow">The flow; null where the group holds so many marks that only their hashes fit.</param>
/// <param name="TableUuid">The table that the flow writes; its first digits where only those fit.</param>
internal sealed record GroupMark(FlowName? Flow, string TableUuid)
{
    /// <summary>48 bits of SHA-256 tell the flows of one group apart.</summary>
    private const int HashDigits = 12;

    private const int ShortUuidDigits = 8;

    private readonly string? _hash;

    /// <summary>What tells the mark from those of other flows, in hexadecimal digits.</summary>
    public string Hash
    {
        get => _hash ?? HashOf(Flow!);
        private init => _hash = value;
    }

    public static string HashOf(FlowName flow) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(flow.ToString())))[..HashDigits];

    /// <summary><c>pipeline:sink:table-uuid</c>, or <c>#hash:uuid</c>; null for any other text. Names hold no colon.</summary>
    public static GroupMark? Parse(string text)
    {
        var parts = text.Split(':');
        if (parts.Length == 2 && parts[0].Length == HashDigits + 1 && parts[0][0] == '#') return new GroupMark(null, parts[1]) { Hash = parts[0][1..] };
        return parts.Length == 3 ? new GroupMark(new FlowName(parts[0], parts[1]), parts[2]) : null;
    }

    public string ToText(bool isShort) =>
        isShort || Flow is null ? $"#{Hash}:{TableUuid[..Math.Min(ShortUuidDigits, TableUuid.Length)]}" : $"{Flow.Pipeline}:{Flow.Sink}:{TableUuid}";
}
