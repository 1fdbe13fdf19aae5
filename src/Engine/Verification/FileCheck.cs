using System.Globalization;
using Matih.Iceberg;
using Matih.Parquet;
using Matih.Storage;

namespace Matih.Verification;

/// <summary>Looks at the data files themselves: they are there, and hold what the manifests say, by their length and their footer. No rows are read.</summary>
internal sealed class FileCheck(IStore store, FindingLog findings)
{
    /// <summary>Looked at side by side: an object store answers each in tens of milliseconds.</summary>
    private const int BatchCount = 16;

    private const string Restore = "Bring the file back from a backup. Otherwise roll the table back to before the commit that added it, and let the pipeline read the range again.";

    public async ValueTask CheckAsync(IReadOnlyList<ListedFile> files, CancellationToken cancellationToken)
    {
        var (right, rows, bytes) = (0, 0L, 0L);
        var withoutFooter = 0;
        foreach (var batch in files.Chunk(BatchCount))
        {
            var looks = await Task.WhenAll(batch.Select(file => LookAsync(file, cancellationToken).AsTask()));
            foreach (var (file, fault) in batch.Zip(looks))
            {
                if (fault is { Code: { } code }) findings.Violation(code, file.Path, fault.Expected, fault.Found, Restore);
                else if (fault is not null) withoutFooter++;
                else (right, rows, bytes) = (right + 1, rows + file.RowCount, bytes + file.LengthBytes);
            }
        }
        if (right > 0)
            findings.Proved(FindingCode.Files, $"{Count(right)} live files that hold the flow's rows are there with the length and, by their footers, the {Count(rows)} rows that the manifests say ({Count(bytes)} bytes).");
        if (withoutFooter > 0)
        {
            findings.NotProvable(FindingCode.Files, $"How many rows {Count(withoutFooter)} live files hold that other engines wrote in place of the flow's.",
                "They are no Parquet files of a form that is read here; they are there with the right length.");
        }
    }

    /// <summary>Null where the file is right; a fault without a code where only its footer cannot be read here.</summary>
    private async ValueTask<FileFault?> LookAsync(ListedFile file, CancellationToken cancellationToken)
    {
        if (await store.LengthAsync(file.Path, cancellationToken) is not { } length)
            return new FileFault(FindingCode.FileMissing, $"a file of {file.LengthBytes} bytes with {file.RowCount} rows", "no such file");
        if (length != file.LengthBytes) return new FileFault(FindingCode.FileLength, $"{file.LengthBytes} bytes", $"{length} bytes");
        if (!file.Format.Equals("parquet", StringComparison.OrdinalIgnoreCase)) return new FileFault(null, "", "");
        try
        {
            var footer = await ParquetFileReader.ReadMetadataAsync(length, (offset, count, token) => store.ReadRangeAsync(file.Path, offset, count, token), cancellationToken);
            return footer.RowCount == file.RowCount ? null : new FileFault(FindingCode.FileRows, $"{file.RowCount} rows", $"{footer.RowCount} rows by its footer");
        }
        catch (FileNotFoundException)
        {
            return new FileFault(FindingCode.FileMissing, $"a file of {file.LengthBytes} bytes with {file.RowCount} rows", "no such file");
        }
        catch (InvalidDataException e)
        {
            return new FileFault(FindingCode.FileUnreadable, "a Parquet file", e.Message);
        }
        catch (NotSupportedException)
        {
            return new FileFault(null, "", "");
        }
    }

    private static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    private sealed record FileFault(string? Code, string Expected, string Found);
}
