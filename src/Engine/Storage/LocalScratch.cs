using Microsoft.Win32.SafeHandles;

namespace Matih.Storage;

/// <summary>Scratch space in a folder of the local disk, which several processes may share.</summary>
/// <remarks>
/// On Linux a file never has a name, where the file system can do that; elsewhere it loses its name as soon as it is open (on
/// Windows, when the system closes it for its process). So the system frees it when the process ends, also by SIGKILL: there
/// are no leftovers to look for.
/// </remarks>
/// <param name="folder">Created when the first file is.</param>
/// <param name="setting">What a person sets to choose another folder; failures name it.</param>
public sealed class LocalScratch(string folder, IIdSource ids, string? setting = null) : IScratchSpace
{
    private string Name { get; } = setting is null ? "scratch file" : $"scratch file ({setting} names its folder)";

    public IScratchFile Create()
    {
        var path = Path.Combine(folder, $"matih-{ids.NewUuid():N}.scratch");
        try
        {
            Directory.CreateDirectory(folder);
            return new ScratchFile(LocalDisk.Real.TryCreateUnnamed(folder) ?? CreateNamed(path), path, Name);
        }
        catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
        {
            throw StoreFault.Of($"write {Name}", path, exception);
        }
    }

    private static SafeFileHandle CreateNamed(string path)
    {
        var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, FileOptions.DeleteOnClose);
        if (!OperatingSystem.IsWindows()) File.Delete(path);
        return file;
    }

    private sealed class ScratchFile(SafeFileHandle file, string path, string name) : IScratchFile
    {
        public long LengthBytes { get; private set; }

        public void Append(ReadOnlySpan<byte> bytes)
        {
            try
            {
                RandomAccess.Write(file, bytes, LengthBytes);
                LengthBytes += bytes.Length;
            }
            catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
            {
                throw StoreFault.Of($"write {name}", path, exception);
            }
        }

        public void Read(long offset, Span<byte> target)
        {
            try
            {
                while (!target.IsEmpty)
                {
                    var read = RandomAccess.Read(file, target, offset);
                    if (read == 0) throw new EndOfStreamException($"It has {Quantity.Of(LengthBytes, "byte")}; more were asked for.");
                    offset += read;
                    target = target[read..];
                }
            }
            catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
            {
                throw StoreFault.Of($"read {name}", path, exception);
            }
        }

        public void Dispose() => file.Dispose();
    }
}
