namespace Matih.Storage;

/// <summary>
/// How it went when several writers put one object at the same moment, each with a content of its own, where nothing may exist.
/// </summary>
/// <param name="AcceptedCount">Writers that were told that theirs is the object.</param>
/// <param name="RefusedCount">Writers that were told that one exists.</param>
/// <param name="HasStanding">Whether the object exists afterwards.</param>
/// <param name="IsOfAccepted">Whether it is that of a writer who was accepted.</param>
/// <param name="Lost">Why a writer had no answer that says what was done; null where all had.</param>
public sealed record WriteRace(int AcceptedCount, int RefusedCount, bool HasStanding, bool IsOfAccepted, StoreException? Lost)
{
    public const int WriterCount = 8;

    /// <summary>Lets the writers race, and deletes the object.</summary>
    /// <exception cref="StoreException">A writer was denied or refused, or the object could not be read or deleted.</exception>
    public static async ValueTask<WriteRace> RunAsync(IStore store, string location, IIdSource ids, CancellationToken cancellationToken)
    {
        byte[][] contents = [.. Enumerable.Range(0, WriterCount).Select(_ => ids.NewUuid().ToByteArray())];
        var answers = await Task.WhenAll(contents.Select(content => PutAsync(store, location, content, cancellationToken)));
        var standing = await store.ReadAsync(location, cancellationToken);
        await store.DeleteAsync(location, cancellationToken);
        return new WriteRace(
            answers.Count(answer => answer.IsPut == true), answers.Count(answer => answer.IsPut == false), standing is not null,
            standing is not null && contents.Where((content, i) => answers[i].IsPut == true && content.AsSpan().SequenceEqual(standing)).Any(),
            answers.Select(answer => answer.Lost).FirstOrDefault(lost => lost is not null));
    }

    private static async Task<(bool? IsPut, StoreException? Lost)> PutAsync(IStore store, string location, byte[] content, CancellationToken cancellationToken)
    {
        try
        {
            return (await store.PutIfAbsentAsync(location, content, cancellationToken), null);
        }
        catch (StoreException lost) when (lost.Kind is StoreFailureKind.UnknownOutcome or StoreFailureKind.Unreachable or StoreFailureKind.Throttled)
        {
            return (null, lost);
        }
    }
}
