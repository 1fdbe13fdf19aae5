using System.Buffers.Binary;
using Matih.Batches;

namespace Matih.Registry;

/// <summary>Finds in a record which schema its value was written with.</summary>
/// <remarks>
/// Source: Confluent documentation, "Wire format": the magic byte 0 and the id in four bytes, big-endian, before the value; or a
/// header <c>__value_schema_id</c> of the magic byte 1 and a GUID of 16 bytes, big-endian, the value then being without a frame.
/// </remarks>
internal static class SchemaFraming
{
    private const byte MagicOfId = 0;
    private const byte MagicOfGuid = 1;
    private const int IdLength = 1 + sizeof(int);
    private const int GuidLength = 1 + 16;

    private static ReadOnlySpan<byte> HeaderName => "__value_schema_id"u8;

    /// <returns>False where the record names no schema: <see cref="FaultOf"/> says why.</returns>
    public static bool TryRead(RawBatch batch, int row, out SchemaKey key)
    {
        if (batch.TryGetHeader(row, HeaderName, out var header, out var isNull) && !isNull)
        {
            var isGuid = header.Length >= GuidLength && header[0] == MagicOfGuid;
            key = isGuid ? SchemaKey.Of(new Guid(header.Slice(1, 16), bigEndian: true)) : default;
            return isGuid;
        }
        var value = batch.Value(row);
        var isId = value.Length >= IdLength && value[0] == MagicOfId;
        key = isId ? SchemaKey.Of(BinaryPrimitives.ReadInt32BigEndian(value[1..])) : default;
        return isId;
    }

    /// <summary>Bytes before the value of a record that names that schema.</summary>
    public static int FrameLength(SchemaKey key) => key.Guid == Guid.Empty ? IdLength : 0;

    /// <summary>Why a record names no schema.</summary>
    public static string FaultOf(RawBatch batch, int row)
    {
        if (batch.TryGetHeader(row, HeaderName, out var header, out var isNull) && !isNull)
            return $"the header __value_schema_id has {Quantity.Of(header.Length, "byte")}{(header.IsEmpty ? "" : $" that begin with {header[0]}")}, expected 1 and a GUID of 16 bytes";
        var value = batch.Value(row);
        return value.Length < IdLength
            ? $"{Quantity.Of(value.Length, "byte")}, expected the magic byte 0, a schema id of 4 bytes, and the value"
            : $"it begins with the byte {value[0]}, expected the magic byte 0 of a schema registry's serializers";
    }
}
