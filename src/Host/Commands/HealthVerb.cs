using System.CommandLine;
using Matih.Delivery;
using Matih.Host.Health;
using Matih.Host.Runtime;
using Matih.Hosting;

namespace Matih.Host.Commands;

/// <summary><c>matih health</c>: asks a run how it is, where nothing else can: an image for containers has no other program.</summary>
internal sealed class HealthVerb : Verb
{
    /// <summary>As long as the endpoint itself gives a request.</summary>
    private static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(5);

    private static readonly HelpPage Page = new(
        """
        Asks a run whether it is live, prints its answer, and says the same by the exit code: for the health check of a
        container, or for a script. The address is asked directly, without the proxy that the environment may name.
        """,
        ["health [ADDRESS] [--ready]"],
        ("Examples",
        [
            ("matih health", "where MATIH_HEALTH says, else 127.0.0.1:8471"),
            ("matih health 9000 --ready", "whether it reads and commits"),
            ("matih health 10.0.0.7:8471", "on another machine"),
        ]),
        ("Exit codes", [("0", "It is live; with --ready, ready."), ("1", "It is not, or nobody answers."), ("2", "The command line is wrong.")]));

    private readonly HostSettings _settings;
    private readonly Argument<string?> _address;
    private readonly Option<bool> _ready;

    public HealthVerb(HostSettings settings) : base("health", "Ask a run whether it is live or ready.", Page)
    {
        _settings = settings;
        _address = new Argument<string?>("ADDRESS") { Description = "[HOST:]PORT at which the run serves its health. Default: MATIH_HEALTH, else 127.0.0.1:8471.", Arity = ArgumentArity.ZeroOrOne };
        RefuseOptions(_address, Command);
        Command.Arguments.Add(_address);
        _ready = Flag("--ready", "Ask whether it is ready (GET /health/ready), not only live (GET /health/live).");
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var url = $"http://{HealthAddress.ToAsk(arguments.GetValue(_address), _settings)}/health/{(arguments.GetValue(_ready) ? "ready" : "live")}";
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = AnswerTimeMax };
        string fault;
        try
        {
            using var answer = await client.GetAsync(new Uri(url), cancellationToken);
            await arguments.InvocationConfiguration.Output.WriteAsync(await answer.Content.ReadAsStringAsync(cancellationToken));
            return answer.IsSuccessStatusCode ? ExitCode.Done : HostExit.Unwell;
        }
        catch (HttpRequestException failure)
        {
            fault = failure.InnerException?.Message ?? failure.Message;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            fault = $"it kept silent for {DurationText.Show(AnswerTimeMax)}";
        }
        await arguments.InvocationConfiguration.Error.WriteLineAsync(
            $"matih health: no answer from {url}: {fault}.\nCheck that a run serves its health there: --health or MATIH_HEALTH of the run, and the url in its log's event health.");
        return HostExit.Unwell;
    }
}
