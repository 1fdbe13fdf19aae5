using Matih.Delivery.Tables;
using Matih.Storage;

namespace Matih.Delivery.Staging;

/// <summary>
/// The staged ranges of one key: <c>&lt;beside the table&gt;/_matih/&lt;table uuid&gt;/staged/&lt;pipeline&gt;/&lt;sink&gt;/&lt;key&gt;/</c>.
/// A store's list may be late with what was written a moment ago; whoever decides by it must be right without, too.
/// </summary>
internal sealed class StagingArea(IStore store, ITableVersion table, StagingKey key)
{
    /// <summary>Ranges of other keys may be those of members that are being replaced one after the other, but not for so long.</summary>
    private static readonly TimeSpan ForgottenAge = TimeSpan.FromDays(1);

    private readonly string _flowFolder = $"{SideFolder.Of(table)}{SideFolder.StagedFolder}{key.Flow.Pipeline}/{key.Flow.Sink}";

    private string Folder => $"{_flowFolder}/{key.FolderName}";

    public async ValueTask<IReadOnlyList<RangeName>> ListAsync(CancellationToken cancellationToken)
    {
        var names = new List<RangeName>();
        await foreach (var item in store.ListAsync($"{Folder}/", cancellationToken))
            if (RangeName.Parse(item.Location, item.LastModified) is { } name) names.Add(name with { Folder = Folder });
        return names;
    }

    /// <summary>
    /// Deletes the records of ranges that nobody will use: of another generation, definition, topic or schema, and old. Their
    /// data files stay, as files that nothing refers to.
    /// </summary>
    public async ValueTask ClearForgottenAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var forgotten = new List<string>();
        await foreach (var item in store.ListAsync($"{_flowFolder}/", cancellationToken))
            if (now - item.LastModified > ForgottenAge && !item.Location.Contains($"/{key.FolderName}/", StringComparison.Ordinal)) forgotten.Add(item.Location);
        foreach (var location in forgotten) await store.DeleteAsync(location, cancellationToken);
    }

    /// <summary>Makes the range known, once for all. Its files are durable already.</summary>
    /// <returns>False where another reader staged the same range before; its files count then, and these never will.</returns>
    public async ValueTask<bool> StageAsync(StagedRange range, CancellationToken cancellationToken)
    {
        var location = range.NameIn(Folder).Location;
        var bytes = StagedRangeFormat.Write(range, key, table);
        IOException? lost = null;
        try
        {
            if (await store.PutIfAbsentAsync(location, bytes, cancellationToken)) return true;
        }
        catch (IOException e)
        {
            lost = e;
        }
        // Refused or unanswered: what stands there decides. The files have names of their own, so equal bytes are ours.
        var standing = await store.ReadAsync(location, cancellationToken);
        if (standing is null) throw lost ?? new StoreException(StoreFailureKind.Absent, location, $"{location} existed, and then did not.");
        return standing.AsSpan().SequenceEqual(bytes);
    }

    /// <summary>The range of that name, or null where it is gone.</summary>
    /// <exception cref="FormatException">It is damaged.</exception>
    public async ValueTask<StagedRange?> ReadAsync(RangeName name, CancellationToken cancellationToken) =>
        await store.ReadAsync(name.Location, cancellationToken) is { } bytes ? StagedRangeFormat.Read(bytes, name, key, table) : null;

    /// <summary>Whether every file of the range is there, as long as it was when it was staged.</summary>
    public async ValueTask<bool> HasFilesAsync(StagedRange range, CancellationToken cancellationToken)
    {
        var looking = range.Files.ReadAheadAsync(_ => 0, async (file, token) => await store.LengthAsync(file.Location, token) == file.LengthBytes, cancellationToken);
        return await looking.AllAsync(isThere => isThere, cancellationToken);
    }
}
