using System.Text.Json;
using Matih.Host.Output;

namespace Matih.Host.Tables;

/// <summary>A file that maintenance deletes, as it is shown.</summary>
/// <param name="Kind">In words, in the plural.</param>
/// <param name="LengthBytes">Null where nobody says it.</param>
/// <param name="NotDeleted">Why the store did not delete it; null where it did, or was not to.</param>
/// <param name="Age">Null where it does not matter.</param>
internal sealed record MaintenanceFile(string Kind, string Path, long? LengthBytes, string? NotDeleted, TimeSpan? Age = null);

/// <summary>The files that maintenance deleted, or would delete: sums by kind, the first of them, and those that are left.</summary>
internal static class MaintenanceFiles
{
    private const int ShownMax = 20;

    /// <param name="files">Kinds are shown in the order in which they come.</param>
    public static void WriteText(IReadOnlyList<MaintenanceFile> files, bool isDryRun, TextWriter output)
    {
        if (files.Count != 0)
        {
            var rows = new TextTable(isDryRun ? "would be deleted" : "deleted", "files#", "size#");
            foreach (var kind in files.GroupBy(file => file.Kind))
                rows.Add(kind.Key, Quantity.Count(kind.Count()), kind.All(file => file.LengthBytes is null) ? "?" : Quantity.Bytes(kind.Sum(file => file.LengthBytes ?? 0)));
            rows.WriteTo(output, "  ");
        }
        if (isDryRun)
        {
            foreach (var file in files.Take(ShownMax)) output.WriteLine($"  {file.Path}{(file.Age is { } age ? $" ({Quantity.Bytes(file.LengthBytes ?? 0)}, {Days(age)})" : "")}");
            if (files.Count > ShownMax) output.WriteLine($"  and {Quantity.Of(files.Count - ShownMax, "further file")}; --json lists all.");
        }
        var undeleted = files.Where(file => file.NotDeleted is not null).ToList();
        foreach (var file in undeleted.Take(ShownMax)) output.WriteLine($"  Not deleted: {file.Path}: {file.NotDeleted}");
        if (undeleted.Count > ShownMax) output.WriteLine($"  and {Quantity.Of(undeleted.Count - ShownMax, "further file")} that could not be deleted; --json lists all.");
    }

    public static void WriteJson(IReadOnlyList<MaintenanceFile> files, Utf8JsonWriter json)
    {
        json.WriteStartArray("files");
        foreach (var file in files)
        {
            json.WriteStartObject();
            json.WriteString("kind", file.Kind);
            json.WriteString("path", file.Path);
            if (file.LengthBytes is { } length) json.WriteNumber("bytes", length);
            else json.WriteNull("bytes");
            if (file.Age is { } age) json.WriteNumber("age_s", (long)age.TotalSeconds);
            json.WriteString("not_deleted", file.NotDeleted);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>An age in whole days, which it is counted in.</summary>
    public static string Days(TimeSpan age) => $"{Quantity.Of((long)age.TotalDays, "day")} old";
}
