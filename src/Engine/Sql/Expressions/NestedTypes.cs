using Matih.Batches;

namespace Matih.Sql.Expressions;

/// <summary>Type rules of ARRAY, MAP and ROW: as for the types that they are made of.</summary>
internal static class NestedTypes
{
    public static bool IsNested(DataType type) => type.Layout is Layout.List or Layout.Row;

    /// <summary>The type that holds both, nullability of the whole aside; null where there is none.</summary>
    public static DataType? Common(DataType left, DataType right)
    {
        switch (left, right)
        {
            case (DataType.Array first, DataType.Array second):
                return TypeRules.Common(first.Element, second.Element) is { } element ? new DataType.Array(element) : null;
            case (DataType.Map first, DataType.Map second):
                return TypeRules.Common(first.Key, second.Key) is { } key && TypeRules.Common(first.Value, second.Value) is { } value ? new DataType.Map(key, value) : null;
            case (DataType.Row first, DataType.Row second) when first.Type.Count == second.Type.Count:
                var fields = new Field[first.Type.Count];
                for (var i = 0; i < fields.Length; i++)
                {
                    if (TypeRules.Common(first.Type[i].Type, second.Type[i].Type) is not { } field) return null;
                    fields[i] = new Field(first.Type[i].Name, field);
                }
                return new DataType.Row(new RowType([.. fields]));
            default: return null;
        }
    }

    /// <summary>Whether every value stands for itself in the other type: the same kinds of parts, each in the same layout.</summary>
    /// <param name="isWidening">Whether a part may be relabelled so.</param>
    public static bool IsRelabelling(DataType from, DataType to, Func<DataType, DataType, bool> isWidening) => (from, to) switch
    {
        (DataType.Array first, DataType.Array second) => Parts(first.Element, second.Element, isWidening),
        (DataType.Map first, DataType.Map second) => Parts(first.Key, second.Key, isWidening) && Parts(first.Value, second.Value, isWidening),
        (DataType.Row first, DataType.Row second) =>
            first.Type.Count == second.Type.Count && Enumerable.Range(0, first.Type.Count).All(i => Parts(first.Type[i].Type, second.Type[i].Type, isWidening)),
        _ => false,
    };

    private static bool Parts(DataType from, DataType to, Func<DataType, DataType, bool> isWidening) =>
        from.IsSameTypeAs(to) || isWidening(from, to) || IsRelabelling(from, to, isWidening);
}
