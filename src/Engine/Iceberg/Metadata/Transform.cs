using System.Globalization;

namespace Matih.Iceberg.Metadata;

/// <summary>How a column's value becomes a partition value. NULL stays NULL. The family is closed.</summary>
/// <remarks>Source: Apache Iceberg table spec, "Partition Transforms".</remarks>
public abstract record Transform
{
    private Transform() { }

    /// <summary>The value itself.</summary>
    public sealed record Identity : Transform { public override string ToString() => "identity"; }

    /// <summary>A hash of the value, modulo <paramref name="Count"/>.</summary>
    public sealed record Bucket(int Count) : Transform { public override string ToString() => $"bucket[{Count}]"; }

    /// <summary>Numbers rounded down to a multiple of the width; the first <paramref name="Width"/> code points or bytes of others.</summary>
    public sealed record Truncate(int Width) : Transform { public override string ToString() => $"truncate[{Width}]"; }

    /// <summary>Years since 1970.</summary>
    public sealed record Year : Transform { public override string ToString() => "year"; }

    /// <summary>Months since 1970-01.</summary>
    public sealed record Month : Transform { public override string ToString() => "month"; }

    /// <summary>Days since 1970-01-01.</summary>
    public sealed record Day : Transform { public override string ToString() => "day"; }

    /// <summary>Hours since 1970-01-01 00:00.</summary>
    public sealed record Hour : Transform { public override string ToString() => "hour"; }

    /// <summary>Always NULL: a field that was dropped.</summary>
    public sealed record Void : Transform { public override string ToString() => "void"; }

    /// <summary>A transform that this build does not know: tables with it are read, not written.</summary>
    public sealed record Unknown(string Text) : Transform { public override string ToString() => Text; }

    public abstract override string ToString();

    /// <summary>The transform that specs print so; <see cref="Unknown"/> where none is.</summary>
    public static Transform Parse(string text) => text.ToLowerInvariant() switch
    {
        "identity" => new Identity(),
        "year" => new Year(),
        "month" => new Month(),
        "day" => new Day(),
        "hour" => new Hour(),
        "void" => new Void(),
        var lower when SchemaJson.Arguments(lower, "bucket[", ']') is [> 0 and var count] => new Bucket(count),
        var lower when SchemaJson.Arguments(lower, "truncate[", ']') is [> 0 and var width] => new Truncate(width),
        _ => new Unknown(text),
    };

    /// <summary>The type of the partition value for a column of that type; null where the transform does not apply.</summary>
    /// <remarks>
    /// The spec calls the result of <c>day</c> an int; the reference implementation writes it as a date, and so does every
    /// reader of partition structs expect it.
    /// </remarks>
    public IcebergType? ResultType(IcebergType source) => (this, source) switch
    {
        (_, IcebergType.Struct or IcebergType.List or IcebergType.Map or IcebergType.Other) => this is Void ? new IcebergType.Int() : null,
        (Identity or Void, _) => source,
        (Bucket, IcebergType.Boolean or IcebergType.Float or IcebergType.Double) => null,
        (Bucket, _) => new IcebergType.Int(),
        (Truncate, IcebergType.Int or IcebergType.Long or IcebergType.Decimal or IcebergType.String or IcebergType.Binary) => source,
        (Day, IcebergType.Date) => new IcebergType.Date(),
        (Day, _) when IsMoment(source) => new IcebergType.Date(),
        (Year or Month, IcebergType.Date) => new IcebergType.Int(),
        (Year or Month or Hour, _) when IsMoment(source) => new IcebergType.Int(),
        _ => null,
    };

    private static bool IsMoment(IcebergType type) => type is IcebergType.Timestamp or IcebergType.TimestampTz or IcebergType.TimestampNs or IcebergType.TimestampTzNs;

    /// <summary>The name that Iceberg's engines give a partition field.</summary>
    public string DefaultFieldName(string column) => this switch
    {
        Identity => column,
        Bucket => column + "_bucket",
        Truncate => column + "_trunc",
        Void => column + "_null",
        Unknown => throw new InvalidOperationException($"The transform {this} is not known."),
        _ => string.Create(CultureInfo.InvariantCulture, $"{column}_{this}"),
    };
}
