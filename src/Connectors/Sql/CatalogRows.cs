using System.Data.Common;

namespace Matih.Connectors.Sql;

/// <summary>What <c>iceberg_tables</c> says of one name.</summary>
internal readonly record struct CatalogRow(string? MetadataLocation, bool IsView);

/// <summary>
/// The two tables that Iceberg's JDBC catalog (Java) and SQL catalog (PyIceberg) share. Every method is one attempt with statements
/// that are transactions of their own, and fails with <see cref="SqlFault"/>. Thread-safe.
/// </summary>
/// <remarks>
/// Layout V0 has no column iceberg_type. Rows are read with all their columns, so that the layout need not be known and may be
/// raised to V1 by another program at any time.
/// </remarks>
internal sealed class CatalogRows(CatalogDatabase database, string catalogName)
{
    private const string IsOfTable = "catalog_name = @catalog AND table_namespace = @namespace AND table_name = @name";

    /// <summary>The one that is looked for comes last, so that both are there where it is.</summary>
    private static readonly string[] CreateStatements =
    [
        """
        CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
          catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL, property_key VARCHAR(255) NOT NULL, property_value VARCHAR(1000),
          PRIMARY KEY (catalog_name, namespace, property_key))
        """,
        """
        CREATE TABLE IF NOT EXISTS iceberg_tables (
          catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL,
          metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000), iceberg_type VARCHAR(5),
          PRIMARY KEY (catalog_name, table_namespace, table_name))
        """,
    ];

