namespace Matih.Iceberg.Catalogs;

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
