using System.Text;
using Matih.Delivery;
using Matih.Storage;

namespace Matih.Verification;

/// <summary>A ledger read for verification: what is wrong with its side file is said, and the rest is read all the same.</summary>
internal sealed class LedgerBody(IStore store, FindingLog findings)
{
    private static readonly byte[] NoSources = Encoding.UTF8.GetBytes("""{"sources":[]}""");

    /// <summary>Side files that were read and have the hash that their ledgers name.</summary>
    public int SideFileCount { get; private set; }

    /// <summary>The ledger, and whether it has its positions; null where the text is no ledger.</summary>
    /// <param name="isExpired">The snapshot is no longer part of the table's metadata, so that its side file may be gone.</param>
    public async ValueTask<(Ledger Ledger, bool HasPositions)?> ReadAsync(string text, string on, bool isExpired, CancellationToken cancellationToken)
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
            ReportSideFile(file, content, on, isExpired);
            return (LedgerFormat.Read(text, NoSources), false);
        }
        catch (FormatException e)
        {
            findings.Violation(FindingCode.LedgerUnreadable, on, "a ledger", e.Message,
                "Use the version of matih that wrote it; if somebody changed it, roll the table back to before that snapshot.");
            return null;
        }
    }

    private void ReportSideFile(SideFile file, byte[]? content, string on, bool isExpired)
    {
        if (content is null && isExpired)
        {
            findings.NotProvable(FindingCode.SideFileMissing, $"The positions of {on}.", $"Its side file {file.Location} is gone, and the snapshot has expired.");
            return;
        }
        var expected = $"{file.Location} with {file.LengthBytes} bytes and SHA-256 {file.Sha256}";
        if (content is null)
        {
            findings.Violation(FindingCode.SideFileMissing, on, expected, "no such file", "Bring the file back from a backup: without it nobody knows which offsets the commit took.");
            return;
        }
        findings.Violation(FindingCode.SideFileAltered, on, expected, $"{content.LongLength} bytes and SHA-256 {LedgerFormat.Sha256(content)}", "Bring the file back from a backup.");
    }
}
