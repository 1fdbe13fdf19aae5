using Matih.Connectors.Sql;
using Matih.Definition;
using Matih.Fixtures;
using Matih.Iceberg.Catalogs;
using Microsoft.Data.Sqlite;

namespace Matih.Interop.Tests.Connectors.Sql;

public sealed class SqliteCatalogTests : SqlCatalogContract
{
    private protected override Task<SqlTables> TablesAsync(string catalogName = "lake") => Task.FromResult(SqlTables.OnSqlite(catalogName));

    private protected override async Task<object?> ExecuteAsync(SqlTables tables, string sql)
    {
        await using var connection = await ConnectAsync(tables);
        return await ExecuteAsync(connection, sql);
    }

    private static async Task<SqliteConnection> ConnectAsync(SqlTables tables)
    {
        var connection = new SqliteConnection($"Data Source={PathOf(tables)};Pooling=False");
        await connection.OpenAsync();
        return connection;
    }

    private static async Task<object?> ExecuteAsync(SqliteConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return await command.ExecuteScalarAsync();
    }

    private static string PathOf(SqlTables tables) => ((SqlDatabase.Sqlite)tables.Database).Path;

    private static SqlCatalog Impatient(SqlTables tables) => new(
        tables.Definition, new SqliteCatalogDatabase((SqlDatabase.Sqlite)tables.Database) { WaitMax = TimeSpan.FromMilliseconds(50) }, tables.Store, new Matih.Hosting.SystemIdSource(), TimeProvider.System);

    [Fact]
    public async Task Looking_for_a_table_does_not_create_the_file()
    {
        await using var tables = SqlTables.OnSqlite();

        Assert.Null(await tables.Catalog.LoadAsync(TableIdentifier.Parse("ns.t"), default));

        Assert.False(File.Exists(PathOf(tables)));
    }

