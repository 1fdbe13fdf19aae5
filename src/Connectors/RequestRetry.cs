using Matih.Storage;

namespace Matih.Connectors;

/// <summary>What a request does, which decides whether it is sent again when its answer is lost.</summary>
internal enum RequestEffect
{
    /// <summary>Nothing that anybody sees: a read, or a part of an object that does not exist yet.</summary>
    None,

    /// <summary>The same as a second one does: it is sent again, and its outcome is unknown only when the last answer is lost too.</summary>
    Repeatable,

    /// <summary>What only its answer tells: it is sent again only where it is certain that nothing was done.</summary>
    Once,
}

/// <summary>How long a request to a store is sent again.</summary>
internal static class RequestRetry
{
    /// <summary>No attempt begins later than this after the first.</summary>
    public static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(5);

    /// <summary>Doubles from round to round; half of it is by chance, so that clients that failed together do not come back together.</summary>
    /// <param name="round">From 0 on.</param>
    public static TimeSpan PauseAfter(int round, IIdSource ids)
    {
        var full = PauseMin * Math.Pow(2, Math.Min(round, 10));
        return (full < PauseMax ? full : PauseMax) * (0.5 + (double)ids.NewSnapshotId() / long.MaxValue / 2);
    }
}
