using System.Collections.Immutable;
using Matih.Batches;
using Matih.Parquet;

namespace Matih.Maintenance.Compaction;

/// <summary>
/// Values of a file as the table has them now: widened, and with the fields of structs found by their ids; NULL where the file
/// is older than the field.
/// </summary>
/// <remarks>Source: Apache Iceberg table spec, "Schema Evolution" and "Column Projection".</remarks>
internal static class EvolvedColumn
{
    /// <summary>Why values of the file's type cannot be read as the table's, or null: <c>'a.b' is int, which is not read as the table's string</c>.</summary>
    public static string? FaultOf(ParquetType stored, ParquetType wanted, string path)
    {
        switch (stored, wanted)
        {
            case (ParquetType.List from, ParquetType.List to): return FaultOf(from.Element.Type, to.Element.Type, path + ".element");
            case (ParquetType.Map from, ParquetType.Map to): return FaultOf(from.Key.Type, to.Key.Type, path + ".key") ?? FaultOf(from.Value.Type, to.Value.Type, path + ".value");
            case (ParquetType.Struct from, ParquetType.Struct to):
                foreach (var field in to.Fields)
                {
                    var name = $"{path}.{field.Name}";
                    if (Find(from, field.FieldId) is { } known)
                    {
                        if (FaultOf(known.Type, field.Type, name) is { } fault) return fault;
                    }
                    else if (field.IsRequired) return $"'{name}', which must not be NULL, is missing";
                }
                return null;
            default: return IsWidened(stored, wanted) ? null : $"'{path}' is {stored}, which is not read as the table's {wanted},";
        }
    }

    /// <remarks>Int to long, float to double, decimals of the same scale to more digits.</remarks>
    private static bool IsWidened(ParquetType stored, ParquetType wanted) => (stored, wanted) switch
    {
        (ParquetType.Int, ParquetType.Long) or (ParquetType.Float, ParquetType.Double) => true,
        (ParquetType.Decimal narrow, ParquetType.Decimal wide) => narrow.Scale == wide.Scale && narrow.Precision <= wide.Precision,
        (ParquetType.Fixed { Length: 16 }, ParquetType.Uuid) => true,
        _ => stored == wanted,
    };

    /// <summary>Appends all rows of a column of the file's type to one of the table's; <see cref="FaultOf"/> has let the types through.</summary>
    public static void Append(Column from, ParquetType stored, Column to, ParquetType wanted)
    {
        switch (stored, wanted)
        {
            case (ParquetType.List old, ParquetType.List now):
                Append(((ListColumn)from).Elements, old.Element.Type, ((ListColumn)to).Elements, now.Element.Type);
                ((ListColumn)to).AppendRows((ListColumn)from);
                break;
            case (ParquetType.Map old, ParquetType.Map now):
                var (entries, target) = ((RowColumn)((ListColumn)from).Elements, (RowColumn)((ListColumn)to).Elements);
                Append(entries.Fields[0], old.Key.Type, target.Fields[0], now.Key.Type);
                Append(entries.Fields[1], old.Value.Type, target.Fields[1], now.Value.Type);
                target.EndRows(entries.Count, default);
                ((ListColumn)to).AppendRows((ListColumn)from);
                break;
            case (ParquetType.Struct old, ParquetType.Struct now): AppendFields((RowColumn)from, old.Fields, (RowColumn)to, now.Fields); break;
            default: AppendValues(from, to); break;
        }
    }

    private static void AppendFields(RowColumn from, ImmutableArray<ParquetColumn> stored, RowColumn to, ImmutableArray<ParquetColumn> wanted)
    {
        for (var i = 0; i < wanted.Length; i++)
        {
            var place = PlaceOf(stored, wanted[i].FieldId);
            if (place >= 0) Append(from.Fields[place], stored[place].Type, to.Fields[i], wanted[i].Type);
            else for (var row = 0; row < from.Count; row++) to.Fields[i].AppendNull();
        }
        to.EndRows(from.Count, from.Validity);
    }

    private static void AppendValues(Column from, Column to)
    {
        if (from.Type.Layout == to.Type.Layout)
        {
            to.AppendRange(from, 0, from.Count);
            return;
        }
        for (var row = 0; row < from.Count; row++)
        {
            if (from.IsNull(row)) to.AppendNull();
            else if (to is FixedColumn<long> longs) longs.Append(((FixedColumn<int>)from).Values[row]);
            else ((FixedColumn<double>)to).Append(((FixedColumn<float>)from).Values[row]);
        }
    }

    private static ParquetColumn? Find(ParquetType.Struct type, int fieldId) => PlaceOf(type.Fields, fieldId) is >= 0 and var place ? type.Fields[place] : null;

    private static int PlaceOf(ImmutableArray<ParquetColumn> fields, int fieldId)
    {
        for (var i = 0; i < fields.Length; i++)
            if (fields[i].FieldId == fieldId) return i;
        return -1;
    }
}
