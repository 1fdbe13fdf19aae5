using System.Text.RegularExpressions;
using Matih.Delivery;
using Matih.Flink;
using Matih.Storage;

namespace Matih.Hosting.Flink;

/// <summary>Reads savepoints and checkpoints from here, where their files are.</summary>
/// <param name="stores">Those of the pipeline's catalogs: a savepoint in an object store is read with the same credentials.</param>
public sealed partial class SavepointFolder(IEnumerable<IStore> stores)
{
    /// <summary>A place as the cluster gets it: an address as it is, a path of this machine with its root, and never the file inside.</summary>
    /// <param name="currentDirectory">Where relative paths begin.</param>
    public static string Locate(string place, string currentDirectory)
    {
        var folder = place.EndsWith($"/{SavepointReader.MetadataFile}", StringComparison.Ordinal) ? place[..^(SavepointReader.MetadataFile.Length + 1)] : place;
        return Address().IsMatch(folder) ? folder : Path.GetFullPath(folder, currentDirectory);
    }

    /// <summary>Looks whether it can be a savepoint or checkpoint at all, whatever kind of job has made it.</summary>
    /// <returns>False where this machine cannot see it; Flink may.</returns>
    /// <exception cref="PipelineException">It is none.</exception>
    internal async Task<bool> LookAsync(string folder, CancellationToken cancellationToken)
    {
        byte[]? metadata;
        try
        {
            metadata = await ReadFileAsync($"{folder.TrimEnd('/')}/{SavepointReader.MetadataFile}", cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
        if (metadata is not null) return SavepointReader.HasMark(metadata) ? true : throw None($"its file {SavepointReader.MetadataFile} does not begin as Flink's do");
        if (PathOf(folder) is not { } path) return false;
        if (File.Exists(path)) throw None("it is a file, not a folder");
        return Directory.Exists(path) ? throw None($"the folder has no file {SavepointReader.MetadataFile}, which Flink writes last") : false;

        PipelineException None(string why) => FlinkHttp.Refused($"{folder} is no savepoint or checkpoint: {why}.", "Give the folder that `matih flink stop` has printed, or the highest chk-N of a job that has such a file.");
    }

    /// <param name="folder">A path of this machine, or an address that a catalog's store can read.</param>
    /// <exception cref="PipelineException">It is none, or cannot be read from here.</exception>
    public async Task<Savepoint> ReadAsync(string folder, CancellationToken cancellationToken)
    {
        var place = folder.TrimEnd('/');
        await LookAsync(folder, cancellationToken);
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
        if (PathOf(location) is { } path) return File.Exists(path) ? await File.ReadAllBytesAsync(path, cancellationToken) : null;
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

    /// <summary>Flink writes <c>file:/path</c>, people also <c>file:///path</c>; null for another machine's.</summary>
    private static string? PathOf(string location) => location switch
    {
        _ when location.StartsWith("file:///", StringComparison.Ordinal) => location["file://".Length..],
        _ when location.StartsWith("file:/", StringComparison.Ordinal) && !location.StartsWith("file://", StringComparison.Ordinal) => location["file:".Length..],
        _ => Address().IsMatch(location) ? null : location,
    };

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9+.-]*:/", RegexOptions.CultureInvariant)]
    private static partial Regex Address();
}
