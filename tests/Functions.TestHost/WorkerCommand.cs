using System.Globalization;
using System.Text.Json;
using Matih.Fixtures;

namespace Matih.Functions.TestHost;

/// <summary>How a host starts a worker: what its worker.config.json says, with the address to connect to.</summary>
internal static class WorkerCommand
{
    /// <summary>The version that this host says it has.</summary>
    public const string HostVersion = "4.1037.0";

    /// <summary>The value of FUNCTIONS_WORKER_RUNTIME.</summary>
    public const string Runtime = "dotnet-isolated";

    public static ExternalProcess Start(string folder, WorkerServer server, IReadOnlyDictionary<string, string?>? environment)
    {
        var description = Description(folder);
        var (workerId, requestId) = (Guid.NewGuid().ToString(), Guid.NewGuid().ToString());
        var messageBytesMax = WorkerServer.MessageBytesMax.ToString(CultureInfo.InvariantCulture);
        return ExternalProcess.Start(
            description.GetProperty("defaultExecutablePath").GetString()!,
            [
                Path.Combine(folder, description.GetProperty("defaultWorkerPath").GetString()!),
                "--host", server.Grpc.Host, "--port", server.Grpc.Port.ToString(CultureInfo.InvariantCulture),
                "--workerId", workerId, "--requestId", requestId, "--grpcMaxMessageLength", messageBytesMax,
                "--functions-uri", server.Grpc.AbsoluteUri, "--functions-worker-id", workerId, "--functions-request-id", requestId,
                "--functions-grpc-max-message-length", messageBytesMax,
            ],
            folder,
            Environment(folder, server, environment ?? new Dictionary<string, string?>()));
    }

    private static Dictionary<string, string?> Environment(string folder, WorkerServer server, IReadOnlyDictionary<string, string?> settings)
    {
        var environment = new Dictionary<string, string?>
        {
            ["FUNCTIONS_WORKER_RUNTIME"] = Runtime,
            ["FUNCTIONS_APPLICATION_DIRECTORY"] = folder,
            ["WEBSITE_HOSTNAME"] = server.Http.Authority,
        };
        foreach (var (name, value) in settings) environment[name] = value;
        return environment;
    }

    private static JsonElement Description(string folder)
    {
        var path = Path.Combine(folder, "worker.config.json");
        if (!File.Exists(path)) throw new FileNotFoundException($"{path} does not exist: name the output folder of a built isolated worker.", path);
        return JsonDocument.Parse(File.ReadAllText(path)).RootElement.GetProperty("description").Clone();
    }
}
