using System.Collections.Immutable;
using Matih.Connectors.Sql;
using Matih.Definition;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Iceberg.Catalogs;
using Matih.Storage;
using Npgsql;

namespace Matih.Interop.Tests.Connectors.Sql;

public sealed class PostgreSqlCatalogTests(SharedPostgreSql postgres) : SqlCatalogContract
{
    private const string Swap = "UPDATE iceberg_tables";

    private protected override Task<SqlTables> TablesAsync(string catalogName = "lake") => SqlTables.OnPostgreSqlAsync(postgres, catalogName);

    private protected override async Task<object?> ExecuteAsync(SqlTables tables, string sql) => await (await postgres.ServerAsync()).ExecuteAsync(Of(tables).Database, sql);

    private static SqlDatabase.PostgreSql Of(SqlTables tables) => (SqlDatabase.PostgreSql)tables.Database;

    private static SqlCatalog Open(SqlTables tables, Func<SqlDatabase.PostgreSql, SqlDatabase.PostgreSql> other) =>
        new(tables.Definition with { Database = other(Of(tables)) }, tables.Store, new SystemIdSource(), TimeProvider.System);

    private static SqlCatalog Open(SqlTables tables, CuttingProxy proxy) => Open(tables, database => database with { Port = proxy.Port });

    private static int MetadataCount(Table table) => Directory.GetFiles(Path.Combine(table.Metadata.Location, "metadata"), "*.metadata.json").Length;

    [Fact]
    public async Task A_commit_whose_answer_is_lost_is_found_in_the_table()
    {
        await using var tables = await TablesAsync();
        await using var proxy = new CuttingProxy(Of(tables).Port);
        var table = await tables.CreateAsync("ns.t");
        var change = await tables.PrepareAsync(table);
        await using var catalog = Open(tables, proxy);

        proxy.CutAfter(Swap);
        var result = await SqlTables.AttemptAsync(catalog, table, change);

        Assert.IsType<CommitResult.Committed>(result);
        Assert.Equal(change.SnapshotId, (await tables.LoadAsync("ns.t")).Metadata.CurrentSnapshotId);
        Assert.Single((await tables.LoadAsync("ns.t")).Metadata.Snapshots);
    }

    [Fact]
    public async Task A_commit_whose_answer_is_lost_is_found_below_the_commits_of_others()
    {
        await using var tables = await TablesAsync();
        await using var proxy = new CuttingProxy(Of(tables).Port);
        var table = await tables.CreateAsync("ns.t");
        var change = await tables.PrepareAsync(table);
        await using var catalog = Open(tables, proxy);

        proxy.CutWhen(Swap, async () =>
        {
            // Our commit lands, and others build on it, before the client learns that it is cut off.
            while ((await tables.LoadAsync("ns.t")).MetadataLocation == table.MetadataLocation) { }
            await tables.AppendAsync(tables.Catalog, "ns.t");
            await tables.PythonAsync("catalog.load_table('ns.t').append(rows(1))");
        });
        var result = await SqlTables.AttemptAsync(catalog, table, change);

        Assert.IsType<CommitResult.Committed>(result);
        Assert.Equal(change.SnapshotId, (await tables.LoadAsync("ns.t")).Metadata.Lineage().Last().Id);
    }

    [Fact]
    public async Task A_commit_that_another_overtook_while_its_answer_was_lost_is_a_conflict_for_good()
    {
        await using var tables = await TablesAsync();
        await using var proxy = new CuttingProxy(Of(tables).Port);
        var table = await tables.CreateAsync("ns.t");
        var change = await tables.PrepareAsync(table);
        await tables.AppendAsync(tables.Catalog, "ns.t");
        await using var catalog = Open(tables, proxy);

        proxy.CutAfter(Swap);
        var result = await SqlTables.AttemptAsync(catalog, table, change);

        Assert.IsType<CommitResult.Conflict>(result);
        Assert.Equal(2, MetadataCount(table));
    }

    [Fact]
    public async Task A_commit_that_may_still_land_is_unknown_and_keeps_its_metadata_file_and_does_land()
    {
        await using var tables = await TablesAsync();
        var server = await postgres.ServerAsync();
        await using var proxy = new CuttingProxy(server.Port);
        var table = await tables.CreateAsync("ns.t");
        var change = await tables.PrepareAsync(table);
        await using var catalog = Open(tables, proxy);
        await using var holder = await server.ConnectAsync(Of(tables).Database);
        await using var transaction = await holder.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("SELECT * FROM iceberg_tables FOR UPDATE", holder, transaction)) await hold.ExecuteNonQueryAsync();

