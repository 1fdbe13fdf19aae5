namespace Matih;

/// <summary>A table's files contradict the format: a person must restore or roll back. Retrying does not help.</summary>
public sealed class InvalidTableException : Exception
{
    public InvalidTableException(string message) : base(message) { }
    public InvalidTableException(string message, Exception inner) : base(message, inner) { }
}

/// <summary>A table is valid, but this build or this catalog must not write it (or read it). Retrying does not help.</summary>
public sealed class UnsupportedTableException : Exception
{
    public UnsupportedTableException(string message) : base(message) { }
    public UnsupportedTableException(string message, Exception inner) : base(message, inner) { }
}

/// <summary>A catalog does not answer, or refuses. Carries no secret.</summary>
/// <param name="failure">What failed, on which object, and what the catalog says: whole sentences.</param>
/// <param name="remedy">What to do next: a whole sentence.</param>
public sealed class CatalogException(string failure, string remedy, Exception? innerException = null) : IOException($"{failure} {remedy}", innerException)
{
    public string Failure { get; } = failure;

    /// <summary>Whether it may pass by itself: no connection, no answer in time, a server that is busy or not well.</summary>
    public bool IsPassing { get; init; }

    /// <summary>The next step for the operator, a full sentence.</summary>
    public string Remedy { get; } = remedy;
}
