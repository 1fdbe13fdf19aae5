using System.Runtime.CompilerServices;
using Matih.Connectors.Sql;
using Matih.Definition;
using Matih.Iceberg.Catalogs;
using Matih.Storage;

namespace Matih.Connectors;

/// <summary>One thing that was tried with a catalog or a store.</summary>
/// <param name="What">What was tried, and on what.</param>
/// <param name="Fault">Why it failed and what to do; null where it works.</param>
public sealed record CheckedStep(string What, string? Fault);

/// <summary>
/// Tries what a pipeline needs of a catalog: its address and credentials, and writing, reading, listing, deleting and conditional
/// writes where its tables are. It leaves nothing behind where it can delete, and stops at the first thing that does not work, after
/// half a minute at the latest.
/// </summary>
/// <param name="table">A table whose place is tried, with what the catalog lends for it. Null: the warehouse of the definition, where it has one.</param>
public sealed class CatalogCheck(CatalogDefinition definition, TableIdentifier? table, IIdSource ids, TimeProvider clock)
{
    /// <summary>The longest that a check takes, whatever the catalog and its store do.</summary>
    public static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(30);

    /// <summary>Who checks wants to know the cause: what fails is tried again for a moment only, and silence is not waited for as long as in a run.</summary>
    internal CallLimits? Limits { get; init; } = new(AgainMax: TimeSpan.FromSeconds(3), AnswerMax: TimeSpan.FromSeconds(8));

    public async IAsyncEnumerable<CheckedStep> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(TimeMax, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        Task<CheckedStep> TryWithinAsync(string what, Func<Task<string?>> attempt) => TryAsync(what, attempt, both.Token, cancellationToken);
        var store = StoreOpening.Open(definition.Stores, ids, clock, Limits);
        ICatalog catalog = null!;
        var opening = await TryWithinAsync("its settings can be used", () =>
        {
            catalog = CatalogOpening.Open(definition, store, ids, clock, Limits);
            return Task.FromResult<string?>(null);
        });
        if (opening.Fault is not null)
        {
            yield return opening;
            yield break;
        }
        Table? found = null;
        var absent = new TableIdentifier(["matih_check"], $"t{ids.NewUuid():N}");
        var asked = table is null ? "no table of a name that none has" : $"table {table}";
        var answer = await TryWithinAsync($"the {catalog.Name} answers, and finds {asked}", async () =>
        {
            found = await catalog.LoadAsync(table ?? absent, both.Token);
            return table is not null && found is null ? $"There is no table {table}. Check its name, and whether these credentials may see it." : null;
        });
        yield return answer;
        if (answer.Fault is not null) yield break;

        if (catalog is SqlCatalog rows)
        {
            var writing = await TryWithinAsync("its rows can be written", async () =>
            {
                await rows.CheckWritableAsync(absent, both.Token);
                return null;
            });
            yield return writing;
            if (writing.Fault is not null) yield break;
        }

        if (found is not null) store = found.Store as LocationStore ?? store;
        var folder = found is not null ? $"{found.Metadata.Location.TrimEnd('/')}/metadata" : Warehouse;
        if (folder is null) yield break;
        var prefix = $"{folder}/matih-check-{ids.NewUuid():N}-";
        var location = $"{prefix}object";
        foreach (var (what, attempt) in StepsOf(store, prefix, location, both.Token))
        {
            var step = await TryWithinAsync(what, attempt);
            // Nothing stays behind where a later step fails and deleting works.
            if (step.Fault is not null) await TryWithinAsync("", () => DeleteAsync(store, location, both.Token));
            yield return step;
            if (step.Fault is not null) yield break;
        }
    }

    private string? Warehouse => definition switch { CatalogDefinition.File file => file.Warehouse, CatalogDefinition.Sql sql => sql.Warehouse, _ => null };

    /// <summary>What may keep silent, for a message.</summary>
    private string Addresses
    {
        get
        {
            var catalog = definition switch { CatalogDefinition.Rest rest => rest.Uri.ToString(), CatalogDefinition.Sql { Database: SqlDatabase.PostgreSql server } => $"{server.Host}:{server.Port}", _ => null };
            var store = (Warehouse is null ? (StoreKind?)null : StoreLocation.KindOf(Warehouse)) switch
            {
                StoreKind.S3 => definition.Stores.S3.Endpoint?.ToString() ?? "S3 of AWS",
                StoreKind.Azure => definition.Stores.Azure.Endpoint?.ToString() ?? Warehouse,
                _ => null,
            };
            return string.Join(" and ", new[] { catalog, store }.OfType<string>().DefaultIfEmpty(Warehouse));
        }
    }

    private IEnumerable<(string What, Func<Task<string?>> Attempt)> StepsOf(IStore store, string prefix, string location, CancellationToken cancellationToken)
    {
        var content = ids.NewUuid().ToByteArray();
        yield return ($"an object can be written: {location}", async () =>
        {
            await using var writer = await store.CreateAsync(location, cancellationToken);
            await writer.WriteAsync(content, cancellationToken);
            await writer.CompleteAsync(cancellationToken);
            return null;
        });
        yield return ("it can be read", async () =>
            await store.ReadAsync(location, cancellationToken) is { } read && read.AsSpan().SequenceEqual(content) ? null : "The store gave something else back, or nothing. Use another store: this one loses what it accepted.");
        yield return ($"what begins with {prefix} can be listed", async () =>
        {
            await foreach (var item in store.ListAsync(prefix, cancellationToken))
                if (item.Location == location) return null;
            return "The object that was just written is not in the list. Use a store whose lists are up to date.";
        });
        yield return ($"of {WriteRace.WriterCount} writers at the same time exactly one creates an object", () => RaceAsync(store, $"{prefix}race", cancellationToken));
        yield return ("objects can be deleted", () => DeleteAsync(store, location, cancellationToken));
    }

    private static async Task<string?> DeleteAsync(IStore store, string location, CancellationToken cancellationToken)
    {
        await store.DeleteAsync(location, cancellationToken);
        return await store.LengthAsync(location, cancellationToken) is null ? null : "The object is still there after it was deleted.";
    }

    private async Task<string?> RaceAsync(IStore store, string location, CancellationToken cancellationToken)
    {
        var race = await WriteRace.RunAsync(store, location, ids, cancellationToken);
        if (race.Lost is { } lost) throw lost;
        return race.AcceptedCount == 1 && race.IsOfAccepted ? null
            : $"{Quantity.Of(race.AcceptedCount, "writer")} {(race.AcceptedCount == 1 ? "was" : "were")} accepted{(race.AcceptedCount == 1 ? ", and another one's content stands" : "")}: the store does not honour conditional writes (If-None-Match), so that two pipelines would overwrite each other. Use another store.";
    }

    /// <param name="limited">Ends at the limit, or when the caller cancels.</param>
    private async Task<CheckedStep> TryAsync(string what, Func<Task<string?>> attempt, CancellationToken limited, CancellationToken cancellationToken)
    {
        try
        {
            // Not every client ends at once when it is cancelled.
            return new(what, await attempt().WaitAsync(limited));
        }
        catch (OperationCanceledException) when (limited.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return new(what, $"This was not done when the check had taken {TimeMax.TotalSeconds:0} s. Check that {Addresses} is the right address and can be reached from here (a firewall that drops packets looks like this), and the health of what is there.");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidTableException or UnsupportedTableException)
        {
            return new(what, failure.Message);
        }
    }
}
