using System.Text.Json;
using Matih.Fixtures;
using Matih.Functions.TestHost.Apps;
using Parquet;

namespace Matih.Functions.Demo;

/// <summary>What a table's files hold, read from Blob storage by the SDK and by Parquet.Net, with no code of ours but the list of files.</summary>
/// <param name="DistinctCount">Different ids among the rows.</param>
internal sealed record TableCount(int FileCount, long RowCount, long DistinctCount)
{
    /// <param name="warehouse">The address of the catalog's folder, <c>abfss://container@account…/folder</c>.</param>
    public static async Task<TableCount> ReadAsync(PipelineApp app, Azurite azurite, string warehouse)
    {
        var listed = await app.MatihAsync("table", "files", DemoPipeline.Table, "--definition", app.DefinitionFile, "--json");
        string[] paths = [.. JsonDocument.Parse(listed.Expect().StandardOutput).RootElement.EnumerateArray().Select(file => file.GetProperty("path").GetString()!)];
        var container = azurite.Service().GetBlobContainerClient(new Uri(warehouse).UserInfo);
        var rowCount = 0L;
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in paths)
        {
            using var content = (await container.GetBlobClient(new Uri(path).AbsolutePath.TrimStart('/')).DownloadContentAsync()).Value.Content.ToStream();
            await using var parquet = await ParquetReader.CreateAsync(content);
            var field = parquet.Schema.GetDataFields().Single(field => field.Name == DemoPipeline.IdColumn);
            for (var group = 0; group < parquet.RowGroupCount; group++)
            {
                using var rows = parquet.OpenRowGroupReader(group);
                var values = new string?[rows.RowCount];
                await rows.ReadAsync(field, values.AsMemory()!);
                rowCount += values.Length;
                foreach (var id in values) ids.Add(id ?? throw new InvalidDataException($"A row of {path} has no {DemoPipeline.IdColumn}."));
            }
        }
        return new TableCount(paths.Length, rowCount, ids.Count);
    }
}
