using Matih.Delivery;
using Matih.Flink;
using Matih.Storage;

namespace Matih.Hosting.Flink;

/// <summary>Reads savepoints and checkpoints from here, where their files are.</summary>
/// <param name="stores">Those of the pipeline's catalogs: a savepoint in an object store is read with the same credentials.</param>
public sealed class SavepointFolder(IEnumerable<IStore> stores)
{
    /// <param name="folder">A path of this machine, or an address that a catalog's store can read.</param>
    /// <exception cref="PipelineException">It is none, or cannot be read from here.</exception>
    public async Task<Savepoint> ReadAsync(string folder, CancellationToken cancellationToken)
    {
        var place = folder.TrimEnd('/');
        try
        {
            return await new SavepointReader((name, token) => ReadFileAsync($"{place}/{name}", token)).ReadAsync(cancellationToken);
        }
        catch (FormatException unknown)
        {
            throw FlinkHttp.Refused($"Savepoint {folder} cannot be read: {unknown.Message}", "Give the folder that `matih flink stop` printed, as it is reached from here, of a job that `matih deploy` brought onto Flink 1.20.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PipelineException(FailureKind.Store, $"Savepoint {folder} cannot be read: {e.Message}", "Give the folder as it is reached from here, and read access to it.", e);
        }
    }

    private async ValueTask<byte[]?> ReadFileAsync(string location, CancellationToken cancellationToken)
    {
        if (!location.Contains("://", StringComparison.Ordinal))
        {
            var path = location.StartsWith("file:", StringComparison.Ordinal) ? location["file:".Length..] : location;
            return File.Exists(path) ? await File.ReadAllBytesAsync(path, cancellationToken) : null;
        }
        StoreException? refused = null;
        foreach (var store in stores)
        {
            try
            {
                if (await store.ReadAsync(location, cancellationToken) is { } bytes) return bytes;
            }
            catch (StoreException e)
            {
                refused = e;
            }
        }
        return refused is null ? null : throw refused;
    }
}
