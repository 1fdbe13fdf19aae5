using System.Collections.Immutable;
using Matih.Parquet.Format;

namespace Matih.Parquet.Reading;

/// <summary>One element of a file's schema, as stored.</summary>
/// <remarks>Source: parquet.thrift, <c>struct SchemaElement</c>; LogicalTypes.md.</remarks>
internal struct SchemaReader
{
    private int _physical = -1;
    private int _typeLength;
    private int _repetition;
    private string _name = "";
    private int _childCount;
    private int _converted = -1;
    private int _scale;
    private int _precision;
    private int _fieldId = ParquetColumn.NoFieldId;
    private int _logical;
    private bool _isAdjustedToUtc = true;
    private int _unit;
    private int _bitWidth;
    private bool _isSigned = true;

    private SchemaReader(ref CompactProtocolReader reader)
    {
        var saved = reader.Enter();
        while (reader.ReadField(out var field, out var type))
        {
            switch (field, type)
            {
                case (1, CompactType.I32): _physical = reader.ReadI32(); break;
                case (2, CompactType.I32): _typeLength = reader.ReadI32(); break;
                case (3, CompactType.I32): _repetition = reader.ReadI32(); break;
                case (4, CompactType.Binary): _name = reader.ReadString(); break;
                case (5, CompactType.I32): _childCount = reader.ReadI32(); break;
                case (6, CompactType.I32): _converted = reader.ReadI32(); break;
                case (7, CompactType.I32): _scale = reader.ReadI32(); break;
                case (8, CompactType.I32): _precision = reader.ReadI32(); break;
                case (9, CompactType.I32): _fieldId = reader.ReadI32(); break;
                case (10, CompactType.Struct): ReadLogical(ref reader); break;
                default: reader.Skip(type); break;
            }
        }
        reader.Leave(saved);
    }

    /// <summary>Reads all elements: a root and its columns, whose leaves it gives.</summary>
    /// <exception cref="NotSupportedException">A column is of a type that no batch column holds.</exception>
    public static ImmutableArray<ParquetLeaf> Read(ref CompactProtocolReader reader, List<ParquetColumn> columns, List<StoredColumn> stored)
    {
        var count = reader.ReadList(CompactType.Struct);
        if (count == 0) throw new InvalidDataException("The Parquet schema is empty.");
        var elements = new SchemaReader[count];
        for (var i = 0; i < count; i++) elements[i] = new SchemaReader(ref reader);
        return new SchemaTree(elements, stored).Read(columns);
    }

    private void ReadLogical(ref CompactProtocolReader reader)
    {
        var saved = reader.Enter();
        while (reader.ReadField(out var logical, out var type))
        {
            _logical = logical;
            if (type != CompactType.Struct)
            {
                reader.Skip(type);
                continue;
            }
            var inner = reader.Enter();
            while (reader.ReadField(out var field, out var fieldType)) ReadLogicalField(ref reader, field, fieldType);
            reader.Leave(inner);
        }
        reader.Leave(saved);
    }

    private void ReadLogicalField(ref CompactProtocolReader reader, int field, byte type)
    {
        switch (_logical, field)
        {
            case (SchemaFormat.LogicalDecimal, 1) when type == CompactType.I32:
                _scale = reader.ReadI32();
                break;
            case (SchemaFormat.LogicalDecimal, 2) when type == CompactType.I32:
                _precision = reader.ReadI32();
                break;
            case (SchemaFormat.LogicalTime or SchemaFormat.LogicalTimestamp, 1) when type <= CompactType.False:
                _isAdjustedToUtc = reader.ReadBool();
                break;
            case (SchemaFormat.LogicalTime or SchemaFormat.LogicalTimestamp, 2) when type == CompactType.Struct:
                var saved = reader.Enter();
                while (reader.ReadField(out var unit, out var unitType))
                {
                    _unit = unit;
                    reader.Skip(unitType);
                }
                reader.Leave(saved);
                break;
            case (SchemaFormat.LogicalInteger, 1) when type == CompactType.Byte:
                _bitWidth = reader.ReadByte();
                break;
            case (SchemaFormat.LogicalInteger, 2) when type <= CompactType.False:
                _isSigned = reader.ReadBool();
                break;
            default:
                reader.Skip(type);
                break;
        }
    }

    public readonly string Name => _name;
    public readonly int FieldId => _fieldId;
    public readonly int ChildCount => _childCount;
    public readonly int Repetition => _repetition;

    /// <summary>Whether the group is a list, in the words of either logical or converted types.</summary>
    public readonly bool IsList => _logical == SchemaFormat.LogicalList || (_logical == 0 && _converted == (int)ConvertedType.List);

    /// <summary>Whether the group is a map. Old writers call it MAP_KEY_VALUE, too.</summary>
    public readonly bool IsMap => _logical == SchemaFormat.LogicalMap || (_logical == 0 && _converted is (int)ConvertedType.Map or (int)ConvertedType.MapKeyValue);

