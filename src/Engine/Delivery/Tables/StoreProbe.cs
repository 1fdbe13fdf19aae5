using Matih.Storage;

namespace Matih.Delivery.Tables;

/// <summary>
/// Makes sure that a store really refuses to write over what exists: some that speak the protocol ignore preconditions, and some
/// look first and write then, so that only writers of the same moment show it. With either, two pipelines would both win.
/// </summary>
internal static class StoreProbe
{
    private const int AttemptsMax = 3;

    /// <summary>Two answers are needed to compare; others may be lost.</summary>
    private const int AnswersMin = 2;

    /// <exception cref="PipelineException">The store wrote one object twice, or lost what it had accepted.</exception>
    /// <exception cref="StoreException">Too few writes were answered, several times in a row.</exception>
    public static async ValueTask RequireConditionalWritesAsync(ITableHistory table, IIdSource ids, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var location = $"{SideFolder.Of(table)}/probe-{ids.NewUuid():N}";
            var race = await WriteRace.RunAsync(table.Store, location, ids, cancellationToken);
            // None accepted is right as well: the answer of the one that stands was lost, and a client below met its own write.
            var isRight = race.AcceptedCount == 0 ? race.HasStanding || race.RefusedCount == 0 : race.AcceptedCount == 1 && race.IsOfAccepted;
            if (!isRight)
            {
                throw PipelineException.Refused(
                    $"The store of table {table.Identifier} does not honour conditional writes: of {WriteRace.WriterCount} writes of {location} at the same time that were to succeed only where nothing exists, {race.AcceptedCount} were accepted, and {(!race.HasStanding ? "nothing" : race.IsOfAccepted ? "one of these" : "another one")} stands.",
                    "Use a store that has atomic put-if-absent (If-None-Match on S3 and Azure Blob, hard links on a disk).");
            }
            if (race.AcceptedCount + race.RefusedCount >= AnswersMin) return;
            if (attempt == AttemptsMax) throw race.Lost!;
        }
    }
}
