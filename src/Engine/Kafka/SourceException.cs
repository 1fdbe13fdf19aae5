namespace Matih.Kafka;

/// <summary>What went wrong with a source, as far as the remedy differs.</summary>
public enum SourceErrorKind
{
    /// <summary>The settings or the library: somebody has to change them.</summary>
    Configuration,
    /// <summary>The broker does not accept who we are, or we not it (credentials, certificates).</summary>
    Authentication,
    /// <summary>The broker knows us and refuses (ACLs).</summary>
    Authorization,
    /// <summary>There is no such topic or partition.</summary>
    UnknownTopic,
    /// <summary>No answer in time; trying again later may help.</summary>
    Unreachable,
    /// <summary>This library or cluster cannot do what was asked.</summary>
    Unsupported,
    /// <summary>An answer that makes no sense, such as a corrupt record batch.</summary>
    Protocol,
}

/// <summary>A source could not do what was asked. The message names the object, what was found and what to do, and no secrets.</summary>
public sealed class SourceException(SourceErrorKind kind, string message, Exception? innerException = null) : Exception(message, innerException)
{
    public SourceErrorKind Kind { get; } = kind;
}
