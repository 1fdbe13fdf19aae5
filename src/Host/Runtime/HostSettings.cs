namespace Matih.Host.Runtime;

/// <summary>What the environment says about this process. Read once; command-line options win over it.</summary>
internal sealed record HostSettings
{
    public const string WarehouseVariable = "MATIH_WAREHOUSE";
    public const string CatalogVariable = "MATIH_CATALOG";
    public const string LibrdkafkaVariable = "MATIH_LIBRDKAFKA";
    public const string LogVariable = "MATIH_LOG";
    public const string LogLevelVariable = "MATIH_LOG_LEVEL";
    public const string HealthVariable = "MATIH_HEALTH";
    public const string MockVariable = "MATIH_KAFKA_MOCK";

    /// <summary>The variables that <c>--help</c> explains, in its order.</summary>
    public static (string Name, string Meaning)[] Variables { get; } =
    [
        (WarehouseVariable, "Folder of the file catalog's tables, where neither the sink nor --warehouse names one. Default ./warehouse."),
        (CatalogVariable, "Catalog of sinks that name none. Default: a file catalog in the warehouse."),
        (LibrdkafkaVariable, "Path of the librdkafka to load. Default: the one beside the program, else the system's librdkafka.so.1."),
        (LogVariable, "text or json: the form of log lines, where --log is not given. Default text."),
        (LogLevelVariable, "debug, info, warning or error: the least severity that is logged, where --log-level is not given. Default info."),
        (HealthVariable, "[HOST:]PORT or off: where a run serves its health, where --health is not given. Default 127.0.0.1:8471 in continuous runs."),
        (MockVariable, "1 says that the brokers are librdkafka's mock cluster, which cannot look up offsets by time."),
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

    /// <summary>The folder of the file catalog: the option, else the variable, else <c>./warehouse</c>. Absolute.</summary>
    public string Warehouse(string? option) => Path.GetFullPath(option ?? NonEmpty(WarehouseVariable) ?? "warehouse", CurrentDirectory).TrimEnd('/');
}
