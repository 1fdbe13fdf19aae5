namespace Matih.Storage;

/// <summary>
/// A location that the store cannot reach, whatever it does: of another scheme, relative, or no location at all. Table metadata
/// is written by any engine and may name such a place, so that this is an error of the environment and no bug.
/// </summary>
public sealed class UnreachableLocationException(string message) : IOException(message);
