using System.Collections.Immutable;
using Matih.Storage;

namespace Matih.Hosting;

/// <summary>What the environment says about this process to every host. What a host is asked for by itself, such as an option, wins over it.</summary>
public sealed record HostSettings
{
    public const string WarehouseVariable = "MATIH_WAREHOUSE";
    public const string CatalogVariable = "MATIH_CATALOG";
    public const string LibrdkafkaVariable = "MATIH_LIBRDKAFKA";
    public const string StateVariable = "MATIH_STATE_DIR";
    public const string MockVariable = "MATIH_KAFKA_MOCK";
    public const string LogLevelVariable = "MATIH_LOG_LEVEL";
    public const string OtlpEndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>The variables and what they mean to people, in the order in which a page shows them.</summary>
    public static ImmutableArray<(string Name, string Meaning)> Variables { get; } =
    [
        (WarehouseVariable, "Folder of the file catalog's tables, where neither the sink nor --warehouse names one. Default ./warehouse."),
        (CatalogVariable, "Catalog of sinks that name none. Default: a file catalog in the warehouse."),
        (LibrdkafkaVariable, "Path of the librdkafka to load. Default: the one that came with the program, else the system's."),
        (StateVariable, "Folder for rows that wait for a checkpoint where memory is short. Default: the system's temporary folder."),
        (MockVariable, "1 says that the brokers are librdkafka's mock cluster, which cannot look up offsets by time."),
        (LogLevelVariable, $"{SeverityWord.Choices}: the least severity that is logged, where --log-level is not given. Default info."),
        (OtlpEndpointVariable, "Where run, replay and verify send metrics and traces over OTLP. OpenTelemetry's other variables say how. Default: nowhere."),
    ];

    /// <summary>The value of an environment variable; null where it is not set.</summary>
    public required Func<string, string?> Environment { get; init; }

    /// <summary>The absolute folder that relative paths start from.</summary>
    public required string CurrentDirectory { get; init; }

    public string? LibrdkafkaPath => NonEmpty(LibrdkafkaVariable);

    public bool IsMockKafka => NonEmpty(MockVariable) is "1" or "true";

    public static HostSettings OfProcess() => new()
    {
        Environment = System.Environment.GetEnvironmentVariable,
        CurrentDirectory = System.Environment.CurrentDirectory,
    };

    /// <summary>The variable's value; null where it is unset or empty.</summary>
    public string? NonEmpty(string variable) => Environment(variable) is { Length: > 0 } value ? value : null;

    /// <summary>
    /// The folder of the file catalog: the option, else the variable, else <c>./warehouse</c>. An absolute path, or an address in
    /// an object store as it is.
    /// </summary>
    public string Warehouse(string? option)
    {
        var warehouse = option ?? NonEmpty(WarehouseVariable) ?? "warehouse";
        return (StoreLocation.KindOf(warehouse) == StoreKind.Local ? Path.GetFullPath(warehouse, CurrentDirectory) : warehouse).TrimEnd('/');
    }
}