        proxy.CutWhen(Swap, async () =>
        {
            while (await server.ExecuteAsync(Of(tables).Database, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()") is not 1L) { }
        });
        var result = await SqlTables.AttemptAsync(catalog, table, change);
        var before = await tables.LoadAsync("ns.t");
        await transaction.RollbackAsync();
        Table after;
        do after = await tables.LoadAsync("ns.t"); while (after.MetadataLocation == table.MetadataLocation);

        var unknown = Assert.IsType<CommitResult.Unknown>(result);
        Assert.Contains("; whether the statement was carried out is not known. Check that the server runs", unknown.Cause.Message, StringComparison.Ordinal);
        Assert.Equal(table.MetadataLocation, before.MetadataLocation);
        Assert.Equal(change.SnapshotId, after.Metadata.CurrentSnapshotId);
    }

    [Fact]
    public async Task A_commit_that_never_reached_a_server_that_is_gone_is_unknown()
    {
        await using var tables = await TablesAsync();
        await using var proxy = new CuttingProxy(Of(tables).Port) { StaysDown = true };
        var table = await tables.CreateAsync("ns.t");
        var change = await tables.PrepareAsync(table);
        await using var catalog = Open(tables, proxy);

        proxy.CutBefore(Swap);
        var result = await SqlTables.AttemptAsync(catalog, table, change);

        Assert.IsType<CommitResult.Unknown>(result);
        Assert.Equal(2, MetadataCount(table));
        Assert.IsType<CommitResult.Committed>(await SqlTables.AttemptAsync(tables.Catalog, table, change));
    }

    [Fact]
    public async Task A_server_process_that_is_ended_under_a_commit_leaves_it_unknown_and_the_next_attempt_commits()
    {
        await using var tables = await TablesAsync();
        var server = await postgres.ServerAsync();
        var table = await tables.CreateAsync("ns.t");
        var change = await tables.PrepareAsync(table);
        await using var holder = await server.ConnectAsync(Of(tables).Database);
        await using var transaction = await holder.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("SELECT * FROM iceberg_tables FOR UPDATE", holder, transaction)) await hold.ExecuteNonQueryAsync();

        var committing = SqlTables.AttemptAsync(tables.Catalog, table, change);
        while (await server.ExecuteAsync(Of(tables).Database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()") is not true) { }
        var result = await committing;
        await transaction.RollbackAsync();

        Assert.IsType<CommitResult.Unknown>(result);
        Assert.IsType<CommitResult.Committed>(await SqlTables.AttemptAsync(tables.Catalog, table, change));
    }

    [Fact]
    public async Task A_statement_that_the_server_gave_up_is_a_conflict_for_good()
    {
        await using var tables = await TablesAsync();
        var server = await postgres.ServerAsync();
        var table = await tables.CreateAsync("ns.t");
        var change = await tables.PrepareAsync(table);
        await using var catalog = Open(tables, database => database with { Options = database.Options.Add("Options", "-c statement_timeout=100") });
        await using var holder = await server.ConnectAsync(Of(tables).Database);
        await using var transaction = await holder.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("SELECT * FROM iceberg_tables FOR UPDATE", holder, transaction)) await hold.ExecuteNonQueryAsync();

        var result = await SqlTables.AttemptAsync(catalog, table, change);

        Assert.Contains("canceling statement due to statement timeout (57014)", Assert.IsType<CommitResult.Conflict>(result).Reason, StringComparison.Ordinal);
        Assert.Equal(1, MetadataCount(table));
    }

    [Fact]
    public async Task A_cancelled_commit_ends_at_once()
    {
        await using var tables = await TablesAsync();
        var server = await postgres.ServerAsync();
        var table = await tables.CreateAsync("ns.t");
        await using var holder = await server.ConnectAsync(Of(tables).Database);
        await using var transaction = await holder.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("SELECT * FROM iceberg_tables FOR UPDATE", holder, transaction)) await hold.ExecuteNonQueryAsync();
        using var stop = new CancellationTokenSource();

        var committing = tables.Catalog.CommitAsync(table, [], [], stop.Token).AsTask();
        while (await server.ExecuteAsync(Of(tables).Database, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()") is not 1L) { }
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => committing);
    }

    [Fact]
    public async Task Connections_that_broke_while_nobody_used_them_are_replaced()
    {
        await using var tables = await TablesAsync();
        await tables.CreateAsync("ns.t");
        await tables.LoadAsync("ns.t");

        await ExecuteAsync(tables, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");

        Assert.NotNull(await tables.LoadAsync("ns.t"));
    }

    [Fact]
    public async Task A_table_whose_creation_got_no_answer_is_created_once()
    {
        await using var tables = await TablesAsync();
        await using var proxy = new CuttingProxy(Of(tables).Port);
        await using var catalog = Open(tables, proxy);

        proxy.CutAfter("INSERT INTO iceberg_tables");
        var (table, isCreated) = await catalog.CreateAsync(TableIdentifier.Parse("ns.t"), SqlTables.NewTable(), default);

        Assert.True(isCreated);
        Assert.Equal(table.Metadata.TableUuid, (await tables.LoadAsync("ns.t")).Metadata.TableUuid);
        Assert.Equal(1, MetadataCount(table));
    }

    [Fact]
    public async Task What_a_server_refuses_is_named_with_the_way_out_and_without_the_password()
    {
        await using var tables = await TablesAsync();
        var server = await postgres.ServerAsync();
        var table = await tables.CreateAsync("ns.t");
        var change = await tables.PrepareAsync(table);
        var (database, role, password) = (Of(tables).Database, $"reader_{Of(tables).Database}", "hush-4711");
        await server.ExecuteAsync(database, $"CREATE ROLE {role} LOGIN PASSWORD '{password}'; GRANT SELECT ON iceberg_tables TO {role}");
        var options = ImmutableSortedDictionary<string, string>.Empty;

        string[] messages =
        [
            await FailureAsync(definition => definition with { User = role, Password = new Secret("wrong-" + password) }),
            await FailureAsync(definition => definition with { User = role }),
            await FailureAsync(definition => definition with { Database = "nowhere" }),
            await FailureAsync(definition => definition with { Port = 1 }),
            await FailureAsync(definition => definition with { Options = options.Add("SSL Mode", "Require") }),
            await FailureAsync(definition => definition with { User = role, Password = new Secret(password) }, commits: true),
            await FailureAsync(definition => definition with { Options = options.Add("Options", "-c default_transaction_read_only=on") }, commits: true),
            await FailureAsync(definition => definition with { User = role, Password = new Secret(password), Options = options.Add("Sesame", password) }),
            await FailureAsync(definition => definition with { Options = options.Add("Timeout", password) }),
        ];

        string[] expected =
        [
            $"password authentication failed for user \"{role}\" (28P01). Check user and password",
            "the server wants a password, and there is none. Give the catalog a password",
            "database \"nowhere\" does not exist (3D000). Create the database",
            "Failed to connect to 127.0.0.1:1: Connection refused. Check that the server runs",
            "SSL connection requested. No SSL enabled connection from this host is configured. Check that the server runs",
            "permission denied for table iceberg_tables (42501). GRANT SELECT, INSERT, UPDATE",
            "cannot execute UPDATE in a read-only transaction (25006). The server takes no writes",
            $"The setting 'Sesame' of the PostgreSQL database {database} on 127.0.0.1:{server.Port} is not one that Npgsql knows",
            $"The setting 'Timeout' of the PostgreSQL database {database} on 127.0.0.1:{server.Port} is not one that Npgsql knows, or cannot have the value",
        ];
        await tables.Catalog.CheckWritableAsync(TableIdentifier.Parse("ns.none"), default);
        await using var reading = Open(tables, definition => definition with { User = role, Password = new Secret(password) });
        var check = await Assert.ThrowsAsync<CatalogException>(() => reading.CheckWritableAsync(TableIdentifier.Parse("ns.none"), default).AsTask());
        Assert.Contains("permission denied for table iceberg_tables (42501). GRANT SELECT, INSERT, UPDATE", check.Message, StringComparison.Ordinal);
        foreach (var (want, message) in expected.Zip(messages)) Assert.Contains(want, message, StringComparison.Ordinal);
        Assert.DoesNotContain(messages, message => message.Contains(password, StringComparison.Ordinal));
        Assert.Equal(1, MetadataCount(table));

        // All that is kept of the failure, for a log that shows it whole.
        async Task<string> FailureAsync(Func<SqlDatabase.PostgreSql, SqlDatabase.PostgreSql> other, bool commits = false) => (await Assert.ThrowsAsync<CatalogException>(async () =>
        {
            await using var catalog = Open(tables, other);
            if (commits) await SqlTables.AttemptAsync(catalog, table, change);
            else await catalog.LoadAsync(table.Identifier, default);
        })).ToString();
    }

    [Fact]
    public async Task A_name_that_is_too_long_for_the_columns_is_refused_and_leaves_no_file()
    {
        await using var tables = await TablesAsync();
        var name = new TableIdentifier([new string('a', 190), new string('b', 190)], "t");

        var refusal = await Assert.ThrowsAsync<CatalogException>(() => tables.Catalog.CreateAsync(name, SqlTables.NewTable(), default).AsTask());

        Assert.Contains("value too long for type character varying(255) (22001). The name or the location is longer", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(tables.Warehouse, "*.json", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task The_search_path_chooses_the_schema()
    {
        await using var tables = await TablesAsync();
        await ExecuteAsync(tables, "CREATE SCHEMA lakehouse");
        await using var catalog = Open(tables, database => database with { Options = database.Options.Add("Search Path", "lakehouse") });

        await catalog.CreateAsync(TableIdentifier.Parse("ns.t"), SqlTables.NewTable(), default);

        Assert.Equal("lakehouse", await ExecuteAsync(tables, "SELECT schemaname::text FROM pg_tables WHERE tablename = 'iceberg_tables'"));
        Assert.Null(await tables.Catalog.LoadAsync(TableIdentifier.Parse("ns.t"), default));
    }
}