    /// <summary>The row of a table or view; null where there is none.</summary>
    /// <remarks>A connection that broke while nobody used it is found here, so this one statement is tried a second time.</remarks>
    public async ValueTask<CatalogRow?> FindAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        try
        {
            return await FindOnceAsync(identifier, cancellationToken);
        }
        catch (SqlFault fault) when (fault.Kind == SqlFaultKind.Lost)
        {
            database.ForgetConnections();
            return await FindOnceAsync(identifier, cancellationToken);
        }
    }

    private ValueTask<CatalogRow?> FindOnceAsync(TableIdentifier identifier, CancellationToken cancellationToken) => RunAsync<CatalogRow?>(creates: false, async connection =>
    {
        await using var command = Command(connection, $"SELECT * FROM iceberg_tables WHERE {IsOfTable}", identifier);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken)) return null;
        return new CatalogRow(TextOf(reader, "metadata_location"), TextOf(reader, "iceberg_type") is { } type && type != "TABLE");
    }, cancellationToken);

    /// <summary>Puts the table's next metadata file in the place of the one before. False: the row is not as it was, or is gone.</summary>
    public ValueTask<bool> SwapAsync(TableIdentifier identifier, string previous, string next, CancellationToken cancellationToken) => RunAsync(creates: false, async connection =>
    {
        await using var command = Command(
            connection,
            $"UPDATE iceberg_tables SET metadata_location = @next, previous_metadata_location = @previous WHERE {IsOfTable} AND metadata_location = @previous",
            identifier, ("@next", next), ("@previous", previous));
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }, cancellationToken);

    /// <summary>Sends a change and an addition that concern no row: the database says whether it would carry such statements out.</summary>
    public ValueTask TryWritingAsync(TableIdentifier absent, CancellationToken cancellationToken) => RunAsync(creates: false, async connection =>
    {
        string[] statements =
        [
            $"UPDATE iceberg_tables SET metadata_location = NULL WHERE {IsOfTable}",
            "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name) SELECT catalog_name, table_namespace, table_name FROM iceberg_tables WHERE 1 = 0",
            "INSERT INTO iceberg_namespace_properties (catalog_name, namespace, property_key) SELECT catalog_name, namespace, property_key FROM iceberg_namespace_properties WHERE 1 = 0",
        ];
        foreach (var statement in statements)
        {
            await using var command = Command(connection, statement, absent);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }, cancellationToken);

    /// <summary>Registers a new table, and its namespace so that this one outlives it.</summary>
    public async ValueTask InsertAsync(TableIdentifier identifier, string metadataLocation, CancellationToken cancellationToken)
    {
        var hasType = (await ColumnsAsync(cancellationToken)).Contains("iceberg_type");
        await RunAsync(creates: false, async connection =>
        {
            if (!identifier.Namespace.IsEmpty)
            {
                await using var mention = Command(
                    connection,
                    "INSERT INTO iceberg_namespace_properties (catalog_name, namespace, property_key, property_value) VALUES (@catalog, @namespace, 'exists', 'true') ON CONFLICT DO NOTHING",
                    identifier);
                await mention.ExecuteNonQueryAsync(cancellationToken);
            }
            await using var command = Command(
                connection,
                $"INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location{(hasType ? ", iceberg_type" : "")}) VALUES (@catalog, @namespace, @name, @next{(hasType ? ", 'TABLE'" : "")})",
                identifier, ("@next", metadataLocation));
            return await command.ExecuteNonQueryAsync(cancellationToken);
        }, cancellationToken);
    }

    /// <summary>Makes the two tables where they are missing, in layout V1; an older layout stays as it is.</summary>
    public async ValueTask PrepareAsync(CancellationToken cancellationToken)
    {
        if ((await ColumnsAsync(cancellationToken)).Count != 0) return;
        SqlFault? failure = null;
        foreach (var statement in CreateStatements)
        {
            try
            {
                await RunAsync(creates: true, async connection =>
                {
                    await using var command = connection.CreateCommand();
                    command.CommandText = statement;
                    return await command.ExecuteNonQueryAsync(cancellationToken);
                }, cancellationToken);
            }
            catch (SqlFault fault)
            {
                // Of several that create a table at once PostgreSQL lets one do it, and the others fail in more than one way.
                failure = fault;
            }
        }
        if (failure is not null && (await ColumnsAsync(cancellationToken)).Count == 0) throw failure;
    }

    private ValueTask<HashSet<string>> ColumnsAsync(CancellationToken cancellationToken) => RunAsync(creates: true, async connection =>
    {
        await using var command = connection.CreateCommand();
        command.CommandText = database.ColumnsQuery;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        while (await reader.ReadAsync(cancellationToken)) names.Add(reader.GetString(0));
        return names;
    }, cancellationToken);

    private DbCommand Command(DbConnection connection, string text, TableIdentifier identifier, params ReadOnlySpan<(string Name, string Value)> more)
    {
        var command = connection.CreateCommand();
        command.CommandText = text;
        Add("@catalog", catalogName);
        Add("@namespace", string.Join('.', identifier.Namespace));
        Add("@name", identifier.Name);
        foreach (var (name, value) in more) Add(name, value);
        return command;

        void Add(string name, string value)
        {
            if (!text.Contains(name, StringComparison.Ordinal)) return;
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            parameter.Value = value;
            command.Parameters.Add(parameter);
        }
    }

    private static string? TextOf(DbDataReader reader, string column)
    {
        for (var i = 0; i < reader.FieldCount; i++)
            if (string.Equals(reader.GetName(i), column, StringComparison.OrdinalIgnoreCase)) return reader.IsDBNull(i) ? null : reader.GetString(i);
        return null;
    }

    private async ValueTask RunAsync(bool creates, Func<DbConnection, ValueTask> work, CancellationToken cancellationToken) => await RunAsync(creates, async connection =>
    {
        await work(connection);
        return true;
    }, cancellationToken);

    private async ValueTask<T> RunAsync<T>(bool creates, Func<DbConnection, ValueTask<T>> work, CancellationToken cancellationToken)
    {
        var wasSent = false;
        try
        {
            await using var connection = await database.OpenAsync(creates, cancellationToken);
            wasSent = true;
            return await work(connection);
        }
        catch (Exception e) when (database.FaultOf(e, wasSent) is { } fault)
        {
            throw fault;
        }
    }
}
