using System.CommandLine;
using Matih.Host.Runtime;
using Matih.Hosting;
using Matih.Hosting.Flink;

namespace Matih.Host.Commands;

/// <summary>Where the Flink cluster is.</summary>
internal sealed class FlinkPlace
{
    private readonly Option<Uri?> _gateway = Address("--gateway", "The SQL Gateway, such as http://flink:8083. Default: MATIH_FLINK_GATEWAY.");
    private readonly Option<Uri?> _jobManager = Address("--jobmanager", "The JobManager's REST endpoint as it is reached from here. Default: what the gateway is configured with.");

    public void AddTo(Command command)
    {
        command.Options.Add(_gateway);
        command.Options.Add(_jobManager);
    }

    /// <summary>Whether the command line names a gateway.</summary>
    public bool IsGiven(ParseResult arguments) => arguments.GetValue(_gateway) is not null;

    /// <exception cref="UsageException">No gateway is given.</exception>
    public FlinkCluster Open(ParseResult arguments, HostSettings settings)
    {
        var gateway = arguments.GetValue(_gateway);
        if (gateway is null && settings.Environment("MATIH_FLINK_GATEWAY") is { Length: > 0 } named && !TryParse(named, out gateway))
            throw new UsageException($"MATIH_FLINK_GATEWAY: '{named}' is no address such as http://flink:8083.");
        return gateway is null
            ? throw new UsageException("Give the address of Flink's SQL Gateway with --gateway, such as http://flink:8083, or set MATIH_FLINK_GATEWAY.")
            : new FlinkCluster(gateway, arguments.GetValue(_jobManager), TimeProvider.System);
    }

    private static Option<Uri?> Address(string name, string description) => new(name)
    {
        HelpName = "URL",
        Description = description,
        CustomParser = result =>
        {
            if (TryParse(result.Tokens[0].Value, out var address)) return address;
            result.AddError($"{name}: '{result.Tokens[0].Value}' is no address such as http://flink:8083.");
            return null;
        },
    };

    private static bool TryParse(string text, out Uri? address) =>
        Uri.TryCreate(text, UriKind.Absolute, out address) && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps) && address.Host.Length != 0;
}
