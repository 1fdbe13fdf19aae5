using System.Globalization;

namespace Matih;

/// <summary>The id of a state of a table: an Iceberg snapshot id, a Delta version. Not negative, unique within its table.</summary>
public readonly record struct SnapshotId(long Value)
{
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);

    /// <summary>The id that such a text prints, or null.</summary>
    public static SnapshotId? Parse(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? new(value) : null;
}