    /// <summary>What the values of a leaf are, and how they are stored.</summary>
    public (ParquetType Type, StoredColumn Stored) Resolve()
    {
        // The logical type wins; a file of an old writer has only the converted one.
        if (_logical == 0) ApplyConverted();
        return (PhysicalType)_physical switch
        {
            PhysicalType.Boolean => (new ParquetType.Boolean(), Stored()),
            PhysicalType.Float => (new ParquetType.Float(), Stored()),
            PhysicalType.Double => (new ParquetType.Double(), Stored()),
            PhysicalType.Int32 => ResolveInt32(),
            PhysicalType.Int64 => ResolveInt64(),
            PhysicalType.ByteArray => ResolveBytes(),
            PhysicalType.FixedLenByteArray => ResolveFixed(),
            // The timestamp of old writers: an instant.
            PhysicalType.Int96 => (new ParquetType.TimestampTz(), Stored()),
            _ => throw new InvalidDataException($"Parquet column '{_name}' has the unknown type {_physical}."),
        };
    }

    private readonly StoredColumn Stored(int factor = 1, bool isUnsigned = false) => new((PhysicalType)_physical, _typeLength, factor, isUnsigned);

    private void ApplyConverted()
    {
        (_logical, _unit) = (ConvertedType)_converted switch
        {
            ConvertedType.Utf8 => (SchemaFormat.LogicalString, 0),
            ConvertedType.Enum => (SchemaFormat.LogicalEnum, 0),
            ConvertedType.Json => (SchemaFormat.LogicalJson, 0),
            ConvertedType.Bson => (SchemaFormat.LogicalBson, 0),
            ConvertedType.Decimal => (SchemaFormat.LogicalDecimal, 0),
            ConvertedType.Date => (SchemaFormat.LogicalDate, 0),
            ConvertedType.TimeMillis => (SchemaFormat.LogicalTime, SchemaFormat.UnitMillis),
            ConvertedType.TimeMicros => (SchemaFormat.LogicalTime, SchemaFormat.UnitMicros),
            ConvertedType.TimestampMillis => (SchemaFormat.LogicalTimestamp, SchemaFormat.UnitMillis),
            ConvertedType.TimestampMicros => (SchemaFormat.LogicalTimestamp, SchemaFormat.UnitMicros),
            >= ConvertedType.UInt8 and <= ConvertedType.Int64 => (SchemaFormat.LogicalInteger, 0),
            _ => (0, 0),
        };
        _isSigned = _converted is < (int)ConvertedType.UInt8 or > (int)ConvertedType.UInt64;
        if (_logical == SchemaFormat.LogicalInteger) _bitWidth = 8 << ((_converted - (int)ConvertedType.UInt8) & 3);
    }

    private readonly (ParquetType, StoredColumn) ResolveInt32() => _logical switch
    {
        SchemaFormat.LogicalDate => (new ParquetType.Date(), Stored()),
        SchemaFormat.LogicalDecimal => (Decimal(), Stored()),
        SchemaFormat.LogicalTime => (new ParquetType.Time(), Stored(factor: 1000)),
        SchemaFormat.LogicalInteger when !_isSigned && _bitWidth == 32 => (new ParquetType.Long(), Stored(isUnsigned: true)),
        _ => (new ParquetType.Int(), Stored()),
    };

    private readonly (ParquetType, StoredColumn) ResolveInt64() => _logical switch
    {
        SchemaFormat.LogicalDecimal => (Decimal(), Stored()),
        SchemaFormat.LogicalTime => (new ParquetType.Time(), Stored(UnitFactor())),
        SchemaFormat.LogicalTimestamp when _unit == SchemaFormat.UnitNanos => (_isAdjustedToUtc ? new ParquetType.TimestampTzNs() : new ParquetType.TimestampNs(), Stored()),
        SchemaFormat.LogicalTimestamp => (_isAdjustedToUtc ? new ParquetType.TimestampTz() : new ParquetType.Timestamp(), Stored(UnitFactor())),
        SchemaFormat.LogicalInteger when !_isSigned => throw new NotSupportedException($"Parquet column '{_name}' holds unsigned 64-bit numbers, which no batch column holds."),
        _ => (new ParquetType.Long(), Stored()),
    };

    private readonly (ParquetType, StoredColumn) ResolveBytes() => _logical switch
    {
        SchemaFormat.LogicalString or SchemaFormat.LogicalEnum or SchemaFormat.LogicalJson => (new ParquetType.String(), Stored()),
        SchemaFormat.LogicalDecimal => (Decimal(), Stored()),
        _ => (new ParquetType.Binary(), Stored()),
    };

    private readonly (ParquetType, StoredColumn) ResolveFixed()
    {
        if (_typeLength < 1) throw new InvalidDataException($"Parquet column '{_name}' has values of {Quantity.Of(_typeLength, "byte")}.");
        return _logical switch
        {
            SchemaFormat.LogicalDecimal => (Decimal(), Stored()),
            SchemaFormat.LogicalUuid when _typeLength == 16 => (new ParquetType.Uuid(), Stored()),
            _ => (new ParquetType.Fixed(_typeLength), Stored()),
        };
    }

    private readonly int UnitFactor() => _unit switch
    {
        SchemaFormat.UnitMillis => 1000,
        SchemaFormat.UnitMicros => 1,
        _ => throw new NotSupportedException($"Parquet column '{_name}' has times of day in nanoseconds, which no batch column holds."),
    };

    private readonly ParquetType.Decimal Decimal()
    {
        if (_precision is < 1 or > ParquetType.Decimal.PrecisionMax || _scale < 0 || _scale > _precision)
            throw new InvalidDataException($"Parquet column '{_name}' is a decimal of {Quantity.Of(_precision, "digit")} with {_scale} after the point.");
        return new ParquetType.Decimal(_precision, _scale);
    }
}
