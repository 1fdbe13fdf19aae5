using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Matih.Storage;

/// <summary>The steps that make a new name on a local disk survive a power cut: fsync of the file, then of its directory.</summary>
/// <remarks>POSIX.1-2017, fsync(), link(), rename(). Windows has no directory fsync; its rename is journaled.</remarks>
internal static partial class DurableFile
{
    private const int Eexist = 17;
    private const int Einval = 22;
    private const uint Ext = 0xEF53;
    private const uint Xfs = 0x58465342;
    private const uint Btrfs = 0x9123683E;
    private const uint F2fs = 0xF2F52010;

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

    /// <summary>
    /// The number of the file or folder's file system where one call can write all of that to disk and say whether it failed:
    /// Linux 5.8 or later, on a file system that keeps its files on a disk of this machine. Null elsewhere.
    /// </summary>
    /// <remarks>
    /// statfs(2), <c>struct statfs</c> of 64-bit Linux: <c>f_type</c> comes first, with the numbers of linux/magic.h, and
    /// <c>f_fsid</c> is the eighth field.
    /// </remarks>
    public static ulong? FlushableFileSystem(string path)
    {
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess || Environment.OSVersion.Version < new Version(5, 8)) return null;
        Span<ulong> status = stackalloc ulong[64];
        if (StatFs(path, ref MemoryMarshal.GetReference(status)) != 0 || (uint)status[0] is not (Ext or Xfs or Btrfs or F2fs)) return null;
        return status[7] != 0 ? status[7] : null;
    }

    /// <summary>A folder, opened for <see cref="FlushFileSystem"/>.</summary>
    public static SafeFileHandle OpenFolder(string folder)
    {
        var descriptor = Open(folder, 0);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw Failure(Marshal.GetLastPInvokeError());
    }

    /// <summary>Writes everything of a file system to disk; fails where a write failed since the file was opened.</summary>
    /// <remarks>syncfs(2).</remarks>
    public static void FlushFileSystem(SafeFileHandle file)
    {
        if (SyncFs(file) != 0) throw Failure(Marshal.GetLastPInvokeError());
    }

    private static IOException Failure(int error) => new(Marshal.GetPInvokeErrorMessage(error), error);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string name);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    private static partial int SyncFs(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "statfs", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatFs(string path, ref ulong status);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
