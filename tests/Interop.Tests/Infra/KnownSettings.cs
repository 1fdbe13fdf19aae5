using Matih.Host.Runtime;
using Matih.Hosting;

namespace Matih.Interop.Tests.Infra;

/// <summary>The settings that the templates make, apart from those of pipelines: the one list that the tests compare with.</summary>
internal static class KnownSettings
{
    /// <summary>Of every Functions app.</summary>
    public static string[] OfFunctions { get; } =
    [
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "AZURE_CLIENT_ID",
        "AzureWebJobsStorage__accountName",
        "AzureWebJobsStorage__clientId",
        "AzureWebJobsStorage__credential",
        "MATIH_LOG_LEVEL",
        "MATIH_WAREHOUSE",
        "MATIH_WATCH_SCHEDULE",
    ];

    /// <summary>Of Elastic Premium besides.</summary>
    public static string[] OfPremium { get; } =
    [
        "FUNCTIONS_EXTENSION_VERSION",
        "FUNCTIONS_WORKER_RUNTIME",
        "WEBSITE_RUN_FROM_PACKAGE",
        "WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID",
    ];

    /// <summary>Of every container.</summary>
    public static string[] OfContainers { get; } = ["AZURE_CLIENT_ID", "MATIH_HEALTH", "MATIH_LOG", "MATIH_LOG_LEVEL", "MATIH_WAREHOUSE"];

    /// <summary>Of either, where the parameter is given.</summary>
    public static string[] WhereGiven { get; } = ["MATIH_CATALOG", "MATIH_STATE_DIR"];

    /// <summary>Read by the code, but not for Azure: the packages bring their own librdkafka, and no mock cluster.</summary>
    public static string[] NotOnAzure { get; } = ["MATIH_KAFKA_MOCK", "MATIH_LIBRDKAFKA"];

    /// <summary>Read by the Functions app alone.</summary>
    public static string[] ReadByFunctions { get; } = [.. HostSettings.Variables.Select(variable => variable.Name), "MATIH_LOG_LEVEL", "MATIH_WATCH_SCHEDULE"];

    /// <summary>Read by the command.</summary>
    public static string[] ReadByCommand { get; } = [.. CommandVariables.All.Select(variable => variable.Name)];
}
