namespace Matih.Storage;

/// <summary>
/// Room for what does not fit into memory while a run lasts. Nothing in it is durable, and nothing of it is left when the
/// process has ended, however it ends. Thread-safe.
/// </summary>
public interface IScratchSpace
{
    /// <summary>An empty file, which is gone once it is disposed.</summary>
    /// <exception cref="IOException">There is no room, or the place cannot be written.</exception>
    IScratchFile Create();
}

/// <summary>A file of the scratch space. One caller appends; any number may read what was appended before.</summary>
public interface IScratchFile : IDisposable
{
    long LengthBytes { get; }

    /// <exception cref="IOException">There is no room.</exception>
    void Append(ReadOnlySpan<byte> bytes);

    /// <summary>Fills the target with the bytes from the offset on. Thread-safe.</summary>
    void Read(long offset, Span<byte> target);
}
