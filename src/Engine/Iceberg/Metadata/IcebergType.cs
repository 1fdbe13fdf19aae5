using System.Collections.Immutable;

namespace Matih.Iceberg.Metadata;

/// <summary>A type of a table's schema. The family is closed; <see cref="Other"/> keeps names that this build does not know.</summary>
/// <remarks>Source: Apache Iceberg table spec, "Schemas and Data Types" and Appendix C.</remarks>
public abstract record IcebergType
{
    private IcebergType() { }

    /// <summary>The name that schemas print, e.g. <c>decimal(10, 2)</c>.</summary>
    public abstract string Name { get; }

    public bool IsPrimitive => this is not (Struct or List or Map);

    public sealed override string ToString() => Name;

    public sealed record Boolean : IcebergType { public override string Name => "boolean"; }
    public sealed record Int : IcebergType { public override string Name => "int"; }
    public sealed record Long : IcebergType { public override string Name => "long"; }
    public sealed record Float : IcebergType { public override string Name => "float"; }
    public sealed record Double : IcebergType { public override string Name => "double"; }

    /// <summary>Precision 1 to 38.</summary>
    public sealed record Decimal(int Precision, int Scale) : IcebergType { public override string Name => $"decimal({Precision}, {Scale})"; }

    /// <summary>Days since 1970-01-01.</summary>
    public sealed record Date : IcebergType { public override string Name => "date"; }

    /// <summary>Microseconds since midnight.</summary>
    public sealed record Time : IcebergType { public override string Name => "time"; }

    /// <summary>Microseconds since 1970-01-01 00:00:00, without a zone.</summary>
    public sealed record Timestamp : IcebergType { public override string Name => "timestamp"; }

    /// <summary>Microseconds since 1970-01-01 00:00:00 UTC.</summary>
    public sealed record TimestampTz : IcebergType { public override string Name => "timestamptz"; }

    /// <summary>Nanoseconds since 1970-01-01 00:00:00, without a zone. Of format version 3.</summary>
    public sealed record TimestampNs : IcebergType { public override string Name => "timestamp_ns"; }

    /// <summary>Nanoseconds since 1970-01-01 00:00:00 UTC. Of format version 3.</summary>
    public sealed record TimestampTzNs : IcebergType { public override string Name => "timestamptz_ns"; }

    public sealed record String : IcebergType { public override string Name => "string"; }

    /// <summary>16 bytes, big-endian.</summary>
    public sealed record Uuid : IcebergType { public override string Name => "uuid"; }

    /// <summary>Exactly <paramref name="Length"/> bytes.</summary>
    public sealed record Fixed(int Length) : IcebergType { public override string Name => $"fixed[{Length}]"; }

    public sealed record Binary : IcebergType { public override string Name => "binary"; }

    /// <summary>A type of a later format version, kept as written; no value of it can be written.</summary>
    public sealed record Other(string Text) : IcebergType { public override string Name => Text; }

    public sealed record Struct(ImmutableArray<NestedField> Fields) : IcebergType
    {
        public override string Name => "struct<" + string.Join(", ", Fields.Select(item => $"{item.Name}: {item.Type.Name}")) + ">";
        public bool Equals(Struct? other) => other is not null && Fields.AsSpan().SequenceEqual(other.Fields.AsSpan());
        public override int GetHashCode() => Fields.Aggregate(Fields.Length, HashCode.Combine);
    }

    public sealed record List(int ElementId, IcebergType Element, bool IsElementRequired) : IcebergType
    {
        public override string Name => $"list<{Element.Name}>";
    }

    public sealed record Map(int KeyId, IcebergType Key, int ValueId, IcebergType Value, bool IsValueRequired) : IcebergType
    {
        public override string Name => $"map<{Key.Name}, {Value.Name}>";
    }
}

/// <summary>A field of a struct, or a column of a table. Its id, not its name, says which column it is.</summary>
public sealed record NestedField(int Id, string Name, bool IsRequired, IcebergType Type, string? Doc = null)
{
    /// <summary>The value of rows in files that are older than the field, as JSON; null for NULL.</summary>
    public string? InitialDefault { get; init; }

    /// <summary>The value of new rows whose writer gives none, as JSON; null for NULL.</summary>
    public string? WriteDefault { get; init; }
}
