using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Matih.Decoding.Avro;

/// <summary>What an Avro type's values mean beyond their encoding.</summary>
internal enum AvroMeaning : byte
{
    Plain,
    Date,
    TimeMillis,
    TimeMicros,
    TimestampMillis,
    TimestampMicros,
    TimestampNanos,
    LocalTimestampMillis,
    LocalTimestampMicros,
    LocalTimestampNanos,
    Decimal,
    Uuid,
    Duration,
}

/// <summary>A type of an Avro schema. Named types are one object wherever they are named, so that a recursive schema is a cycle.</summary>
/// <remarks>Source: Apache Avro specification 1.12, "Schema Declaration", "Logical Types".</remarks>
internal abstract class AvroSchema
{
    private AvroSchema() { }

    /// <summary>As messages name it: <c>long (timestamp-micros)</c>, <c>record shop.Order</c>, <c>array of string</c>.</summary>
    public abstract string Name { get; }

    public sealed override string ToString() => Name;

    public enum PrimitiveKind : byte { Null, Boolean, Int, Long, Float, Double, Bytes, String }

    /// <param name="Meaning">Fits the kind; <see cref="AvroMeaning.Plain"/> where a logical type is unknown or does not fit, as the specification wants.</param>
    /// <param name="Precision">Digits of a decimal, else 0.</param>
    /// <param name="Scale">Fractional digits of a decimal, else 0.</param>
    public sealed class Primitive(PrimitiveKind kind, AvroMeaning meaning = AvroMeaning.Plain, int precision = 0, int scale = 0) : AvroSchema
    {
        public PrimitiveKind Kind { get; } = kind;
        public AvroMeaning Meaning { get; } = meaning;
        public int Precision { get; } = precision;
        public int Scale { get; } = scale;
        public override string Name => Kind.ToString().ToLowerInvariant() + Suffix(Meaning, Precision, Scale);
    }

    public abstract class Named(string fullName, ImmutableArray<string> aliases) : AvroSchema
    {
        /// <summary>With the namespace.</summary>
        public string FullName { get; } = fullName;

        /// <summary>Full names as well.</summary>
        public ImmutableArray<string> Aliases { get; } = aliases;
    }

    public sealed class Record(string fullName, ImmutableArray<string> aliases) : Named(fullName, aliases)
    {
        /// <summary>Set once, when the fields' types are read, which may name this record.</summary>
        public ImmutableArray<AvroField> Fields { get; set; } = [];
        public override string Name => "record " + FullName;
    }

    /// <param name="Default">The symbol that stands for those that a reader does not know; null where there is none.</param>
    public sealed class Enum(string fullName, ImmutableArray<string> aliases, ImmutableArray<string> symbols, string? @default) : Named(fullName, aliases)
    {
        public ImmutableArray<string> Symbols { get; } = symbols;
        public string? Default { get; } = @default;
        public override string Name => "enum " + FullName;
    }

    public sealed class Fixed(string fullName, ImmutableArray<string> aliases, int size, AvroMeaning meaning, int precision, int scale) : Named(fullName, aliases)
    {
        public int Size { get; } = size;
        public AvroMeaning Meaning { get; } = meaning;
        public int Precision { get; } = precision;
        public int Scale { get; } = scale;
        public override string Name => string.Create(CultureInfo.InvariantCulture, $"fixed({Size}) {FullName}{Suffix(Meaning, Precision, Scale)}");
    }

    public sealed class Array(AvroSchema items) : AvroSchema
    {
        public AvroSchema Items { get; } = items;
        public override string Name => $"array of {Items.Name}";
    }

    /// <summary>Keys are strings.</summary>
    public sealed class Map(AvroSchema values) : AvroSchema
    {
        public AvroSchema Values { get; } = values;
        public override string Name => $"map of {Values.Name}";
    }

    public sealed class Union(ImmutableArray<AvroSchema> branches) : AvroSchema
    {
        public ImmutableArray<AvroSchema> Branches { get; } = branches;
        public override string Name => $"[{string.Join(", ", Branches.Select(branch => branch.Name))}]";

        /// <summary>The branches that hold a value.</summary>
        public ImmutableArray<AvroSchema> Values { get; } = [.. branches.Where(branch => branch is not Primitive { Kind: PrimitiveKind.Null })];

        public bool IsNullable => Values.Length < Branches.Length;
    }

    private static string Suffix(AvroMeaning meaning, int precision, int scale) => meaning switch
    {
        AvroMeaning.Plain => "",
        AvroMeaning.Decimal => string.Create(CultureInfo.InvariantCulture, $" (decimal {precision}, {scale})"),
        _ => $" ({AvroLogicalTypes.NameOf(meaning)})",
    };
}

/// <param name="Default">As JSON; null where the field has none.</param>
internal sealed record AvroField(string Name, ImmutableArray<string> Aliases, AvroSchema Type, JsonElement? Default);

/// <summary>The names of logical types, and what they may annotate.</summary>
internal static class AvroLogicalTypes
{
    public static string NameOf(AvroMeaning meaning) => meaning switch
    {
        AvroMeaning.Date => "date",
        AvroMeaning.TimeMillis => "time-millis",
        AvroMeaning.TimeMicros => "time-micros",
        AvroMeaning.TimestampMillis => "timestamp-millis",
        AvroMeaning.TimestampMicros => "timestamp-micros",
        AvroMeaning.TimestampNanos => "timestamp-nanos",
        AvroMeaning.LocalTimestampMillis => "local-timestamp-millis",
        AvroMeaning.LocalTimestampMicros => "local-timestamp-micros",
        AvroMeaning.LocalTimestampNanos => "local-timestamp-nanos",
        AvroMeaning.Decimal => "decimal",
        AvroMeaning.Uuid => "uuid",
        AvroMeaning.Duration => "duration",
        _ => "",
    };

    public static AvroMeaning Of(AvroSchema.PrimitiveKind kind, string? logicalType) => (kind, logicalType) switch
    {
        (AvroSchema.PrimitiveKind.Int, "date") => AvroMeaning.Date,
        (AvroSchema.PrimitiveKind.Int, "time-millis") => AvroMeaning.TimeMillis,
        (AvroSchema.PrimitiveKind.Long, "time-micros") => AvroMeaning.TimeMicros,
        (AvroSchema.PrimitiveKind.Long, "timestamp-millis") => AvroMeaning.TimestampMillis,
        (AvroSchema.PrimitiveKind.Long, "timestamp-micros") => AvroMeaning.TimestampMicros,
        (AvroSchema.PrimitiveKind.Long, "timestamp-nanos") => AvroMeaning.TimestampNanos,
        (AvroSchema.PrimitiveKind.Long, "local-timestamp-millis") => AvroMeaning.LocalTimestampMillis,
        (AvroSchema.PrimitiveKind.Long, "local-timestamp-micros") => AvroMeaning.LocalTimestampMicros,
        (AvroSchema.PrimitiveKind.Long, "local-timestamp-nanos") => AvroMeaning.LocalTimestampNanos,
        (AvroSchema.PrimitiveKind.Bytes, "decimal") => AvroMeaning.Decimal,
        (AvroSchema.PrimitiveKind.String, "uuid") => AvroMeaning.Uuid,
        _ => AvroMeaning.Plain,
    };
}
