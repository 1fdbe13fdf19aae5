namespace Matih.Iceberg.Manifests;

/// <summary>The table partition of a file, to be compared: equal where spec and values are.</summary>
internal readonly record struct PartitionIdentity(int SpecId, string Values)
{
    public PartitionIdentity(DataFile file)
        : this(file.SpecId, string.Join('/', file.Partition.Select(value => value.IsNull ? "-" : $"{value.Number}:{Convert.ToHexString(value.Bytes)}"))) { }
}
