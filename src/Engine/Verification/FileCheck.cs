using Matih.Parquet;
using Matih.Storage;

namespace Matih.Verification;

/// <summary>Looks at the data files themselves: they are there, and hold what the manifests say, by their length and their footer. No rows are read.</summary>
internal sealed class FileCheck(IStore store, FindingLog findings)
{
    private const string Restore = "Bring the file back from a backup. Otherwise roll the table back to before the commit that added it, and let the pipeline read the range again.";

    private const string RestoreForeign = "Bring the file back from a backup. Otherwise roll the table back to before the snapshot that added it.";

    private int _right, _ofFlow, _deleteFiles, _withoutFooter;
    private long _rows, _bytes;

    /// <param name="files">Every live file, whoever added it.</param>
    public async ValueTask CheckAsync(IReadOnlyList<TrackedFile> files, CancellationToken cancellationToken)
    {
        var looking = files.DistinctBy(tracked => tracked.File.Path).ReadAheadAsync(
            _ => 0, async ValueTask<(TrackedFile, FileFault?)> (tracked, token) => (tracked, await LookAsync(tracked.File, token)), cancellationToken);
        await foreach (var (tracked, fault) in looking) Take(tracked, fault);
        Report();
    }

    private void Take(TrackedFile tracked, FileFault? fault)
    {
        var file = tracked.File;
        if (fault is { Code: { } code })
        {
            findings.Violation(code, file.Path, fault.Expected, fault.Found, (tracked.Origin & FileOrigin.Flow) != 0 ? Restore : RestoreForeign);
            return;
        }
        _bytes += file.LengthBytes;
        if (!file.IsData) _deleteFiles++;
        else if (fault is not null) _withoutFooter++;
        else
        {
            _right++;
            _rows += file.RowCount;
            if ((tracked.Origin & FileOrigin.Flow) != 0) _ofFlow++;
        }
    }

    private void Report()
    {
        if (_right > 0 || _deleteFiles > 0)
            findings.Proved(FindingCode.Files, $"The live files exist, with their lengths: {Quantity.Of(_right, "data file")}, {Quantity.Count(_ofFlow)} of them with rows of the flow{(_deleteFiles == 0 ? "" : $", and {Quantity.Of(_deleteFiles, "delete file")}")} ({Quantity.Bytes(_bytes)} in all). By their footers the data files hold the {Quantity.Of(_rows, "row")} that the manifests say.");
        if (_withoutFooter > 0)
        {
            findings.NotProvable(FindingCode.Files, $"How many rows there are in {Quantity.Of(_withoutFooter, "live data file")} of other engines.",
                "They are no Parquet files of a form that is read here; they are there with the right length.");
        }
    }

    /// <summary>Null where the file is right; a fault without a code where only its footer cannot be read here.</summary>
    private async ValueTask<FileFault?> LookAsync(ListedFile file, CancellationToken cancellationToken)
    {
        if (await store.LengthAsync(file.Path, cancellationToken) is not { } length)
            return Missing(file);
        if (length != file.LengthBytes) return new FileFault(FindingCode.FileLength, Quantity.Of(file.LengthBytes, "byte"), Quantity.Of(length, "byte"));
        if (!file.IsData) return null;
        if (!file.Format.Equals("parquet", StringComparison.OrdinalIgnoreCase)) return new FileFault(null, "", "");
        try
        {
            var footer = await ParquetFileReader.ReadMetadataAsync(length, (offset, count, token) => store.ReadRangeAsync(file.Path, offset, count, token), cancellationToken);
            return footer.RowCount == file.RowCount ? null : new FileFault(FindingCode.FileRows, Quantity.Of(file.RowCount, "row"), $"{Quantity.Of(footer.RowCount, "row")} by its footer");
        }
        catch (StoreException e) when (e.Kind == StoreFailureKind.Absent)
        {
            return Missing(file);
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

    private static FileFault Missing(ListedFile file) =>
        new(FindingCode.FileMissing, $"a file of {Quantity.Of(file.LengthBytes, "byte")} with {Quantity.Of(file.RowCount, file.IsData ? "row" : "delete")}", "no such file");

    private sealed record FileFault(string? Code, string Expected, string Found);
}
