using System.Text.Json;
using Matih.Host.Output;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;

namespace Matih.Host.Tables;

/// <summary>The files that a table's current snapshot consists of, from its manifests.</summary>
internal static class FileReport
{
    public static async Task<IReadOnlyList<DataFile>> ReadAsync(Table table, CancellationToken cancellationToken) =>
        table.Metadata.CurrentSnapshot is { } head ? await SnapshotReader.LiveFilesAsync(table, head, cancellationToken) : [];

    public static void WriteText(Table table, IReadOnlyList<DataFile> files, TextWriter output)
    {
        var rows = new TextTable("partition", "rows#", "size#", "content", "file");
        var folder = table.Metadata.Location.TrimEnd('/') + "/";
        foreach (var file in files)
        {
            var path = file.Path.StartsWith(folder, StringComparison.Ordinal) ? file.Path[folder.Length..] : file.Path;
            rows.Add(file.PartitionIn(table.Metadata), Quantity.Count(file.RecordCount), Quantity.Bytes(file.FileSizeBytes), ContentOf(file), path);
        }
        rows.WriteTo(output);
        var data = files.Where(file => file.Content == FileContent.Data).ToArray();
        output.WriteLine();
        output.WriteLine($"{Quantity.Of(data.Sum(file => file.RecordCount), "row")} in {Quantity.Of(data.Length, "data file")}, {Quantity.Bytes(data.Sum(file => file.FileSizeBytes))}");
    }

    public static void WriteJson(Table table, IReadOnlyList<DataFile> files, Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach (var file in files)
        {
            json.WriteStartObject();
            json.WriteString("path", file.Path);
            json.WriteString("content", ContentOf(file));
            json.WriteString("format", file.Format.ToLowerInvariant());
            json.WriteString("partition", file.PartitionIn(table.Metadata));
            json.WriteNumber("records", file.RecordCount);
            json.WriteNumber("bytes", file.FileSizeBytes);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static string ContentOf(DataFile file) => file.Content switch
    {
        FileContent.PositionDeletes => "position-deletes",
        FileContent.EqualityDeletes => "equality-deletes",
        _ => "data",
    };
}
