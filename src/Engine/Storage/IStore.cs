using System.Buffers;

namespace Matih.Storage;

/// <summary>An object in a store.</summary>
/// <param name="Location">Its whole address, as <see cref="IStore"/> takes it.</param>
/// <param name="LengthBytes">Its length.</param>
/// <param name="LastModified">When the store last wrote it.</param>
public readonly record struct StoredObject(string Location, long LengthBytes, DateTimeOffset LastModified);

/// <summary>
/// Where tables' files live. Locations are whole addresses (<c>file:///abs/path</c>, <c>s3://bucket/key</c>, …) or absolute
/// paths; an implementation accepts the spellings that Iceberg writers use for the same place (<c>file:/abs</c>).
/// Thread-safe. Everything written is durable when the call returns.
/// </summary>
/// <remarks>
/// A store fails with <see cref="StoreException"/> and with nothing else, but for cancellation and for mistakes of the caller.
/// It tries again by itself where that is safe, for seconds and not for minutes; a conditional write is sent once. A change
/// whose answer is lost is <see cref="StoreFailureKind.UnknownOutcome"/>, or false of <see cref="PutIfAbsentAsync"/> where the
/// object is seen to exist.
/// </remarks>
public interface IStore
{
    /// <summary>Opens a new object for writing front to back; it exists, whole and durable, once the writer completes.</summary>
    ValueTask<IObjectWriter> CreateAsync(string location, CancellationToken cancellationToken);

    /// <summary>
    /// Says that objects will soon be created there. A store that has folders makes them at once, which costs less than one by
    /// one; nothing needs to be done.
    /// </summary>
    ValueTask PrepareAsync(IReadOnlyList<string> locations, CancellationToken cancellationToken) => default;

    /// <summary>
    /// Completes several objects of this store, each as its own <see cref="IObjectWriter.CompleteAsync"/> does: all exist,
    /// durable, when the call returns. A store may do so at less cost than one by one. Where it fails, some may exist.
    /// </summary>
    async ValueTask CompleteAsync(IReadOnlyList<IObjectWriter> writers, CancellationToken cancellationToken)
    {
        foreach (var writer in writers) await writer.CompleteAsync(cancellationToken);
    }

    /// <summary>
    /// Writes an object only where none of that name exists, atomically: of several callers exactly one gets true, and
    /// readers see all of it or nothing. False means that it exists (perhaps with this very content, from an attempt whose
    /// answer was lost: the caller reads it back).
    /// </summary>
    ValueTask<bool> PutIfAbsentAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>The same with the content in pieces, which a store may write without joining them.</summary>
    /// <inheritdoc cref="PutIfAbsentAsync(string, ReadOnlyMemory{byte}, CancellationToken)"/>
    ValueTask<bool> PutIfAbsentAsync(string location, ReadOnlySequence<byte> content, CancellationToken cancellationToken) =>
        PutIfAbsentAsync(location, content.AsOne(), cancellationToken);

    /// <summary>Writes or replaces an object, atomically.</summary>
    ValueTask PutAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>The same with the content in pieces, which a store may write without joining them.</summary>
    ValueTask PutAsync(string location, ReadOnlySequence<byte> content, CancellationToken cancellationToken) => PutAsync(location, content.AsOne(), cancellationToken);

    /// <summary>The whole object, or null where there is none.</summary>
    ValueTask<byte[]?> ReadAsync(string location, CancellationToken cancellationToken);

    /// <summary>A range of an object.</summary>
    /// <exception cref="StoreException">There is no such object (<see cref="StoreFailureKind.Absent"/>), or it ends before the range does (<see cref="StoreFailureKind.Refused"/>).</exception>
    ValueTask<byte[]> ReadRangeAsync(string location, long offset, int count, CancellationToken cancellationToken);

    /// <summary>The object's length, or null where there is none.</summary>
    ValueTask<long?> LengthAsync(string location, CancellationToken cancellationToken);

    /// <summary>
    /// All objects whose locations begin with the prefix, in no particular order; nothing where there are none. A prefix that
    /// ends with a slash is a folder, and what lies in it is listed however deep. What is written or deleted meanwhile may be
    /// listed or not; everything that existed before the call and after it is.
    /// </summary>
    /// <remarks>Locations are spelled as the prefix is. Answers of the store are asked for as the caller comes to them.</remarks>
    IAsyncEnumerable<StoredObject> ListAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>
    /// Those of a few objects of one folder that exist, as a listing shows them, where asking for each costs less than a listing:
    /// on a disk that reads a whole folder. Null where it does not.
    /// </summary>
    ValueTask<IReadOnlyList<StoredObject>?> TryFindAsync(IReadOnlyList<string> locations, CancellationToken cancellationToken) => default;

    /// <summary>Deletes an object; nothing happens where there is none.</summary>
    ValueTask DeleteAsync(string location, CancellationToken cancellationToken);
}

/// <summary>Writes one object front to back. Disposing without <see cref="CompleteAsync"/> leaves no object behind.</summary>
public interface IObjectWriter : IAsyncDisposable
{
    /// <summary>Bytes written so far.</summary>
    long PositionBytes { get; }

    /// <summary>What the writer holds in memory until the store has it, as of now.</summary>
    long BufferedBytes => 0;

    /// <summary>Appends; the buffer may be reused when the call returns.</summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>
    /// Says that nothing more comes, so that a store can begin to send the rest, or gives back what it holds for a writer. The
    /// object does not exist before <see cref="CompleteAsync"/> returns, which does this too where it was not done.
    /// </summary>
    ValueTask EndAsync(CancellationToken cancellationToken) => default;

    /// <summary>Makes the object exist, durable. It replaces an object of that name.</summary>
    ValueTask CompleteAsync(CancellationToken cancellationToken);
}
