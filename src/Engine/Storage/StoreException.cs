namespace Matih.Storage;

/// <summary>How a store fails. A closed family: policies act on these and on nothing that is particular to one store.</summary>
public enum StoreFailureKind
{
    /// <summary>There is no such object, where one must be.</summary>
    Absent,

    /// <summary>An object of that name exists, where none may be.</summary>
    Exists,

    /// <summary>The object is not as the caller has seen it last.</summary>
    PreconditionFailed,

    /// <summary>The store asks for fewer requests, for longer than its client waited. Nothing was changed.</summary>
    Throttled,

    /// <summary>The store knows these credentials and refuses, or does not know them. Nothing was changed.</summary>
    Denied,

    /// <summary>No answer, or the store says that it is not well. Where it was asked to change nothing, nothing was changed.</summary>
    Unreachable,

    /// <summary>A change was asked for, and its answer was lost: it may have been made, or may still be. Read it back.</summary>
    UnknownOutcome,

    /// <summary>There is no room, or another limit of the store or of this process is reached. Nothing was changed.</summary>
    Full,

    /// <summary>The request cannot succeed as it is: an address that is none, no such bucket, a setting that the store refuses. Nothing was changed.</summary>
    Refused,
}

/// <summary>A store failed: what it could not do and with which object (the message, which ends with the way out). Carries no secret.</summary>
/// <param name="kind">What a policy acts on.</param>
/// <param name="location">The object or folder, as the caller named it.</param>
public sealed class StoreException(StoreFailureKind kind, string location, string message, Exception? innerException = null) : IOException(message, innerException)
{
    public StoreFailureKind Kind { get; } = kind;

    public string Location { get; } = location;

    /// <summary>The failure in one form for all stores.</summary>
    /// <param name="action">A verb in its first form, such as "read".</param>
    /// <param name="reason">What the store says, and nothing secret.</param>
    /// <param name="remedy">A whole sentence; null takes the one of the kind.</param>
    public static StoreException Of(StoreFailureKind kind, string action, string location, string reason, string? remedy = null, Exception? cause = null) =>
        new(kind, location, $"Could not {action} {location}: {reason.TrimEnd('.')}. {remedy ?? RemedyOf(kind)}", cause);

    private static string RemedyOf(StoreFailureKind kind) => kind switch
    {
        StoreFailureKind.Absent => "Find out who deleted it.",
        StoreFailureKind.Exists or StoreFailureKind.PreconditionFailed => "Another writer was faster; read it and decide again.",
        StoreFailureKind.Throttled => "Spread the load, or ask the store's provider for a higher limit.",
        StoreFailureKind.Denied => "Check the credentials, and the permissions that they give on this place.",
        StoreFailureKind.Unreachable => "Check the address, the network and the store's health.",
        StoreFailureKind.UnknownOutcome => "The next attempt reads what stands there.",
        StoreFailureKind.Full => "Free space, or raise the limit.",
        StoreFailureKind.Refused => "Correct the address or the catalog's settings.",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}
