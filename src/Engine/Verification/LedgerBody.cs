using System.Text;
using Matih.Delivery.Ledgers;
using Matih.Storage;

namespace Matih.Verification;

/// <summary>A ledger read for verification: what is wrong with its side file is said, and the rest is read all the same.</summary>
internal sealed class LedgerBody(IStore store, FindingLog findings)
{
    private const string BegunAnew = "The pipeline has started over since then (--reset).";

    private static readonly byte[] NoSources = Encoding.UTF8.GetBytes("""{"sources":[]}""");

    /// <summary>Side files that were read and have the hash that their ledgers name.</summary>
    public int SideFileCount { get; private set; }

    /// <summary>The ledger, and whether it has its positions; null where the text is no ledger.</summary>
    /// <param name="isExpired">The snapshot is no longer part of the table's metadata, so that its side file may be gone.</param>
    /// <param name="isSuperseded">The pipeline has started over since, which is the way on from a ledger that cannot be read.</param>
    public async ValueTask<(Ledger Ledger, bool HasPositions)?> ReadAsync(string text, string on, bool isExpired, bool isSuperseded, CancellationToken cancellationToken)
    {
        try
        {
            if (LedgerFormat.ReadSideFile(text) is not { } file) return (LedgerFormat.Read(text, null), true);
            var content = await store.ReadAsync(file.Location, cancellationToken);
            if (content is not null && content.LongLength == file.LengthBytes && LedgerFormat.Sha256(content) == file.Sha256)
            {
                var ledger = LedgerFormat.Read(text, content);
                SideFileCount++;
                return (ledger, true);
            }
            ReportSideFile(file, content, on, isExpired, isSuperseded);
            return (LedgerFormat.Read(text, NoSources), false);
        }
        catch (FormatException e) when (isSuperseded)
        {
            findings.NotProvable(FindingCode.LedgerUnreadable, $"What {on} says, and all before it.", $"{e.Message} {BegunAnew}");
            return null;
        }
        catch (FormatException e)
        {
            findings.Violation(FindingCode.LedgerUnreadable, on, "a ledger", e.Message,
                "Use the version of matih that wrote it; if somebody changed it, roll the table back to before that snapshot.");
            return null;
        }
    }

    /// <summary>A snapshot has no ledger where one must be.</summary>
    public void ReportNone(string on, string expected, bool isSuperseded)
    {
        if (isSuperseded) findings.NotProvable(FindingCode.LedgerGone, $"What {on} says: expected {expected}.", $"It has none. {BegunAnew}");
        else
        {
            findings.Violation(FindingCode.LedgerGone, on, expected, "none",
                "Somebody removed it. Do not run the pipeline, which would read the records of that commit again: bring the metadata back from a backup, or roll the table back to before that snapshot.");
        }
    }

    private void ReportSideFile(SideFile file, byte[]? content, string on, bool isExpired, bool isSuperseded)
    {
        if (isSuperseded || content is null && isExpired)
        {
            findings.NotProvable(content is null ? FindingCode.SideFileMissing : FindingCode.SideFileAltered, $"The positions of {on}.",
                $"Its side file {file.Location} is {(content is null ? "gone" : "not the one that it names")}. {(isSuperseded ? BegunAnew : "The snapshot has expired.")}");
            return;
        }
        var expected = $"{file.Location} with {Quantity.Of(file.LengthBytes, "byte")} and SHA-256 {file.Sha256}";
        if (content is null)
        {
            findings.Violation(FindingCode.SideFileMissing, on, expected, "no such file", "Bring the file back from a backup: without it nobody knows which offsets the commit took.");
            return;
        }
        findings.Violation(FindingCode.SideFileAltered, on, expected, $"{Quantity.Of(content.LongLength, "byte")} and SHA-256 {LedgerFormat.Sha256(content)}", "Bring the file back from a backup.");
    }
}
