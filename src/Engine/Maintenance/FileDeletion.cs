using Matih.Storage;

namespace Matih.Maintenance;

/// <summary>Deletes files side by side, as far as the store lets it.</summary>
internal static class FileDeletion
{
    /// <returns>Those that the store did not delete, each with its reason.</returns>
    public static async ValueTask<IReadOnlyList<(T File, string Reason)>> DeleteAsync<T>(IStore store, IEnumerable<T> files, Func<T, string> pathOf, CancellationToken cancellationToken)
    {
        var left = new List<(T, string)>();
        await foreach (var (file, reason) in files.ReadAheadAsync(_ => 0, TryDeleteAsync, cancellationToken))
            if (reason is not null) left.Add((file, reason));
        return left;

        async ValueTask<(T File, string? Reason)> TryDeleteAsync(T file, CancellationToken token)
        {
            try
            {
                await store.DeleteAsync(pathOf(file), token);
                return (file, null);
            }
            catch (IOException e)
            {
                return (file, e.Message);
            }
        }
    }
}
