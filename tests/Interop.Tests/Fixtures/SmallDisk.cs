namespace Matih.Fixtures;

/// <summary>
/// A file system of a few megabytes in memory, mounted on a folder, so that a test can fill it. It is unmounted with the
/// fixture, and also when the test process dies.
/// </summary>
public sealed class SmallDisk : IAsyncDisposable
{
    private const string Mount = """
        mount -t tmpfs -o "size=$2" matih-test "$1" || exit 1
        echo mounted
        read -r _
        umount -l "$1"
        """;

    private readonly ExternalProcess _guard;
    private readonly string _filler;

    private SmallDisk(ExternalProcess guard, string folder)
    {
        _guard = guard;
        _filler = Path.Combine(folder, "filler");
    }

    /// <summary>Mounts it. Skips the test, with the reason, where this user may not mount anything.</summary>
    public static async Task<SmallDisk> MountAsync(string folder, int sizeBytes)
    {
        Directory.CreateDirectory(folder);
        var guard = ExternalProcess.Start("/bin/sh", ["-c", Mount, "sh", folder, sizeBytes.ToString(System.Globalization.CultureInfo.InvariantCulture)], keepInputOpen: true);
        try
        {
            await guard.Output.WaitForAsync("mounted");
        }
        catch (EndOfStreamException)
        {
            var reason = guard.Error.Text.Trim();
            await guard.DisposeAsync();
            Assert.Skip($"needs the right to mount a file system that can be filled: {reason}");
        }
        return new SmallDisk(guard, folder);
    }

    /// <summary>Fills it up to that many free bytes.</summary>
    public void FillUpTo(int freeBytes)
    {
        Free();
        var free = new DriveInfo(Path.GetDirectoryName(_filler)!).AvailableFreeSpace;
        using var file = File.Create(_filler);
        var zeros = new byte[4096];
        try
        {
            for (var left = free - freeBytes; left > 0; left -= zeros.Length) file.Write(zeros);
            file.Flush(flushToDisk: true);
        }
        catch (IOException) when (freeBytes == 0)
        {
            // Full, as asked.
        }
    }

    /// <summary>Gives the space back.</summary>
    public void Free() => File.Delete(_filler);

    public async ValueTask DisposeAsync()
    {
        if (!_guard.HasExited)
        {
            _guard.Input.Close();
            await _guard.WaitForExitAsync();
        }
        await _guard.DisposeAsync();
    }
}
