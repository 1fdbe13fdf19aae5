using System.Net;
using System.Net.Sockets;
using Matih.Definition;
using Npgsql;

[assembly: AssemblyFixture(typeof(Matih.Fixtures.SharedPostgreSql))]

namespace Matih.Fixtures;

/// <summary>
/// The one PostgreSQL server of a test run. It starts on first use (2 seconds, and half a minute where it has to be installed first)
/// and ends with the run. Take it as a constructor parameter of the test class, and a database of its own for each test.
/// </summary>
public sealed class SharedPostgreSql : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private Task<PostgreSqlServer>? _server;

    /// <summary>The running server. Skips the test where real components are declined.</summary>
    public Task<PostgreSqlServer> ServerAsync()
    {
        if (SharedTools.IsDeclined) Assert.Skip("needs a PostgreSQL server, declined by MATIH_SHARED=none");
        lock (_lock) return _server ??= PostgreSqlServer.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is { IsCompletedSuccessfully: true }) await _server.Result.DisposeAsync();
    }
}

/// <summary>A PostgreSQL server on this machine, with Debian's programs. The user postgres needs no password, every other one does.</summary>
public sealed class PostgreSqlServer : IAsyncDisposable
{
    /// <summary>Debian's package of Python's client and Java's driver, for the other engines.</summary>
    private static readonly string[] Packages = ["postgresql", "python3-psycopg2", "libpostgresql-jdbc-java"];

    private readonly ExternalProcess _process;
    private readonly string _folder;
    private int _databases;

    private PostgreSqlServer(ExternalProcess process, string folder, int port)
    {
        _process = process;
        _folder = folder;
        Port = port;
    }

    public int Port { get; }

    public static async Task<PostgreSqlServer> StartAsync()
    {
        var programs = await InstallAsync();
        var folder = TemporaryDirectory.NewUnowned();
        string[] asUser = [];
        if (Environment.UserName == "root")
        {
            // The server refuses to run as root.
            asUser = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"];
            (await ExternalProcess.RunAsync("chown", ["postgres:postgres", folder])).Expect();
        }
        var data = Path.Combine(folder, "data");
        await RunAsync([.. asUser, Path.Combine(programs, "initdb"), "-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "trust", "--no-sync"]);
        await File.WriteAllTextAsync(Path.Combine(data, "pg_hba.conf"), "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
        var port = FreePort();
        string[] start =
        [
            .. asUser, Path.Combine(programs, "postgres"), "-D", data, "-p", $"{port}", "-k", folder,
            "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=200",
        ];
        var process = ExternalProcess.Start(start[0], start[1..]);
        try
        {
            await process.Error.WaitForAsync("database system is ready to accept connections");
            return new PostgreSqlServer(process, folder, port);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>A new empty database that belongs to the user postgres.</summary>
    public async Task<SqlDatabase.PostgreSql> NewDatabaseAsync()
    {
        var name = $"lake{Interlocked.Increment(ref _databases)}";
        await ExecuteAsync("postgres", $"CREATE DATABASE {name}");
        return new SqlDatabase.PostgreSql("127.0.0.1", Port, name, "postgres", null, System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty);
    }

    /// <summary>Runs statements as the user postgres, beside the code under test.</summary>
    public async Task<object?> ExecuteAsync(string database, string sql)
    {
        await using var connection = await ConnectAsync(database);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    public async Task<NpgsqlConnection> ConnectAsync(string database)
    {
        var connection = new NpgsqlConnection($"Host=127.0.0.1;Port={Port};Username=postgres;Database={database};Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        _process.Send(ProcessSignal.Interrupt);
        await _process.WaitForExitAsync();
        await _process.DisposeAsync();
        TemporaryDirectory.Delete(_folder);
    }

    /// <summary>The folder of the server's programs. Installs the packages once where they are missing; two test runs may ask at once.</summary>
    private static async Task<string> InstallAsync()
    {
        await DebianPackages.RequireAsync(Packages);
        return Directory.GetDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal).Select(version => Path.Combine(version, "bin")).Last(Directory.Exists);
    }

    private static async Task RunAsync(string[] command) => (await ExternalProcess.RunAsync(command[0], command[1..])).Expect();

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
