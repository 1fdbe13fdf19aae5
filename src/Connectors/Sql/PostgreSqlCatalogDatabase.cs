using System.Data.Common;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using Matih.Definition;
using Npgsql;

namespace Matih.Connectors.Sql;

/// <summary>A catalog in a PostgreSQL database, through a pool of connections.</summary>
internal sealed class PostgreSqlCatalogDatabase : CatalogDatabase
{
    private readonly SqlDatabase.PostgreSql _definition;
    private readonly CallLimits? _limits;
    private readonly RedactedText _redaction;

    /// <summary>Made with the first call, so that settings that do not fit together are a failure of that call.</summary>
    private readonly Lazy<NpgsqlDataSource> _source;

    /// <exception cref="CatalogException">A setting is not known, or its value is none that it can have.</exception>
    public PostgreSqlCatalogDatabase(SqlDatabase.PostgreSql definition, CallLimits? limits = null)
    {
        (_definition, _limits) = (definition, limits);
        _redaction = new([definition.Password, .. definition.Options.Where(option => IsSecret(option.Key)).Select(option => new Secret(option.Value))]);
        var settings = Settings().ToString();
        _source = new(() => Build(settings));
    }

    public override string Name => $"the PostgreSQL database {_definition.Database} on {_definition.Host}:{_definition.Port.ToString(CultureInfo.InvariantCulture)}";

    public override string ColumnsQuery => "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('iceberg_tables') AND attnum > 0 AND NOT attisdropped";

    /// <summary>Npgsql's names of the password and of the key's password.</summary>
    private static bool IsSecret(string setting) => new[] { "pass", "psw", "pwd" }.Any(part => setting.Contains(part, StringComparison.OrdinalIgnoreCase));

    private NpgsqlDataSource Build(string settings)
    {
        try
        {
            var builder = new NpgsqlSlimDataSourceBuilder(settings);
            builder.EnableTransportSecurity();
            return builder.Build();
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException or InvalidOperationException)
        {
            throw new CatalogException($"The settings of {Name} do not fit together: {_redaction.Of(e.Message).TrimEnd('.')}.", "Correct them by Npgsql's list of connection string parameters.", _redaction.Kept(e));
        }
    }

    private NpgsqlConnectionStringBuilder Settings()
    {
        var settings = new NpgsqlConnectionStringBuilder
        {
            ApplicationName = "matih",
            // Seconds to connect, and for a statement: each of them touches one row.
            Timeout = SecondsOf(_limits?.AnswerMax) ?? 15,
            CommandTimeout = SecondsOf(_limits?.AnswerMax) ?? 30,
            // A catalog has one statement at a time for each table.
            MaxPoolSize = 10,
            // Transactions of the caller's are none of the catalog's.
            Enlist = false,
        };
        foreach (var (name, value) in _definition.Options)
        {
            try
            {
                settings[name] = value;
            }
            catch (Exception e) when (e is ArgumentException or FormatException or InvalidCastException or OverflowException)
            {
                // The exception is not kept: it may show the value.
                throw new CatalogException($"The setting '{name}' of {Name} is not one that Npgsql knows, or cannot have the value that it has.", "Correct it by Npgsql's list of connection string parameters.");
            }
        }
        settings.Host = _definition.Host;
        settings.Port = _definition.Port;
        settings.Database = _definition.Database;
        if (_definition.User is { } user) settings.Username = user;
        if (_definition.Password is { } password) settings.Password = password.Reveal();
        return settings;
    }

    private static int? SecondsOf(TimeSpan? time) => time is { } span ? Math.Max(1, (int)span.TotalSeconds) : null;

    public override async ValueTask<DbConnection> OpenAsync(bool creates, CancellationToken cancellationToken) => await _source.Value.OpenConnectionAsync(cancellationToken);

    public override SqlFault? FaultOf(Exception exception, bool wasSent) => exception switch
    {
        CatalogException => null,
        PostgresException answer => OfAnswer(answer, wasSent),
        DbException or SocketException or IOException or TimeoutException or AuthenticationException when FindPassword(exception) is { } reason =>
            new SqlFault(SqlFaultKind.Refused, reason, "Give the catalog a password (or a file that Npgsql reads: passfile), or let the server trust this user.", _redaction.Kept(exception)),
        DbException or SocketException or IOException or TimeoutException or AuthenticationException =>
            new SqlFault(wasSent ? SqlFaultKind.Lost : SqlFaultKind.Refused, _redaction.Of(ReasonOf(exception)), "Check that the server runs, its address and port, the network and the TLS settings.", _redaction.Kept(exception)),
        _ => null,
    };

    private static string? FindPassword(Exception exception) => exception.Message.Contains("No password has been provided", StringComparison.Ordinal) ? "the server wants a password, and there is none" : null;

    /// <summary>The outer message says that something failed, and the inner one what.</summary>
    private static string ReasonOf(Exception exception) =>
        exception.InnerException is { } inner && inner.Message != exception.Message ? $"{exception.Message.TrimEnd('.')}: {inner.Message}" : exception.Message;

    /// <summary>What an error that the server reported means.</summary>
    /// <remarks>Source: PostgreSQL documentation, Appendix A, "PostgreSQL Error Codes".</remarks>
    private SqlFault OfAnswer(PostgresException answer, bool wasSent)
    {
        // An error ends its statement, which is a transaction of its own, without effect. What ends the connection, or says itself that
        // it does not know, may come after a commit.
        var isEnd = answer.InvariantSeverity != "ERROR" || answer.SqlState is "40003" || answer.SqlState[..2] is "08" or "57" or "58" or "XX" && answer.SqlState is not ("57014" or "57P03");
        var (kind, remedy) = answer.SqlState switch
        {
            "23505" => (SqlFaultKind.KeyExists, "Read what is there."),
            "42P01" => (SqlFaultKind.NoTable, "Check the database and its search path: the tables of the catalog are not there."),
            "42703" => (SqlFaultKind.Refused, SqlAdvice.WrongLayout),
            "40001" or "40P01" or "55P03" or "57014" => (SqlFaultKind.Contended, "Another transaction was in the way; look at pg_locks where this repeats."),
            "28P01" or "28000" => (SqlFaultKind.Refused, "Check user and password, and what pg_hba.conf of the server allows this user from here."),
            "3D000" => (SqlFaultKind.Refused, "Create the database, or correct its name."),
            "3F000" => (SqlFaultKind.Refused, "Create the schema, or correct the search path."),
            "42501" => (SqlFaultKind.Refused, "GRANT SELECT, INSERT, UPDATE on iceberg_tables and iceberg_namespace_properties to this user; who creates them needs CREATE on the schema."),
            "25006" => (SqlFaultKind.Refused, "The server takes no writes, as a standby does: name the primary (Npgsql's Target Session Attributes chooses it among several hosts)."),
            "53300" => (SqlFaultKind.Refused, "Raise max_connections of the server, or close connections."),
            "53100" => (SqlFaultKind.Refused, "Free space on the server's disk."),
            "22001" => (SqlFaultKind.Refused, "The name or the location is longer than the catalog's columns: use shorter ones (255 characters for names, 1000 for locations)."),
            _ => (SqlFaultKind.Refused, "See the server's log."),
        };
        return new SqlFault(wasSent && isEnd ? SqlFaultKind.Lost : kind, $"{_redaction.Of(answer.MessageText)} ({_redaction.Of(answer.SqlState)})", remedy, _redaction.Kept(answer));
    }

    public override void ForgetConnections() => _source.Value.Clear();

    public override ValueTask DisposeAsync() => _source.IsValueCreated ? _source.Value.DisposeAsync() : default;
}
