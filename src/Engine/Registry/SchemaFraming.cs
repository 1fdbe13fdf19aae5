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

    /// <param name="body">The value without its frame.</param>
    /// <returns>Why no schema is named; null where one is.</returns>
    public static string? Read(RawBatch batch, int row, out SchemaKey key, out ReadOnlySpan<byte> body)
    {
        var value = batch.Value(row);
        key = default;
        body = default;
        if (batch.TryGetHeader(row, HeaderName, out var header, out var isNull) && !isNull)
        {
            if (header.Length < GuidLength || header[0] != MagicOfGuid) return $"the header __value_schema_id has {Quantity.Of(header.Length, "byte")} that begin with {(header.IsEmpty ? "nothing" : $"{header[0]}")}, expected 1 and a GUID of 16 bytes";
            key = SchemaKey.Of(new Guid(header.Slice(1, 16), bigEndian: true));
            body = value;
            return null;
        }
        if (value.Length < IdLength) return $"{Quantity.Of(value.Length, "byte")}, expected the magic byte 0, a schema id of 4 bytes, and the value";
        if (value[0] != MagicOfId) return $"it begins with the byte {value[0]}, expected the magic byte 0 of a schema registry's serializers";
        key = SchemaKey.Of(BinaryPrimitives.ReadInt32BigEndian(value[1..]));
        body = value[IdLength..];
        return null;
    }
}
