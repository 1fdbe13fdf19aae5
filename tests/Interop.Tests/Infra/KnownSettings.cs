using System.Text.RegularExpressions;
using Matih.Fixtures;
using Matih.Host.Runtime;

namespace Matih.Interop.Tests.Infra;

/// <summary>The settings that the templates make, apart from those of pipelines: the one list that the tests compare with.</summary>
internal static partial class KnownSettings
{
    /// <summary>Of every Functions app.</summary>
    public static string[] OfFunctions { get; } =
    [
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "AZURE_CLIENT_ID",
        "AzureFunctionsJobHost__logging__logLevel__default",
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

    /// <summary>Read by both, and left to who has a collector: a pipeline's own settings may name it.</summary>
    public static string[] OfCollectors { get; } = ["OTEL_EXPORTER_OTLP_ENDPOINT"];

    /// <summary>Read by the Functions app, but not set: the definitions are in its package.</summary>
    public static string[] OfPackage { get; } = ["MATIH_PIPELINES"];

    /// <summary>Our own settings, and those of Application Insights, that the Functions app and what it shares with the command read: what their sources name.</summary>
    public static string[] ReadByFunctions { get; } =
        [.. new[] { "Functions", "Hosting" }
            .SelectMany(project => Directory.EnumerateFiles(Path.Combine(SourceTree.Root, "src", project), "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal))
            .SelectMany(file => Name().Matches(File.ReadAllText(file)))
            .Select(match => match.Groups[1].Value)
            .Distinct()];

    /// <summary>Read by the command.</summary>
    public static string[] ReadByCommand { get; } = [.. CommandVariables.All.Select(variable => variable.Name)];

    [GeneratedRegex("\"((?:MATIH|APPLICATIONINSIGHTS)_[A-Z_]+)\"")]
    private static partial Regex Name();
}
