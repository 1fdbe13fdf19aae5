using System.Runtime.CompilerServices;

namespace Matih.Storage;

/// <summary>Reads several objects side by side, as an object store answers each in tens of milliseconds.</summary>
internal static class ReadAhead
{
    /// <summary>Reads at once.</summary>
    public const int CountMax = 16;

    /// <summary>The objects' bytes that are read at once, or wait for the caller; one object may have more.</summary>
    public const long BytesMax = 32 << 20;

    /// <summary>What is read of each item, in the items' order. The next reads run while the caller works on a result.</summary>
    /// <param name="bytesOf">How large the item's object is.</param>
    /// <remarks>
    /// It fails as reading one after the other would: with the failure of the first item that has one. Then, and where the caller
    /// stops early, the other reads are cancelled; none is left running.
    /// </remarks>
    public static async IAsyncEnumerable<TResult> ReadAheadAsync<TItem, TResult>(
        this IEnumerable<TItem> items, Func<TItem, long> bytesOf, Func<TItem, CancellationToken, ValueTask<TResult>> read, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = new Queue<(Task<TResult> Result, long Bytes)>();
        var bytes = 0L;
        try
        {
            foreach (var item in items)
            {
                var more = Math.Max(0, bytesOf(item));
                while (running.Count != 0 && (running.Count >= CountMax || bytes + more > BytesMax)) yield return await NextAsync();
                running.Enqueue((read(item, stop.Token).AsTask(), more));
                bytes += more;
            }
            while (running.Count != 0) yield return await NextAsync();
        }
        finally
        {
            stop.Cancel();
            foreach (var (result, _) in running) await ((Task)result).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }

        Task<TResult> NextAsync()
        {
            var (result, done) = running.Dequeue();
            bytes -= done;
            return result;
        }
    }
}
