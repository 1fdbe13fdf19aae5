using System.Runtime.InteropServices;

namespace Matih.Storage;

/// <summary>The steps that make a new name on a local disk survive a power cut: fsync of the file, then of its directory.</summary>
/// <remarks>POSIX.1-2017, fsync(), link(), rename(). Windows has no directory fsync; its rename is journaled.</remarks>
internal static partial class DurableFile
{
    private const int Eexist = 17;
    private const int Einval = 22;

    /// <summary>Creates the folder and its missing parents; each new name is durable.</summary>
    public static void CreateFolder(string folder)
    {
        if (folder.Length == 0 || Directory.Exists(folder)) return;
        var parent = Path.GetDirectoryName(folder) ?? "";
        CreateFolder(parent);
        Directory.CreateDirectory(folder);
        FlushFolder(parent);
    }

    /// <summary>Gives the file a second name, unless that exists; then false.</summary>
    public static bool TryLink(string existing, string name)
    {
        if (OperatingSystem.IsWindows())
        {
            // Without overwriting, a move on Windows is atomic and fails where the name exists.
            if (File.Exists(name)) return false;
            File.Move(existing, name, overwrite: false);
            return true;
        }
        if (Link(existing, name) == 0) return true;
        var error = Marshal.GetLastPInvokeError();
        return error == Eexist ? false : throw Failure(error);
    }

    /// <summary>Makes names that were added to, or removed from, the folder durable.</summary>
    public static void FlushFolder(string folder)
    {
        if (folder.Length == 0 || OperatingSystem.IsWindows()) return;
        var descriptor = Open(folder, 0);
        if (descriptor < 0) throw Failure(Marshal.GetLastPInvokeError());
        try
        {
            if (Fsync(descriptor) == 0) return;
            var error = Marshal.GetLastPInvokeError();
            // Some network and FUSE file systems have no fsync for directories and say so with EINVAL.
            if (error != Einval) throw Failure(error);
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static IOException Failure(int error) => new(Marshal.GetPInvokeErrorMessage(error), error);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string name);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
