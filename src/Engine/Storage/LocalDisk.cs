using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Matih.Storage;

/// <summary>The steps that make a new name on a local disk survive a power cut: fsync of the file, then of its directory.</summary>
/// <remarks>Tests replace single steps, to see what a power cut would leave. POSIX.1-2017, fsync(), link(), rename(). Windows has no directory fsync; its rename is journaled.</remarks>
internal partial class LocalDisk
{
    /// <summary>The disk of this machine.</summary>
    public static LocalDisk Real { get; } = new();

    private const int Eexist = 17;
    private const int Einval = 22;
    private const int Ordwr = 2;
    private const int Ocloexec = 0x8_0000;
    private const int Otmpfile = 0x40_0000;
    private const uint Ext = 0xEF53;
    private const uint Xfs = 0x58465342;
    private const uint Btrfs = 0x9123683E;
    private const uint F2fs = 0xF2F52010;

    /// <summary>Creates the folder and its missing parents; each new name is durable.</summary>
    public virtual void CreateFolder(string folder)
    {
        if (folder.Length == 0 || Directory.Exists(folder)) return;
        var parent = Path.GetDirectoryName(folder) ?? "";
        CreateFolder(parent);
        Directory.CreateDirectory(folder);
        FlushFolder(parent);
    }

    /// <summary>Opens a new file for writing. Nobody else knows the name: a lock on the whole file costs least.</summary>
    public virtual SafeFileHandle Create(string path) => File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None);

    /// <summary>
    /// Opens a new file without a name, for reading and writing; it is gone when it is closed, also by the end of the process.
    /// Null where the system or the file system has no such files.
    /// </summary>
    /// <remarks>
    /// open(2), O_TMPFILE, Linux 3.11 or later. Such a file takes the flag O_DIRECTORY too, whose number is not the same on
    /// every processor.
    /// </remarks>
    public virtual SafeFileHandle? TryCreateUnnamed(string folder)
    {
        if (!OperatingSystem.IsLinux()) return null;
        var directory = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 or Architecture.X86 => 0x1_0000,
            Architecture.Arm64 or Architecture.Arm => 0x4000,
            _ => 0,
        };
        if (directory == 0) return null;
        var descriptor = OpenNew(folder, Otmpfile | directory | Ocloexec | Ordwr, Convert.ToUInt32("600", 8));
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : null;
    }

    /// <summary>Makes the content of a file durable, not its name.</summary>
    public virtual void FlushFile(SafeFileHandle file, string path) => RandomAccess.FlushToDisk(file);

    /// <summary>Gives the file a second name, unless that exists; then false.</summary>
    public virtual bool TryLink(string existing, string name)
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

    /// <summary>Gives the file another name, which it takes from a file that has it.</summary>
    public virtual void Replace(string existing, string name)
    {
        if (OperatingSystem.IsWindows()) File.Move(existing, name, overwrite: true);
        else if (Rename(existing, name) != 0) throw Failure(Marshal.GetLastPInvokeError());
    }

    /// <summary>Makes names that were added to, or removed from, the folder durable.</summary>
    public virtual void FlushFolder(string folder)
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
    public virtual ulong? FlushableFileSystem(string path)
    {
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess || Environment.OSVersion.Version < new Version(5, 8)) return null;
        Span<ulong> status = stackalloc ulong[64];
        if (StatFs(path, ref MemoryMarshal.GetReference(status)) != 0 || (uint)status[0] is not (Ext or Xfs or Btrfs or F2fs)) return null;
        return status[7] != 0 ? status[7] : null;
    }

    /// <summary>A folder, opened for <see cref="FlushFileSystem"/>.</summary>
    public virtual SafeFileHandle OpenFolder(string folder)
    {
        var descriptor = Open(folder, 0);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw Failure(Marshal.GetLastPInvokeError());
    }

    /// <summary>Writes everything of a file system to disk; fails where a write failed since the file was opened.</summary>
    /// <remarks>syncfs(2).</remarks>
    public virtual void FlushFileSystem(SafeFileHandle file)
    {
        if (SyncFs(file) != 0) throw Failure(Marshal.GetLastPInvokeError());
    }

    private static IOException Failure(int error) => new(Marshal.GetPInvokeErrorMessage(error), error);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string name);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Rename(string existing, string name);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenNew(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    private static partial int SyncFs(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "statfs", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatFs(string path, ref ulong status);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
