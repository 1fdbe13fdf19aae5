namespace Matih.Verification;

/// <summary>Whose rows a file holds, as far as the history shows. None of them: rows of another flow, which verifies its own.</summary>
[Flags]
internal enum FileOrigin
{
    None = 0,

    /// <summary>A commit of the flow added the file, or another engine rewrote it from such files.</summary>
    Flow = 1,

    /// <summary>Another engine added rows of its own.</summary>
    Engine = 2,

    /// <summary>Its snapshot has expired.</summary>
    Unknown = 4,
}

/// <summary>A file that is part of the table at some step of its history.</summary>
/// <param name="Step">The step at which it was first met; the newest step has index 0.</param>
internal readonly record struct TrackedFile(ListedFile File, FileOrigin Origin, int Step)
{
    public bool MayHoldRowsOfFlow => (Origin & (FileOrigin.Flow | FileOrigin.Unknown)) != 0;

    public bool MayHoldRowsOfEngine => (Origin & (FileOrigin.Engine | FileOrigin.Unknown)) != 0;
}
