using Matih.Batches;

namespace Matih.Sql.Expressions;

/// <summary>Which type comes of which, as Flink derives it.</summary>
/// <remarks>
/// Source: Calcite's leastRestrictive and Flink's LogicalTypeMerging (decimal results), checked against recorded results
/// of Flink 1.20.
/// </remarks>
internal static class TypeRules
{
    private const int AdjustedScaleMin = 6;

    public static bool IsText(DataType type) => type is DataType.Char or DataType.Varchar;

    public static bool IsBinary(DataType type) => type is DataType.Binary or DataType.Varbinary;

    public static bool IsInteger(DataType type) => type is DataType.TinyInt or DataType.SmallInt or DataType.Int or DataType.BigInt;

    public static bool IsApproximate(DataType type) => type is DataType.Float or DataType.Double;

    public static bool IsNumeric(DataType type) => IsInteger(type) || IsApproximate(type) || type is DataType.Decimal;

    public static bool IsTemporal(DataType type) => type is DataType.Date or DataType.Time or DataType.Timestamp or DataType.TimestampLtz;

    /// <summary>The type, nullable where any of the others is.</summary>
    public static DataType NullableLike(DataType type, params IEnumerable<DataType> others) =>
        others.Any(other => other.IsNullable) ? type.OrNull() : type.NotNull();

    /// <summary>An exact type as a decimal.</summary>
    public static DataType.Decimal AsDecimal(DataType type) => type switch
    {
        DataType.Decimal decimalType => decimalType,
        DataType.TinyInt => new DataType.Decimal(3, 0),
        DataType.SmallInt => new DataType.Decimal(5, 0),
        DataType.Int => new DataType.Decimal(10, 0),
        DataType.BigInt => new DataType.Decimal(19, 0),
        _ => throw new ArgumentException($"{type} is not exact.", nameof(type)),
    };

    /// <summary>The type of + and −.</summary>
    public static DataType.Decimal Sum(DataType.Decimal left, DataType.Decimal right)
    {
        var scale = Math.Max(left.Scale, right.Scale);
        return Adjust(Math.Max(left.Precision - left.Scale, right.Precision - right.Scale) + scale + 1, scale);
    }

    public static DataType.Decimal Product(DataType.Decimal left, DataType.Decimal right) =>
        Adjust(left.Precision + right.Precision + 1, left.Scale + right.Scale);

    public static DataType.Decimal Quotient(DataType.Decimal left, DataType.Decimal right)
    {
        var scale = Math.Max(6, left.Scale + right.Precision + 1);
        return Adjust(left.Precision - left.Scale + right.Scale + scale, scale);
    }

    public static DataType.Decimal Remainder(DataType.Decimal left, DataType.Decimal right)
    {
        var scale = Math.Max(left.Scale, right.Scale);
        return Adjust(Math.Min(left.Precision - left.Scale, right.Precision - right.Scale) + scale, scale);
    }

    /// <summary>The type of ROUND and TRUNCATE to that many fractional digits.</summary>
    public static DataType.Decimal Rounded(DataType.Decimal type, int digits)
    {
        if (digits >= type.Scale) return type;
        return digits < 0
            ? new DataType.Decimal(Math.Min(DataType.Decimal.PrecisionMax, 1 + type.Precision - type.Scale), 0)
            : new DataType.Decimal(1 + type.Precision - type.Scale + digits, digits);
    }

    // Beyond 38 digits the fraction gives way, but not below 6 digits.
    private static DataType.Decimal Adjust(int precision, int scale)
    {
        if (precision <= DataType.Decimal.PrecisionMax) return new DataType.Decimal(precision, scale);
        var whole = precision - scale;
        return new DataType.Decimal(DataType.Decimal.PrecisionMax, Math.Max(DataType.Decimal.PrecisionMax - whole, Math.Min(scale, AdjustedScaleMin)));
    }

    /// <summary>The narrowest type that holds the values of both, or null where there is none; nullable where either is.</summary>
    public static DataType? Common(DataType left, DataType right)
    {
        var common = CommonOf(left, right);
        return common is null ? null : NullableLike(common, left, right);
    }

    private static DataType? CommonOf(DataType left, DataType right)
    {
        if (left is DataType.Null) return right;
        if (right is DataType.Null || left.IsSameTypeAs(right)) return left;
        if (IsNumeric(left) && IsNumeric(right)) return CommonNumber(left, right);
        if (IsText(left) && IsText(right)) return new DataType.Varchar(Math.Max(TextLength(left), TextLength(right)));
        if (IsBinary(left) && IsBinary(right)) return new DataType.Varbinary(Math.Max(BinaryLength(left), BinaryLength(right)));
        return (left, right) switch
        {
            (DataType.Timestamp first, DataType.Timestamp second) => first.Precision >= second.Precision ? first : second,
            (DataType.TimestampLtz first, DataType.TimestampLtz second) => first.Precision >= second.Precision ? first : second,
            _ => NestedTypes.Common(left, right),
        };
    }

    private static DataType? CommonNumber(DataType left, DataType right)
    {
        if (IsInteger(left) && IsInteger(right)) return Width(left) >= Width(right) ? left : right;
        // Calcite takes FLOAT and DOUBLE for equally wide: the first stays.
        if (IsApproximate(left)) return right is DataType.Decimal ? new DataType.Double() : left;
        if (IsApproximate(right)) return left is DataType.Decimal ? new DataType.Double() : right;
        var (first, second) = (AsDecimal(left), AsDecimal(right));
        var scale = Math.Max(first.Scale, second.Scale);
        var precision = Math.Max(first.Precision - first.Scale, second.Precision - second.Scale) + scale;
        return precision <= DataType.Decimal.PrecisionMax ? new DataType.Decimal(precision, scale) : null;
    }

    public static int Width(DataType type) => type switch
    {
        DataType.TinyInt => 1,
        DataType.SmallInt => 2,
        DataType.Int => 4,
        _ => 8,
    };

    public static int TextLength(DataType type) => type is DataType.Char fixedText ? fixedText.Length : ((DataType.Varchar)type).Length;

    public static int BinaryLength(DataType type) => type is DataType.Binary binary ? binary.Length : ((DataType.Varbinary)type).Length;

    /// <summary>Why a column of the type cannot be, or null where it can.</summary>
    public static string? WhyNotHeld(DataType type) => type switch
    {
        DataType.Array array => WhyNotHeld(array.Element),
        DataType.Map map => WhyNotHeld(map.Key) ?? WhyNotHeld(map.Value),
        DataType.Row row => row.Type.Fields.Select(field => WhyNotHeld(field.Type)).FirstOrDefault(what => what is not null),
        { Layout: Layout.None } => $"The type {type.Name}",
        _ => null,
    };

    /// <summary>What a NULL without a type is refused with, where a type cannot be taken from elsewhere.</summary>
    public static SqlErrorException BareNull(string where, int offset) =>
        SqlErrorException.Wrong(offset, $"{where} takes no NULL without a type; write CAST(NULL AS T).");
}
