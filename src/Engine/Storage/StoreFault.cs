namespace Matih.Storage;

/// <summary>Failures of the local disk, reported with the object and the way out.</summary>
internal static class StoreFault
{
    private const int Enospc = 28;
    private const int Erofs = 30;
    private const int Enametoolong = 36;
    private const int Edquot = 122;
    private const int WindowsDiskFull = unchecked((int)0x80070070);

    public static bool IsEnvironmental(Exception exception) => exception is IOException or UnauthorizedAccessException;

    public static IOException Of(string action, string location, Exception cause) =>
        new($"Could not {action} {location}: {cause.Message.TrimEnd('.')}. {Remedy(cause)}", cause) { HResult = cause.HResult };

    private static string Remedy(Exception cause) => cause switch
    {
        UnauthorizedAccessException => "Give this user the right to do so, or name another folder.",
        _ => (cause.HResult & 0xFFFF, cause.HResult) switch
        {
            (Enospc, _) or (Edquot, _) or (_, WindowsDiskFull) => "Free space on that disk (or raise the quota), then run again; nothing was left behind.",
            (Erofs, _) => "The disk is mounted read-only: name another folder.",
            (Enametoolong, _) => "The name is too long for this file system: use a shorter folder, or a partition transform with shorter values.",
            _ => "Check the disk and the path, then run again.",
        },
    };
}
