using Matih.Parquet;

namespace Matih.Delivery.Tables;

/// <summary>A partition of a table, as the table's format has it. Equal where the partition is.</summary>
internal abstract record TablePartition;

/// <summary>A durable data file that holds rows of one table partition, with all that its format says of it.</summary>
internal abstract record WrittenFile(string Location, long RowCount, long LengthBytes);

/// <summary>How a table wants its data files.</summary>
/// <param name="TargetBytes">The size at which a file is closed.</param>
/// <param name="AreShared">Whether lanes write the rows of one table partition into files in common.</param>
internal sealed record FileSettings(ParquetWriterSettings Parquet, long TargetBytes, bool AreShared);

/// <summary>How often and how long a commit is tried again, and how long it waits between two attempts.</summary>
internal sealed record CommitRetry(int CountMax, TimeSpan TotalMax, TimeSpan WaitMin, TimeSpan WaitMax);
