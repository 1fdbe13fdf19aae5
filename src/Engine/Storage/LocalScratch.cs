namespace Matih.Storage;

/// <summary>Scratch space in a folder of the local disk, which several processes may share.</summary>
/// <remarks>
/// A file loses its name as soon as it is open (on Windows, when the system closes it for its process), so that the system
/// frees it when the process ends, also by SIGKILL: there are no leftovers to look for.
/// </remarks>
public sealed class LocalScratch(string folder, IIdSource ids) : IScratchSpace
{
    public IScratchFile Create()
    {
        var path = Path.Combine(folder, $"matih-{ids.NewUuid():N}.scratch");
        try
        {
            Directory.CreateDirectory(folder);
            var stream = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, bufferSize: 0, FileOptions.DeleteOnClose);
            if (!OperatingSystem.IsWindows()) File.Delete(path);
            return new ScratchFile(stream, path);
        }
        catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
        {
            throw StoreFault.Of("write scratch file", path, exception);
        }
    }

    private sealed class ScratchFile(FileStream stream, string path) : IScratchFile
    {
        public long LengthBytes { get; private set; }

        public void Append(ReadOnlySpan<byte> bytes)
        {
            try
            {
                RandomAccess.Write(stream.SafeFileHandle, bytes, LengthBytes);
                LengthBytes += bytes.Length;
            }
            catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
            {
                throw StoreFault.Of("write scratch file", path, exception);
            }
        }

        public void Read(long offset, Span<byte> target)
        {
            try
            {
                while (!target.IsEmpty)
                {
                    var read = RandomAccess.Read(stream.SafeFileHandle, target, offset);
                    if (read == 0) throw new EndOfStreamException($"It has {Quantity.Of(LengthBytes, "byte")}; more were asked for.");
                    offset += read;
                    target = target[read..];
                }
            }
            catch (Exception exception) when (StoreFault.IsEnvironmental(exception))
            {
                throw StoreFault.Of("read scratch file", path, exception);
            }
        }

        public void Dispose() => stream.Dispose();
    }
}
