namespace Matih.Parquet;

/// <summary>Parquet's storage types, with their numbers in the format.</summary>
/// <remarks>Source: parquet.thrift, <c>enum Type</c>.</remarks>
internal enum PhysicalType
{
    Boolean = 0,
    Int32 = 1,
    Int64 = 2,
    Int96 = 3,
    Float = 4,
    Double = 5,
    ByteArray = 6,
    FixedLenByteArray = 7,
}
