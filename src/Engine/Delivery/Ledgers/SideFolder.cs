using Matih.Iceberg;

namespace Matih.Delivery;

/// <summary>
/// Where a table's pipelines keep what is not part of the table. Beside its folder, not in it: removing orphan files looks
/// at everything in there that no metadata names.
/// </summary>
internal static class SideFolder
{
    public static string Of(Table table)
    {
        var location = table.Metadata.Location.TrimEnd('/');
        return $"{location[..location.LastIndexOf('/')]}/_matih/{table.Metadata.TableUuid}";
    }
}
