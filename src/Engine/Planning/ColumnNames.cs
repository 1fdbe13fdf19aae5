using System.Collections.Frozen;
using Matih.Batches;

namespace Matih.Planning;

/// <summary>What the name of a table's column may be, wherever it comes from: the schema of a source or the SQL.</summary>
internal static class ColumnNames
{
    private const int LengthMax = 255;

    /// <summary>Names of Iceberg's metadata columns (spec, "Reserved Field IDs"). Spark refuses to update a table that has one of its own.</summary>
    private static readonly FrozenSet<string> Reserved = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase, "_file", "_pos", "_deleted", "_spec_id", "_partition", "_row_id", "_last_updated_sequence_number", "_change_type", "_change_ordinal", "_commit_snapshot_id");

    /// <summary>What is wrong with a column's or a partition field's name, as it follows the name; null if nothing is.</summary>
    public static string? FaultOf(string name) =>
        Reserved.Contains(name) ? "has a name that Iceberg reserves for a metadata column"
        : name.Any(char.IsControl) ? "has a control character in its name, such as a line break"
        : name.Length > LengthMax ? $"has a name of {Quantity.Of(name.Length, "character")}; at most {LengthMax} are allowed"
        : null;

    /// <summary>A name for a message: on one line, and not longer than one.</summary>
    public static string Shown(string name)
    {
        const int ShownMax = 60;
        var shown = string.Concat(name.Take(ShownMax).Select(letter => char.IsControl(letter) ? $"\\u{(int)letter:x4}" : letter.ToString()));
        return name.Length > ShownMax ? shown + "…" : shown;
    }

    /// <summary>What is allowed and makes a column hard to name in a query, full sentences.</summary>
    public static IEnumerable<string> Oddities(RowType rows)
    {
        foreach (var field in rows.Fields)
            if (field.Name.Trim().Length != field.Name.Length) yield return $"column '{field.Name}' of the query has a space at the beginning or the end of its name.";
        foreach (var alike in rows.Fields.GroupBy(field => field.Name, StringComparer.OrdinalIgnoreCase).Where(group => group.Count() > 1))
        {
            yield return $"columns {string.Join(" and ", alike.Select(field => $"'{field.Name}'"))} differ by case only; engines that ignore case, " +
                "such as Spark and DuckDB by default, find them ambiguous or rename one.";
        }
    }
}
