using System.Collections.Immutable;
using System.Text.Json;
using Matih.Connectors.Sql;
using Matih.Definition;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Interop.Tests.Connectors.Sql;

/// <summary>A SQL catalog of ours, with Java's and PyIceberg's on the same database.</summary>
internal sealed class SqlTables(SqlDatabase database, string catalogName = "lake") : IAsyncDisposable
{
    public const string Schema = "id long required, s string";

    private static readonly string[] OneRow = ["""{"id":1,"s":"ours"}"""];

    private readonly SystemIdSource _ids = new();
    private SqlCatalog? _catalog;

    public string Folder { get; } = TemporaryDirectory.New();

    public string Warehouse => Path.Combine(Folder, "warehouse");

    public SqlDatabase Database => database;

    public IStore Store => field ??= new LocalStore(_ids);

    public SqlCatalog Catalog => _catalog ??= Open();

    public static SqlTables OnSqlite(string catalogName = "lake") => new(new SqlDatabase.Sqlite(Path.Combine(TemporaryDirectory.New(), "catalog.db")), catalogName);

    public static async Task<SqlTables> OnPostgreSqlAsync(SharedPostgreSql shared, string catalogName = "lake") =>
        new(await (await shared.ServerAsync()).NewDatabaseAsync(), catalogName);

    public CatalogDefinition.Sql Definition => new("test", database, Warehouse, catalogName);

    public SqlCatalog Open() => new(Definition, Store, _ids, TimeProvider.System);

    public static NewTable NewTable(params (string, string)[] properties) => new(
        new Schema(0, [new NestedField(1, "id", true, new IcebergType.Long()), new NestedField(2, "s", false, new IcebergType.String())]),
        PartitionSpec.Unpartitioned,
        properties.ToImmutableSortedDictionary(entry => entry.Item1, entry => entry.Item2, StringComparer.Ordinal));

    public async Task<Table> CreateAsync(string name, params (string, string)[] properties)
    {
        var (table, isCreated) = await Catalog.CreateAsync(TableIdentifier.Parse(name), NewTable(properties), default);
        Assert.True(isCreated);
        return table;
    }

    public async Task<Table> LoadAsync(string name) => (await Catalog.LoadAsync(TableIdentifier.Parse(name), default))!;

    /// <summary>Data files of one row each, made by the reference implementation.</summary>
    public async Task<DataFileSource> DataAsync()
    {
        var path = Path.Combine(Folder, "source");
        await IcebergReference.CreateAsync(path, Schema);
        await IcebergReference.AppendAsync(path, OneRow);
        var catalog = new FileCatalog(Store, Folder, _ids, TimeProvider.System);
        var table = (await catalog.LoadAsync(new TableIdentifier([], "source"), default))!;
        return new DataFileSource(Assert.Single(await SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default)), _ids);
    }

    public ValueTask<PreparedChange> PrepareAsync(Table table, params DataFile[] files) => PreparedChange.PrepareAsync(table, files, _ids, default);

    /// <summary>One attempt at a prepared change.</summary>
    public static async Task<CommitResult> AttemptAsync(SqlCatalog catalog, Table table, PreparedChange change)
    {
        var attempt = await change.AttemptAsync(table, table.Metadata.NextTimestampMillis(TimeProvider.System.GetUtcNow()), new Dictionary<string, string>(), [], default);
        var ready = Assert.IsType<ChangeAttempt.Ready>(attempt);
        return await catalog.CommitAsync(table, ready.Requirements, ready.Updates, default);
    }

    /// <summary>Appends as the engine does: one change, attempted until the table holds it. The result is the number of attempts.</summary>
    public async Task<int> AppendAsync(SqlCatalog catalog, string name, params DataFile[] files)
    {
        var identifier = TableIdentifier.Parse(name);
        var table = (await catalog.LoadAsync(identifier, default))!;
        var change = await PrepareAsync(table, files);
        for (var attempt = 1; ; attempt++)
        {
            if (await AttemptAsync(catalog, table, change) is CommitResult.Committed) return attempt;
            table = (await catalog.LoadAsync(identifier, default))!;
            if (table.Metadata.FindSnapshot(change.SnapshotId) is not null) return attempt;
        }
    }

    public IcebergTarget Java(string table) => database switch
    {
        SqlDatabase.Sqlite sqlite => IcebergTarget.Sqlite(sqlite.Path, Warehouse, table, catalogName),
        SqlDatabase.PostgreSql postgres => new IcebergTarget(
            table, "--jdbc", $"jdbc:postgresql://{postgres.Host}:{postgres.Port}/{postgres.Database}?user={postgres.User}", "--warehouse", Warehouse, "--catalog-name", catalogName)
        {
            DriverJar = "/usr/share/java/postgresql.jar",
        },
        _ => throw new InvalidOperationException(),
    };

    /// <summary>Runs a script with the catalog as <c>catalog</c>; what it prints is one JSON value a line.</summary>
    public Task<IReadOnlyList<JsonElement>> PythonAsync(string script, params string[] arguments)
    {
        var uri = database switch
        {
            SqlDatabase.Sqlite sqlite => $"sqlite:///{sqlite.Path}",
            SqlDatabase.PostgreSql postgres => $"postgresql+psycopg2://{postgres.User}@{postgres.Host}:{postgres.Port}/{postgres.Database}",
            _ => throw new InvalidOperationException(),
        };
        return PyIceberg.RunAsync(
            $"""
            import json, sys
            import pyarrow as pa
            # Debian's package of the client for PostgreSQL.
            sys.path.append("/usr/lib/python3/dist-packages")
            from pyiceberg.catalog.sql import SqlCatalog
            catalog = SqlCatalog(sys.argv.pop(1), uri=sys.argv.pop(1), warehouse=sys.argv.pop(1))
            schema = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("s", pa.string())])
            def rows(*ids):
                return pa.Table.from_pylist([dict(id=id, s="python") for id in ids], schema=schema)
            {script}
            """,
            [catalogName, uri, Warehouse, .. arguments]);
    }

    public async Task<string> RowsFileAsync(params string[] rows)
    {
        var path = Path.Combine(Folder, $"{_ids.NewUuid():D}.jsonl");
        await File.WriteAllLinesAsync(path, rows);
        return path;
    }

    public async ValueTask DisposeAsync()
    {
        if (_catalog is not null) await _catalog.DisposeAsync();
    }
}

/// <summary>Copies of one data file, so that each commit has one of its own.</summary>
internal sealed class DataFileSource(DataFile file, IIdSource ids)
{
    public DataFile New(Table table)
    {
        var folder = Path.Combine(table.Metadata.Location, "data");
        Directory.CreateDirectory(folder);
        var copy = Path.Combine(folder, $"{ids.NewUuid():D}.parquet");
        File.Copy(LocalPath.Plain(file.Path), copy);
        return file with { Path = copy };
    }
}
