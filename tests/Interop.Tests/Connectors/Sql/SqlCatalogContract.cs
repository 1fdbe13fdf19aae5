using System.Globalization;
using System.Text.Json;
using Matih.Connectors.Sql;
using Matih.Fixtures;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Interop.Tests.Connectors.Sql;

/// <summary>What a SQL catalog owes, on whichever database, with the other engines on the same tables.</summary>
public abstract class SqlCatalogContract
{
    private static readonly CancellationToken None = CancellationToken.None;

    private protected abstract Task<SqlTables> TablesAsync(string catalogName = "lake");

    /// <summary>Runs statements beside the code under test; the result is the first value.</summary>
    private protected abstract Task<object?> ExecuteAsync(SqlTables tables, string sql);

    [Fact]
    public async Task A_table_that_does_not_exist_is_null_and_looking_creates_nothing()
    {
        await using var tables = await TablesAsync();

        Assert.Null(await tables.Catalog.LoadAsync(TableIdentifier.Parse("shop.orders"), None));

        await Assert.ThrowsAnyAsync<Exception>(() => ExecuteAsync(tables, "SELECT count(*) FROM iceberg_tables"));
    }

    [Fact]
    public async Task A_created_table_lies_where_java_puts_one_and_its_row_is_of_layout_V1()
    {
        await using var tables = await TablesAsync();

        var table = await tables.CreateAsync("shop.web.orders");
        await IcebergReference.CreateAsync(tables.Java("shop.web.theirs"), SqlTables.Schema);

        Assert.Equal($"{tables.Warehouse}/shop/web/orders", table.Metadata.Location);
        Assert.Matches("/shop/web/orders/metadata/00000-[0-9a-f-]{36}.metadata.json$", table.MetadataLocation);
        Assert.Equal($"{tables.Warehouse}/shop/web/theirs", LocalPath.Plain((await tables.LoadAsync("shop.web.theirs")).Metadata.Location));
        Assert.Equal("TABLE", await ExecuteAsync(tables, "SELECT iceberg_type FROM iceberg_tables WHERE table_name = 'orders'"));
        Assert.Equal("true", await ExecuteAsync(tables, "SELECT property_value FROM iceberg_namespace_properties WHERE namespace = 'shop.web' AND property_key = 'exists'"));
    }

    [Fact]
    public async Task A_version_3_table_is_created_and_raised_ones_are_written_by_turns_with_java()
    {
        await using var tables = await TablesAsync();
        var data = await tables.DataAsync();
        var (created, _) = await tables.Catalog.CreateAsync(TableIdentifier.Parse("ns.t"), SqlTables.NewTable() with { FormatVersion = 3 }, None);
        await IcebergReference.CreateAsync(tables.Java("ns.old"), SqlTables.Schema, null, "--format-version", "1");
        await tables.AppendAsync(tables.Catalog, "ns.old", data.New(await tables.LoadAsync("ns.old")));
        await IcebergReference.WriteAsync("set-props", tables.Java("ns.old"), "format-version=3");

        foreach (var name in (string[])["ns.t", "ns.old"])
        {
            await tables.AppendAsync(tables.Catalog, name, data.New(await tables.LoadAsync(name)));
            await IcebergReference.AppendAsync(tables.Java(name), ["""{"id":2,"s":"java"}"""]);
            await tables.AppendAsync(tables.Catalog, name, data.New(await tables.LoadAsync(name)));
            await IcebergReference.CheckAsync(tables.Java(name));
        }

        Assert.Equal(3, created.Metadata.FormatVersion);
        Assert.Equal((3L, 4L), ((await tables.LoadAsync("ns.t")).Metadata.NextRowId, (await tables.LoadAsync("ns.old")).Metadata.NextRowId));
    }

    [Fact]
    public async Task Creating_a_table_that_exists_gives_the_one_that_exists()
    {
        await using var tables = await TablesAsync();
        var first = await tables.CreateAsync("ns.t");

        var (second, isCreated) = await tables.Open().CreateAsync(TableIdentifier.Parse("ns.t"), SqlTables.NewTable(), None);

        Assert.False(isCreated);
        Assert.Equal(first.Metadata.TableUuid, second.Metadata.TableUuid);
    }

