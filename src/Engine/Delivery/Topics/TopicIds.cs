namespace Matih.Delivery.Topics;

/// <summary>Compares ids of clusters and topics, which older brokers and clients do not give.</summary>
internal static class TopicIds
{
    /// <summary>Whether two ids are equal, or at least one is unknown: an unknown id proves nothing.</summary>
    public static bool Agree(string? one, string? other) => one is null || other is null || one == other;

    /// <summary>Whether both ids are known and equal, which proves that it is the same topic.</summary>
    public static bool ProveSame(string? one, string? other) => one is not null && one == other;
}