    [Fact]
    public async Task A_table_whose_old_metadata_is_deleted_or_lies_elsewhere_may_be_written()
    {
        await using var tables = SqlTables.OnSqlite();
        var folder = $"{tables.Folder}/elsewhere";
        await tables.CreateAsync("ns.t", ("write.metadata.delete-after-commit.enabled", "true"), ("write.metadata.path", folder));

        Assert.Equal(1, await tables.AppendAsync(tables.Catalog, "ns.t"));

        Assert.StartsWith($"{folder}/00001-", (await tables.LoadAsync("ns.t")).MetadataLocation, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metadata_that_the_table_wants_compressed_is_read_by_the_others()
    {
        await using var tables = SqlTables.OnSqlite();
        await tables.CreateAsync("ns.t", ("write.metadata.compression-codec", "gzip"));

        await tables.AppendAsync(tables.Catalog, "ns.t");

        Assert.EndsWith(".gz.metadata.json", (await tables.LoadAsync("ns.t")).MetadataLocation, StringComparison.Ordinal);
        await IcebergReference.CheckAsync(tables.Java("ns.t"));
        Assert.Equal("1", Assert.Single(await tables.PythonAsync("""print(json.dumps(str(len(catalog.load_table("ns.t").metadata.snapshots))))""")).GetString());
    }

    [Fact]
    public async Task Metadata_files_that_fell_out_of_the_log_are_deleted_where_the_table_wants_it()
    {
        await using var tables = SqlTables.OnSqlite();
        await tables.CreateAsync("ns.kept", ("write.metadata.previous-versions-max", "2"));
        await tables.CreateAsync("ns.t", ("write.metadata.delete-after-commit.enabled", "true"), ("write.metadata.previous-versions-max", "2"));

        for (var i = 0; i < 5; i++)
        {
            await tables.AppendAsync(tables.Catalog, "ns.kept");
            await tables.AppendAsync(tables.Catalog, "ns.t");
        }

        var (kept, table) = (await tables.LoadAsync("ns.kept"), await tables.LoadAsync("ns.t"));
        Assert.Equal(6, MetadataFiles(kept).Count());
        Assert.Equal([.. table.Metadata.MetadataLog.Select(entry => entry.MetadataFile), table.MetadataLocation], MetadataFiles(table));
        Assert.Equal(2, table.Metadata.MetadataLog.Length);
    }

    [Fact]
    public async Task A_commit_that_lost_deletes_no_metadata_file()
    {
        await using var tables = SqlTables.OnSqlite();
        await tables.CreateAsync("ns.t", ("write.metadata.delete-after-commit.enabled", "true"), ("write.metadata.previous-versions-max", "2"));
        await tables.AppendAsync(tables.Catalog, "ns.t");
        await tables.AppendAsync(tables.Catalog, "ns.t");
        var table = await tables.LoadAsync("ns.t");
        var change = await tables.PrepareAsync(table);
        await tables.AppendAsync(tables.Catalog, "ns.t");
        var winner = await tables.LoadAsync("ns.t");

        Assert.IsType<CommitResult.Conflict>(await SqlTables.AttemptAsync(tables.Catalog, table, change));

        Assert.Equal([.. winner.Metadata.MetadataLog.Select(entry => entry.MetadataFile), winner.MetadataLocation], MetadataFiles(winner));
    }

    [Fact]
    public async Task A_metadata_file_that_cannot_be_deleted_does_not_harm_the_commit()
    {
        await using var tables = SqlTables.OnSqlite();
        var table = await tables.CreateAsync("ns.t", ("write.metadata.delete-after-commit.enabled", "true"), ("write.metadata.previous-versions-max", "1"));
        await tables.AppendAsync(tables.Catalog, "ns.t");
        await using var catalog = new SqlCatalog(tables.Definition, new UndeletingStore(tables.Store), new Matih.Hosting.SystemIdSource(), TimeProvider.System);

        Assert.Equal(1, await tables.AppendAsync(catalog, "ns.t"));

        Assert.Equal(2, (await tables.LoadAsync("ns.t")).Metadata.Snapshots.Length);
        Assert.True(File.Exists(table.MetadataLocation));
    }

    private static IEnumerable<string> MetadataFiles(Table table) =>
        Directory.GetFiles(Path.Combine(table.Metadata.Location, "metadata"), "*.metadata.json").Order(StringComparer.Ordinal);

    [Fact]
    public async Task A_file_that_another_program_holds_is_a_conflict_for_commits_and_named_by_everything_else()
    {
        await using var tables = SqlTables.OnSqlite();
        var table = await tables.CreateAsync("ns.t");
        await using var catalog = Impatient(tables);
        var change = await tables.PrepareAsync(table);
        await using var holder = await ConnectAsync(tables);

        await ExecuteAsync(holder, "BEGIN EXCLUSIVE");
        var loading = await Assert.ThrowsAsync<CatalogException>(() => catalog.LoadAsync(table.Identifier, default).AsTask());
        var commit = await SqlTables.AttemptAsync(catalog, table, change);
        await ExecuteAsync(holder, "ROLLBACK");
        var again = await SqlTables.AttemptAsync(catalog, table, change);

        Assert.StartsWith($"Could not read table ns.t in SQL catalog 'lake' in the SQLite database {PathOf(tables)}: database is locked. Another program has held the file", loading.Message, StringComparison.Ordinal);
        Assert.Contains("database is locked", Assert.IsType<CommitResult.Conflict>(commit).Reason, StringComparison.Ordinal);
        Assert.IsType<CommitResult.Committed>(again);
        Assert.Equal(2, Directory.GetFiles(Path.Combine(table.Metadata.Location, "metadata"), "*.metadata.json").Length);
    }

    [Fact]
    public async Task A_file_that_is_read_only_can_be_read_and_refuses_commits()
    {
        await using var tables = SqlTables.OnSqlite();
        var table = await tables.CreateAsync("ns.t");
        // The write version of the file's header: a higher one than is known makes the file read-only, for root as well.
        await using (var file = File.OpenWrite(PathOf(tables)))
        {
            file.Position = 18;
            file.WriteByte(3);
        }

        var seen = await tables.LoadAsync("ns.t");
        var change = await tables.PrepareAsync(table);
        var refusal = await Assert.ThrowsAsync<CatalogException>(() => SqlTables.AttemptAsync(tables.Catalog, table, change));

        Assert.Equal(table.MetadataLocation, seen.MetadataLocation);
        Assert.StartsWith($"Could not commit to table ns.t in SQL catalog 'lake' in the SQLite database {PathOf(tables)}: attempt to write a readonly database. Give this user the right", refusal.Message, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(Path.Combine(table.Metadata.Location, "metadata"), "*.metadata.json"));
    }

    [Fact]
    public async Task A_file_that_is_no_database_and_a_folder_that_does_not_exist_are_named()
    {
        await using var tables = SqlTables.OnSqlite();
        await File.WriteAllTextAsync(PathOf(tables), new string('x', 5000));
        await using var nowhere = new SqlTables(new SqlDatabase.Sqlite("/nowhere/catalog.db"));

        var noDatabase = await Assert.ThrowsAsync<CatalogException>(() => tables.CreateAsync("ns.t"));
        var noFolder = await Assert.ThrowsAsync<CatalogException>(() => nowhere.CreateAsync("ns.t"));

        Assert.Contains("file is not a database. Name an SQLite file", noDatabase.Message, StringComparison.Ordinal);
        Assert.Contains("the SQLite database /nowhere/catalog.db: unable to open database file. Check the path", noFolder.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_metadata_file_that_this_process_committed_is_not_read_again()
    {
        await using var tables = SqlTables.OnSqlite();
        await tables.CreateAsync("ns.t");
        await tables.AppendAsync(tables.Catalog, "ns.t");
        var table = await tables.LoadAsync("ns.t");
        File.Delete(table.MetadataLocation);
        await using var other = tables.Open();

        Assert.Equal(table.MetadataLocation, (await tables.LoadAsync("ns.t")).MetadataLocation);
        await Assert.ThrowsAsync<InvalidTableException>(() => other.LoadAsync(table.Identifier, default).AsTask());
    }

    [Fact]
    public async Task A_file_that_was_replaced_is_seen_at_once()
    {
        await using var tables = SqlTables.OnSqlite();
        await tables.CreateAsync("ns.t");

        File.Move(PathOf(tables), PathOf(tables) + ".old");

        Assert.Null(await tables.Catalog.LoadAsync(TableIdentifier.Parse("ns.t"), default));
    }
}