    [Fact]
    public async Task Of_many_that_create_one_table_at_once_in_an_empty_database_one_does_and_all_see_it()
    {
        await using var tables = await TablesAsync();

        var created = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            await using var catalog = tables.Open();
            return await catalog.CreateAsync(TableIdentifier.Parse("ns.t"), SqlTables.NewTable(), None);
        })));

        Assert.Single(created, result => result.IsCreated);
        Assert.Single(created.Select(result => result.Table.Metadata.TableUuid).Distinct());
        // The files of those that came too late are gone.
        Assert.Single(Directory.GetFiles(Path.Combine(tables.Warehouse, "ns", "t", "metadata")));
    }

    [Fact]
    public async Task A_table_in_the_folder_of_another_is_refused()
    {
        await using var tables = await TablesAsync();
        await tables.CreateAsync("ns.t");

        var refusal = await Assert.ThrowsAsync<UnsupportedTableException>(() => tables.CreateAsync("ns.t.data"));

        Assert.Equal("ns.t.data cannot be created: it would lie in the folder of table ns.t. Give it another namespace.", refusal.Message);
    }

    [Fact]
    public async Task A_commit_is_what_the_next_load_sees_and_versions_are_numbered_and_logged()
    {
        await using var tables = await TablesAsync();
        await tables.CreateAsync("ns.t");

        for (var i = 0; i < 3; i++) await tables.AppendAsync(tables.Catalog, "ns.t");

        var table = await tables.LoadAsync("ns.t");
        Assert.Contains("/00003-", table.MetadataLocation, StringComparison.Ordinal);
        Assert.Equal(["00000", "00001", "00002"], table.Metadata.MetadataLog.Select(entry => Path.GetFileName(entry.MetadataFile)[..5]));
        Assert.Equal(table.Metadata.MetadataLog[^1].MetadataFile, await ExecuteAsync(tables, "SELECT previous_metadata_location FROM iceberg_tables"));
        await IcebergReference.CheckAsync(tables.Java("ns.t"));
    }

    [Fact]
    public async Task A_commit_that_another_overtook_is_a_conflict_and_leaves_no_metadata_file()
    {
        await using var tables = await TablesAsync();
        var table = await tables.CreateAsync("ns.t");
        await tables.AppendAsync(tables.Catalog, "ns.t");
        var change = await tables.PrepareAsync(table);

        var result = await SqlTables.AttemptAsync(tables.Catalog, table, change);

        var conflict = Assert.IsType<CommitResult.Conflict>(result);
        Assert.Contains("which another commit wrote", conflict.Reason, StringComparison.Ordinal);
        Assert.Equal(2, Directory.GetFiles(Path.Combine(table.Metadata.Location, "metadata"), "*.metadata.json").Length);
    }

    [Fact]
    public async Task A_commit_to_a_table_that_was_dropped_is_a_conflict()
    {
        await using var tables = await TablesAsync();
        var table = await tables.CreateAsync("ns.t");
        await ExecuteAsync(tables, "DELETE FROM iceberg_tables");

        var result = await SqlTables.AttemptAsync(tables.Catalog, table, await tables.PrepareAsync(table));

        Assert.StartsWith("ns.t is gone from SQL catalog 'lake' in the ", Assert.IsType<CommitResult.Conflict>(result).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_committers_at_once_lose_no_commit()
    {
        await using var tables = await TablesAsync();
        await tables.CreateAsync("ns.t");
        const int writers = 6, commits = 8;

        await Task.WhenAll(Enumerable.Range(0, writers).Select(_ => Task.Run(async () =>
        {
            await using var catalog = tables.Open();
            for (var i = 0; i < commits; i++) await tables.AppendAsync(catalog, "ns.t");
        })));

        var table = await tables.LoadAsync("ns.t");
        Assert.Equal(writers * commits, table.Metadata.Lineage().Count());
        Assert.Equal(Enumerable.Range(1, writers * commits).Select(i => (long)i), table.Metadata.Snapshots.Select(snapshot => snapshot.SequenceNumber).Order());
        Assert.Contains($"/{writers * commits:00000}-", table.MetadataLocation, StringComparison.Ordinal);
        Assert.Equal(writers * commits + 1, Directory.GetFiles(Path.Combine(table.Metadata.Location, "metadata"), "*.metadata.json").Length);
    }

    [Fact]
    public async Task Java_and_pyiceberg_see_our_table_and_write_between_our_commits()
    {
        await using var tables = await TablesAsync();
        var data = await tables.DataAsync();
        var table = await tables.CreateAsync("ns.t");
        await tables.AppendAsync(tables.Catalog, "ns.t", data.New(table));

        await IcebergReference.AppendAsync(tables.Java("ns.t"), ["""{"id":2,"s":"java"}"""]);
        await tables.AppendAsync(tables.Catalog, "ns.t", data.New(table));
        await tables.PythonAsync("catalog.load_table('ns.t').append(rows(3, 4))");
        await tables.AppendAsync(tables.Catalog, "ns.t", data.New(table));
        await IcebergReference.WriteAsync("expire-snapshots", tables.Java("ns.t"), "--retain-last", "2");
        await tables.AppendAsync(tables.Catalog, "ns.t", data.New(table));

        await IcebergReference.CheckAsync(tables.Java("ns.t"));
        Assert.Equal(7, await IcebergReference.CountAsync(tables.Java("ns.t")));
        var seen = await tables.PythonAsync("for row in catalog.load_table('ns.t').scan().to_arrow().to_pylist(): print(json.dumps(row['s']))");
        Assert.Equal(["java", "ours", "ours", "ours", "ours", "python", "python"], seen.Select(item => item.GetString()!).Order(StringComparer.Ordinal));
        Assert.Contains("/00007-", (await tables.LoadAsync("ns.t")).MetadataLocation, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("java")]
    [InlineData("java-v0")]
    [InlineData("python")]
    [InlineData("python-v0")]
    public async Task A_catalog_and_table_that_another_engine_made_are_written_in_the_layout_that_they_have(string maker)
    {
        await using var tables = await TablesAsync();
        var data = await tables.DataAsync();
        string[] layout = maker.EndsWith("-v0", StringComparison.Ordinal) ? ["--prop", "jdbc.schema-version=V0"] : [];
        if (maker.StartsWith("java", StringComparison.Ordinal))
        {
            (await IcebergReference.RunAsync("create", tables.Java("ns.t"), ["--schema", SqlTables.Schema, .. layout])).Expect();
        }
        else
        {
            // PyIceberg keeps layout V0 where it finds it, and makes none.
            await tables.PythonAsync(
                """
                from sqlalchemy import text
                if len(sys.argv) > 1:
                    with catalog.engine.begin() as connection:
                        connection.execute(text("ALTER TABLE iceberg_tables DROP COLUMN iceberg_type"))
                    catalog._schema_version = "v0"
                catalog.create_namespace("ns")
                catalog.create_table("ns.t", schema)
                """,
                layout.Length == 0 ? [] : ["v0"]);
        }

        await tables.AppendAsync(tables.Catalog, "ns.t", data.New(await tables.LoadAsync("ns.t")));
        var created = await tables.CreateAsync("ns.ours");
        await tables.AppendAsync(tables.Catalog, "ns.ours", data.New(created));

        var version = layout.Length == 0 ? "V1" : "V0";
        foreach (var name in (string[])["ns.t", "ns.ours"])
            (await IcebergReference.RunAsync("append", tables.Java(name), "--file", await tables.RowsFileAsync("""{"id":5,"s":"java"}"""), "--prop", $"jdbc.schema-version={version}")).Expect();
        var seen = await tables.PythonAsync("for name in sorted('.'.join(t) for t in catalog.list_tables('ns')): print(json.dumps([name, catalog.load_table(name).scan().to_arrow().num_rows]))");
        Assert.Equal(["""["ns.ours", 2]""", """["ns.t", 2]"""], seen.Select(item => item.GetRawText()));
        Assert.Equal(version == "V1", await HasTypeAsync(tables));
    }

    private async Task<bool> HasTypeAsync(SqlTables tables)
    {
        try
        {
            await ExecuteAsync(tables, "SELECT iceberg_type FROM iceberg_tables");
            return true;
        }
        catch (System.Data.Common.DbException)
        {
            return false;
        }
    }

    [Fact]
    public async Task Tables_of_another_catalog_name_in_the_same_database_are_not_ours()
    {
        await using var tables = await TablesAsync();
        await tables.CreateAsync("ns.t");
        await ExecuteAsync(tables, "UPDATE iceberg_tables SET catalog_name = 'other'");

        Assert.Null(await tables.Catalog.LoadAsync(TableIdentifier.Parse("ns.t"), None));
        await tables.CreateAsync("ns.t");

        Assert.Equal(2L, Convert.ToInt64(await ExecuteAsync(tables, "SELECT count(*) FROM iceberg_tables"), CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task A_view_of_that_name_is_refused()
    {
        await using var tables = await TablesAsync();
        await tables.CreateAsync("ns.t");
        await ExecuteAsync(tables, "UPDATE iceberg_tables SET iceberg_type = 'VIEW'");

        var refusal = await Assert.ThrowsAsync<UnsupportedTableException>(() => tables.LoadAsync("ns.t"));

        Assert.EndsWith(" is a view, not a table.", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_that_names_no_file_or_one_that_is_gone_says_so()
    {
        await using var tables = await TablesAsync();
        var table = await tables.CreateAsync("ns.t");
        File.Delete(table.MetadataLocation);

        var gone = await Assert.ThrowsAsync<InvalidTableException>(() => tables.LoadAsync("ns.t"));
        await ExecuteAsync(tables, "UPDATE iceberg_tables SET metadata_location = NULL");
        var none = await Assert.ThrowsAsync<InvalidTableException>(() => tables.LoadAsync("ns.t"));

        Assert.StartsWith($"The metadata file {table.MetadataLocation}, which SQL catalog 'lake' in the ", gone.Message, StringComparison.Ordinal);
        Assert.Contains("names no metadata file", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_of_another_layout_is_named()
    {
        await using var tables = await TablesAsync();
        await ExecuteAsync(tables, "CREATE TABLE iceberg_tables (id INTEGER)");

        var refusal = await Assert.ThrowsAsync<CatalogException>(() => tables.CreateAsync("ns.t"));

        Assert.StartsWith("Could not read table ns.t in SQL catalog 'lake' in the ", refusal.Failure, StringComparison.Ordinal);
        Assert.StartsWith("The table iceberg_tables is not that of an Iceberg catalog", refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_metadata_log_keeps_as_many_versions_as_the_table_wants()
    {
        await using var tables = await TablesAsync();
        await tables.CreateAsync("ns.t", ("write.metadata.previous-versions-max", "2"));

        for (var i = 0; i < 4; i++) await tables.AppendAsync(tables.Catalog, "ns.t");

        Assert.Equal(["00002", "00003"], (await tables.LoadAsync("ns.t")).Metadata.MetadataLog.Select(entry => Path.GetFileName(entry.MetadataFile)[..5]));
    }

    [Fact]
    public async Task Names_and_namespaces_of_many_levels_with_letters_from_everywhere_survive()
    {
        await using var tables = await TablesAsync();
        var name = new TableIdentifier(["läger", "it's", "a_b"], "Bestellungen 東京");
        await tables.Catalog.CreateAsync(name, SqlTables.NewTable(), None);

        var seen = await tables.PythonAsync("print(json.dumps(list(catalog.load_table((\"läger\", \"it's\", 'a_b', 'Bestellungen 東京')).name())))");

        Assert.Equal("läger.it's.a_b.Bestellungen 東京", string.Join('.', seen[0].EnumerateArray().Select(item => item.GetString())));
        Assert.NotNull(await tables.Catalog.LoadAsync(name, None));
    }

    /// <summary>Ours and PyIceberg's writers, and Java's beside them, on one table for a while.</summary>
    [Fact, LongTest]
    public async Task Other_writers_beside_ours_lose_and_double_nothing_and_all_make_progress()
    {
        var isSoak = Soak.IsOn;
        // All continue until each has made some, however slow the machine is: the faster ones wait longer and longer, so that the others get in between.
        const int OursMin = 6, OthersMin = 3;
        Task PauseAsync(int count) => Task.Delay(TimeSpan.FromSeconds(Math.Min(0.1 * Math.Pow(1.5, count), isSoak ? 1 : 20)));
        var duration = TimeSpan.FromSeconds(isSoak ? 120 : 3);
        await using var tables = await TablesAsync();
        var data = await tables.DataAsync();
        // Java's own limit of four retries is too low beside writers that never rest.
        var table = await tables.CreateAsync("ns.t", ("commit.retry.num-retries", "1000"), ("commit.retry.max-wait-ms", "500"));
        using var time = new CancellationTokenSource(duration);
        var begun = TimeProvider.System.GetTimestamp();

        var python = tables.PythonAsync(
            """
            import time
            from pyiceberg.exceptions import CommitFailedException
            from sqlalchemy.exc import OperationalError
            end, count = time.monotonic() + float(sys.argv[1]), 0
            table = catalog.load_table("ns.t")
            while count < int(sys.argv[2]) or time.monotonic() < end:
                try:
                    table.refresh()
                    table.append(rows(1000 + count))
                    count += 1
                except (CommitFailedException, OperationalError):
                    pass
            print(json.dumps(count))
            """,
            duration.TotalSeconds.ToString(CultureInfo.InvariantCulture), $"{OthersMin}");
        var java = Task.Run(async () =>
        {
            var count = 0;
            for (; count < OthersMin || !time.IsCancellationRequested; await PauseAsync(count)) await IcebergReference.AppendAsync(tables.Java("ns.t"), [$$"""{"id":{{-count++}},"s":"java"}"""]);
            return count;
        });
        var ours = Task.Run(async () =>
        {
            var files = new List<string>();
            while (files.Count < OursMin || !java.IsCompleted || !python.IsCompleted)
            {
                var file = data.New(table);
                await tables.AppendAsync(tables.Catalog, "ns.t", file);
                files.Add(file.Path);
                await Task.WhenAny(PauseAsync(files.Count), Task.WhenAll(java, python));
            }
            return files;
        });
        var (pythonCount, oursFiles, javaCount) = ((await python)[0].GetInt32(), await ours, await java);
        var took = TimeProvider.System.GetElapsedTime(begun);

        await IcebergReference.CheckAsync(tables.Java("ns.t"));
        var rows = await tables.PythonAsync("for row in catalog.load_table('ns.t').scan().to_arrow().to_pylist(): print(json.dumps([row['s'], row['id']]))");
        var found = rows.Select(row => (Writer: row[0].GetString()!, Id: row[1].GetInt64())).ToLookup(row => row.Writer, row => row.Id);
        var last = await tables.LoadAsync("ns.t");
        var live = (await SnapshotReader.LiveFilesAsync(last, last.Metadata.CurrentSnapshot!, None)).Select(file => file.Path).ToArray();
        TestContext.Current.TestOutputHelper?.WriteLine($"ours {oursFiles.Count}, PyIceberg {pythonCount}, Java {javaCount} commits in {took.TotalSeconds:0} s");
        Assert.Equal(oursFiles.Order(StringComparer.Ordinal), live.Where(path => oursFiles.Contains(path)).Order(StringComparer.Ordinal));
        Assert.Equal(oursFiles.Count, found["ours"].Count());
        Assert.Equal(Enumerable.Range(0, pythonCount).Select(i => 1000L + i), found["python"].Order());
        Assert.Equal(Enumerable.Range(0, javaCount).Select(i => (long)-i), found["java"].OrderDescending());
        Assert.Equal(oursFiles.Count + pythonCount + javaCount, last.Metadata.Lineage().Count());
    }
}
