namespace Matih.Storage;

/// <summary>Failures of the local disk, reported with the object and the way out.</summary>
internal static class StoreFault
{
    /// <summary>POSIX: no space left on the device.</summary>
    public const int Enospc = 28;

    private const int Enfile = 23;
    private const int Emfile = 24;
    private const int Erofs = 30;
    private const int Enametoolong = 36;
    private const int Edquot = 122;
    private const int WindowsDiskFull = unchecked((int)0x80070070);

    public static bool IsEnvironmental(Exception exception) => exception is IOException or UnauthorizedAccessException;

    public static StoreException Of(string action, string location, Exception cause)
    {
        var (kind, remedy) = Meaning(cause);
        return StoreException.Of(kind, action, location, cause.Message, remedy, cause);
    }

    private static (StoreFailureKind Kind, string Remedy) Meaning(Exception cause) => cause switch
    {
        UnauthorizedAccessException => (StoreFailureKind.Denied, "Give this user the right to do so, or name another folder."),
        _ => (cause.HResult & 0xFFFF, cause.HResult) switch
        {
            (Enospc, _) or (Edquot, _) or (_, WindowsDiskFull) => (StoreFailureKind.Full, "Free space on that disk (or raise the quota), then run again; nothing was left behind."),
            (Emfile, _) or (Enfile, _) => (StoreFailureKind.Full, "Raise the number of files that the process may have open (ulimit -n, LimitNOFILE of systemd, --ulimit of a container)."),
            (Erofs, _) => (StoreFailureKind.Denied, "The disk is mounted read-only: name another folder."),
            (Enametoolong, _) => (StoreFailureKind.Refused, "The name is too long for this file system: use a shorter folder, or a partition transform with shorter values."),
            _ => (StoreFailureKind.Unreachable, "Check the disk and the path, then run again."),
        },
    };
}
