namespace Matih.Delivery;

/// <summary>A broker said that a position lies outside the partition; opening again tells what is missing.</summary>
internal sealed class PositionOutOfRangeException(int partition, string detail) : Exception($"Partition {partition}: {detail}")
{
    public int Partition { get; } = partition;
}
