using System.Globalization;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;

namespace Matih.Host.Demo;

/// <summary>What came of a demonstration, counted in the table itself: its manifests, and the files that they name.</summary>
/// <param name="RowCount">Rows of the current snapshot's data files.</param>
internal sealed record DemoSummary(long ProducedCount, long RowCount, int SnapshotCount, int FileCount, string TableLocation, string MetadataLocation, string Warehouse, TableIdentifier Identifier)
{
    public bool Agrees => ProducedCount == RowCount;

    /// <exception cref="InvalidTableException">The table names a file that is not there, or of another length.</exception>
    public static async Task<DemoSummary> OfAsync(long producedCount, DemoSettings settings, Table table, CancellationToken cancellationToken)
    {
        var rows = 0L;
        var files = table.Metadata.CurrentSnapshot is { } head ? await SnapshotReader.LiveFilesAsync(table, head, cancellationToken) : [];
        foreach (var file in files)
        {
            var length = await table.Store.LengthAsync(file.Path, cancellationToken);
            if (length != file.FileSizeBytes)
                throw new InvalidTableException($"{file.Path} has {(length is { } bytes ? Quantity.Of(bytes, "byte") : "no bytes")}, its manifest says {Quantity.Count(file.FileSizeBytes)}.");
            rows += file.RecordCount;
        }
        return new DemoSummary(
            producedCount, rows, table.Metadata.Snapshots.Length, files.Count, table.Metadata.Location, table.MetadataLocation, settings.Warehouse, table.Identifier);
    }

    public void WriteTo(TextWriter output)
    {
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"produced {ProducedCount}"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"rows {RowCount}"));
        output.WriteLine($"table {TableLocation}");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"snapshots {SnapshotCount}"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"files {FileCount}"));
        output.WriteLine($"matih: matih table show {Identifier} --warehouse {Warehouse}");
        output.WriteLine($"DuckDB: duckdb -c \"INSTALL iceberg; LOAD iceberg; SELECT count(*) FROM iceberg_scan('{MetadataLocation}')\"");
        output.WriteLine($"PyIceberg: python3 -c \"from pyiceberg.table import StaticTable; print(StaticTable.from_metadata('{MetadataLocation}').scan().to_arrow().num_rows)\"");
        output.WriteLine(
            $"Spark: spark-sql --packages org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.9.2 --conf spark.sql.catalog.matih=org.apache.iceberg.spark.SparkCatalog --conf spark.sql.catalog.matih.type=hadoop --conf spark.sql.catalog.matih.warehouse={Warehouse} -e \"SELECT count(*) FROM matih.{Identifier}\"");
    }
}
