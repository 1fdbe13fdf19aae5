namespace Matih.Storage;

/// <summary>
/// Where unique ids come from: names of files, commit ids, snapshot ids. A constructor input everywhere, so that a
/// simulation can replay a run from its seed. Thread-safe.
/// </summary>
public interface IIdSource
{
    /// <summary>A UUID that no other call, here or elsewhere, has given.</summary>
    Guid NewUuid();

    /// <summary>A random positive 63-bit id, as Iceberg's snapshot ids are.</summary>
    long NewSnapshotId();
}
